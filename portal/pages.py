"""The invoice's own page, and the three small requests its script makes."""

from __future__ import annotations

from flask import jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue

from billing import invoicing, parts
from billing.actor import customer_actor
from billing.errors import Refusal
from billing.office import get_settings, in_words
from models import Invoice, db
from portal import limits
from portal.credit import offer_of
from portal.desk import OtherAmount, PayDesk, card_fields_answer
from portal.limits import limiter
from portal.links import only_fetched_ahead, open_link, portal, staff_is_looking
from portal.sheets import PAYABLE, sheet_of, standing_of


@portal.get("/")
@limiter.limit(limits.LOOK)
def home() -> ResponseReturnValue:
    """For people who come without a link."""
    return render_template("portal/home.html")


@portal.get("/i/<token>")
@limiter.limit(limits.LOOK)
def invoice(token: str) -> ResponseReturnValue:
    """The invoice in its present state; where it can be paid, with the card fields.

    Opening it changes nothing. That the customer has seen it is told by its script afterwards.
    """
    found = open_link(token)
    sheet = sheet_of(db.session(), found)
    desk = credit = None
    if sheet.standing == PAYABLE:
        credit = offer_of(db.session(), found)
        desk = PayDesk(
            amount=sheet.balance,
            holder=sheet.holder,
            street=sheet.street,
            postal_code=sheet.postal_code,
            action=url_for("portal.pay", token=token),
            card_fields=url_for("portal.card_fields", token=token),
            page=url_for("portal.invoice", token=token),
            printed=url_for("portal.invoice_file", token=token),
            other=_other_amount(found, token),
        )
    return render_template(
        "portal/invoice.html",
        sheet=sheet,
        token=token,
        desk=desk,
        credit=credit,
        count_view=not staff_is_looking(),
    )


@portal.get("/i/<token>/card-fields")
@limiter.limit(limits.CARD_FIELDS)
def card_fields(token: str) -> ResponseReturnValue:
    """What the card fields need to start. 503 with a sentence when the gateway can't be reached.

    It is asked for after the page is open: a slow gateway must not keep anybody from their bill.
    """
    if standing_of(db.session(), open_link(token)) != PAYABLE:
        return jsonify(problem="This invoice can't be paid at the moment."), 409
    return card_fields_answer()


@portal.get("/i/<token>/amount")
@limiter.limit(limits.LOOK)
def amount(token: str) -> ResponseReturnValue:
    """Say what an amount that is being typed means: what would be paid and what would be left.

    Asked for by the page's script, so that the one reader of amounts is the heart's. That it can't
    be paid is an answer too, with its sentence.
    """
    found = open_link(token)
    session = db.session()
    if standing_of(session, found) != PAYABLE:
        return jsonify(problem="This invoice can't be paid at the moment.")
    try:
        part = parts.read_other_amount(session, found, request.args.get(parts.FIELD, ""))
    except Refusal as refusal:
        return jsonify(problem=refusal.sentence)
    left = found.balance_now - part
    return jsonify(amount=in_words(session, part), left=in_words(session, left) if left else "")


@portal.get("/i/<token>/standing")
@limiter.limit(limits.POLL)
def standing(token: str) -> ResponseReturnValue:
    """How the invoice stands, for a page that waits for news."""
    return jsonify(standing=standing_of(db.session(), open_link(token)))


@portal.post("/i/<token>/viewed")
@limiter.limit(limits.POLL)
def viewed(token: str) -> ResponseReturnValue:
    """Note that the customer opened the invoice; a look by staff or a prefetch is not that."""
    invoice = open_link(token)
    if not staff_is_looking() and not only_fetched_ahead():
        actor = customer_actor(invoice.user_id, request.remote_addr or "")
        invoicing.record_view(invoice.id, actor=actor)
    return "", 204


def _other_amount(invoice: Invoice, token: str) -> OtherAmount | None:
    """The choice to pay a part, with what was wrong about the amount the address carries."""
    session = db.session()
    if not get_settings(session).other_amounts:
        return None
    check = url_for("portal.amount", token=token)
    typed = request.args.get(parts.FIELD)
    if typed is None:
        return OtherAmount(check)
    try:
        parts.read_other_amount(session, invoice, typed)
    except Refusal as refusal:
        return OtherAmount(check, typed[:40], refusal.sentence)
    return OtherAmount(check, typed[:40])
