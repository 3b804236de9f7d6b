"""An application's page, for who signed in and for who opens the link of a letter.

Both doors lead to the same pages. The link opens this one application and nothing else.
"""

from __future__ import annotations

from typing import Any

from flask import abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from applications import deciding, settling
from applications.fees import ITEMS
from applications.links import read_application_token
from billing.errors import NotFound, Refusal
from billing.signed import LinkDead
from models import Application, db
from models.states import ApplicationState
from portal import limits
from portal.application_sheets import COMMENT, ApplicationSheet, application_standing, sheet_of
from portal.customers import account, acting, customer
from portal.desk import NOT_NOW, PayDesk, card_fields_answer
from portal.forms import PayForm
from portal.limits import limiter
from portal.links import LONGEST_TOKEN
from portal.outcomes import Ending, ending_for
from portal.paying import MAX_ID, NOTHING_CHARGED
from portal.sheets import PAYABLE
from web.formats import money

SIGNED_IN = f"/applications/<int(max={MAX_ID}):application_id>"
BY_LINK = "/a/<token>"
PAYMENT = f"/payments/<int(max={MAX_ID}):payment_id>"
LONGEST_COMMENT = 2000


@account.get(SIGNED_IN)
@account.get(BY_LINK)
@limiter.limit(limits.LOOK)
def application(**door: Any) -> ResponseReturnValue:
    """How the application stands; the card form where something is to pay."""
    return _page(door, open_application(**door))


@account.get(f"{SIGNED_IN}/card-fields")
@account.get(f"{BY_LINK}/card-fields")
@limiter.limit(limits.CARD_FIELDS)
def application_card_fields(**door: Any) -> ResponseReturnValue:
    """What the card fields need to start, as long as something can be paid."""
    if application_standing(db.session(), open_application(**door)) != PAYABLE:
        return jsonify(problem=NOT_NOW), 409
    return card_fields_answer()


@account.get(f"{SIGNED_IN}/standing")
@account.get(f"{BY_LINK}/standing")
@limiter.limit(limits.POLL)
def application_news(**door: Any) -> ResponseReturnValue:
    """How its balance stands, for a page that waits for news."""
    return jsonify(standing=application_standing(db.session(), open_application(**door)))


@account.post(f"{SIGNED_IN}/pay")
@account.post(f"{BY_LINK}/pay")
@limiter.limit(limits.PAY)
def pay_balance(**door: Any) -> ResponseReturnValue:
    """Ask for the outstanding balance; paid online the application is pending (again)."""
    found = open_application(**door)
    form = PayForm()
    if not form.validate():
        return _back(door, f"{form.first_problem()} {NOTHING_CHARGED}")
    try:
        attempt = settling.pay_balance(
            found.id,
            nonce=form.typed("nonce"),
            shown_balance=int(form.typed("shown_balance")),
            holder=form.typed("holder"),
            street=form.typed("street"),
            postal_code=form.typed("postal_code"),
            actor=acting(found.user_id),
        )
    except Refusal as refusal:
        return _back(door, refusal.sentence)
    where = url_for("account.balance_payment", **door, payment_id=attempt.payment_id)
    return redirect(where, code=303)


@account.get(f"{SIGNED_IN}{PAYMENT}")
@account.get(f"{BY_LINK}{PAYMENT}")
@limiter.limit(limits.LOOK)
def balance_payment(payment_id: int, **door: Any) -> ResponseReturnValue:
    """How one payment for this application ended, as far as anybody knows now."""
    found = open_application(**door)
    return render_template(
        "portal/account/outcome.html",
        ending=_ending(found, payment_id),
        application=found,
        standing_url=url_for("account.balance_payment_news", **door, payment_id=payment_id),
        again_url=url_for("account.application", **door, _anchor="pay"),
        back_url=url_for("account.application", **door),
        back="Back to the application",
    )


@account.get(f"{SIGNED_IN}{PAYMENT}/standing")
@account.get(f"{BY_LINK}{PAYMENT}/standing")
@limiter.limit(limits.POLL)
def balance_payment_news(payment_id: int, **door: Any) -> ResponseReturnValue:
    """How it stands, for a page that waits for news."""
    return jsonify(standing=_ending(open_application(**door), payment_id).outcome)


@account.post(f"{SIGNED_IN}/answers")
@account.post(f"{BY_LINK}/answers")
@limiter.limit(limits.CHANGE)
def change_answers(**door: Any) -> ResponseReturnValue:
    """Change what fees depend on, or answer the office; what was rejected is handed in again."""
    found = open_application(**door)
    was, answered = found.state, found.answers
    try:
        answers = _typed_answers(found)
        difference = deciding.change_answers(found.id, answers, actor=acting(found.user_id))
        if "hand_in" in request.form:
            return _hand_in(door, found)
    except Refusal as refusal:
        if refusal.field in (ITEMS, COMMENT):
            return _page(door, found, {refusal.field: refusal.sentence}), 400
        return _back(door, refusal.sentence)
    found = open_application(**door)
    if answers == answered:
        return _back(door, "Nothing was changed.")
    flash(_what_happened(found, difference, again=found.state is not was), "done")
    return redirect(url_for("account.application", **door), code=303)


def open_application(application_id: int = 0, token: str = "") -> Application:
    """Return the application behind a door.

    Raises ``LinkDead`` for a link that opens nothing and ``SignedOut`` without a sign-in; another
    customer's application is not found, like one that does not exist.
    """
    if token:
        if len(token) > LONGEST_TOKEN:
            raise LinkDead
        return read_application_token(db.session(), token)
    here = customer()
    found = db.session.get(Application, application_id)
    if found is None or found.user_id not in here.ids:
        abort(404)
    return found


def _page(door: dict[str, Any], found: Application, problems: dict[str, str] | None = None) -> str:
    sheet = sheet_of(db.session(), found)
    return render_template(
        "portal/account/application.html",
        sheet=sheet,
        application=found,
        door=door,
        desk=_desk(door, sheet) if sheet.payable else None,
        problems=problems or {},
        typed=request.form,
    )


def _desk(door: dict[str, Any], sheet: ApplicationSheet) -> PayDesk:
    user = sheet.application.user
    return PayDesk(
        amount=sheet.balance,
        holder=user.name,
        street=user.street,
        postal_code=user.postal_code,
        action=url_for("account.pay_balance", **door),
        card_fields=url_for("account.application_card_fields", **door),
        page=url_for("account.application", **door),
    )


def _typed_answers(found: Application) -> dict[str, Any]:
    """The answers as they would be: only what the page asks for can change."""
    answers = dict(found.answers)
    if found.form.item_name and ITEMS in request.form:
        typed = request.form[ITEMS].strip()
        is_number = typed.isascii() and typed.isdigit() and len(typed) <= 9
        answers[ITEMS] = int(typed) if is_number else typed
    comment = request.form.get(COMMENT, "").replace("\x00", "").strip()
    if len(comment) > LONGEST_COMMENT:
        raise Refusal(f"At most {LONGEST_COMMENT:,} characters, please.", "too_long", COMMENT)
    if comment or COMMENT in answers:
        answers[COMMENT] = comment
    return answers


def _hand_in(door: dict[str, Any], found: Application) -> ResponseReturnValue:
    deciding.submit(found.id, actor=acting(found.user_id))
    flash("Your application is handed in. The office will look at it.", "done")
    return redirect(url_for("account.application", **door), code=303)


def _what_happened(found: Application, difference: int, *, again: bool) -> str:
    sentences = ["Saved."]
    if again:
        sentences = ["Saved. Your application is pending again: the office looks at it anew."]
    if difference:
        before, after = found.fees_total - difference, found.fees_total
        sentences.append(f"The fees are now {money(after)}, before {money(before)}.")
        if found.outstanding_balance > 0 and found.state is not ApplicationState.DRAFT:
            sentences.append(f"{money(found.outstanding_balance)} is outstanding.")
    return " ".join(sentences)


def _ending(found: Application, payment_id: int) -> Ending:
    try:
        return ending_for(db.session(), found, payment_id)
    except NotFound:
        abort(404)


def _back(door: dict[str, Any], sentence: str) -> ResponseReturnValue:
    flash(sentence, "refused")
    return redirect(url_for("account.application", **door), code=303)
