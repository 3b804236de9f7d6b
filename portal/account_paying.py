"""Paying several invoices at once: what was ticked, the card form, and how it ended."""

from __future__ import annotations

from flask import abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from billing import charging
from billing.errors import NotFound, Refusal
from models import db
from portal import limits
from portal.account_rows import InvoiceRow, rows_of
from portal.customers import Customer, account, acting, customer
from portal.desk import PayDesk, card_fields_answer
from portal.forms import PayForm
from portal.limits import limiter
from portal.outcomes import Ending, ending_of
from portal.own_method import method_desk, press
from portal.paying import MAX_ID, NOTHING_CHARGED
from portal.ticked import ticked


@account.get("/account/pay")
@limiter.limit(limits.LOOK)
def several() -> ResponseReturnValue:
    """What was ticked, its sum, and the ways to pay it; nothing is decided here."""
    rows = _ticked(customer(), request.args.getlist("invoice"))
    problem = _problem(rows)
    if problem:
        flash(problem, "refused")
        return redirect(url_for("account.home"), code=303)
    payer = rows[0].invoice.user
    chosen = tuple(row.invoice.id for row in rows)
    desk = PayDesk(
        amount=sum(row.invoice.balance for row in rows),
        holder=payer.name,
        street=payer.street,
        postal_code=payer.postal_code,
        action=url_for("account.pay_several"),
        card_fields=url_for("account.card_fields"),
        page=url_for("account.several", invoice=chosen),
        chosen=chosen,
    )
    own = method_desk(db.session(), payer, rows, url_for("account.pay_several_with_method"))
    return render_template("portal/account/pay.html", rows=rows, desk=desk, own=own)


@account.get("/account/card-fields")
@limiter.limit(limits.CARD_FIELDS)
def card_fields() -> ResponseReturnValue:
    """What the card fields need to start."""
    customer()
    return card_fields_answer()


@account.post("/account/pay")
@limiter.limit(limits.PAY)
def pay_several() -> ResponseReturnValue:
    """Ask the heart to charge one card once for the balances of everything that was ticked.

    The sum is the server's; the one that was shown is only compared with it. Every invoice must be
    payable, else nothing is charged for any.
    """
    rows = _ticked(customer(), request.form.getlist("invoice"))
    chosen = [row.invoice.id for row in rows]
    form = PayForm()
    if not rows or not form.validate():
        problem = form.first_problem() if rows else "Please tick what you want to pay."
        return _back(chosen, f"{problem} {NOTHING_CHARGED}")
    try:
        attempt = charging.pay_invoices(
            chosen,
            nonce=form.typed("nonce"),
            shown_total=int(form.typed("shown_balance")),
            holder=form.typed("holder"),
            street=form.typed("street"),
            postal_code=form.typed("postal_code"),
            actor=acting(rows[0].invoice.user_id),
        )
    except Refusal as refusal:
        return _back(chosen, refusal.sentence)
    return redirect(url_for("account.payment", payment_id=attempt.payment_id), code=303)


@account.post("/account/pay/method")
@limiter.limit(limits.PAY)
def pay_several_with_method() -> ResponseReturnValue:
    """Ask the heart to charge the registered method once for everything that was ticked."""
    rows = _ticked(customer(), request.form.getlist("invoice"))
    chosen = [row.invoice.id for row in rows]
    if not rows:
        return _back(chosen, f"{_problem(rows)} {NOTHING_CHARGED}")
    try:
        payment_id = press(chosen, acting(rows[0].invoice.user_id))
    except Refusal as refusal:
        return _back(chosen, refusal.sentence)
    return redirect(url_for("account.payment", payment_id=payment_id), code=303)


@account.get(f"/account/payments/<int(max={MAX_ID}):payment_id>")
@limiter.limit(limits.LOOK)
def payment(payment_id: int) -> ResponseReturnValue:
    """How one payment ended, as far as anybody knows now, with every invoice it is for."""
    ending = _ending(payment_id)
    chosen = tuple(share.invoice.id for share in ending.shares)
    return render_template(
        "portal/account/outcome.html",
        ending=ending,
        standing_url=url_for("account.payment_standing", payment_id=payment_id),
        again_url=url_for("account.several", invoice=chosen),
        methods_url=url_for("account.methods"),
        back_url=url_for("account.home"),
        back="Back to your account",
    )


@account.get(f"/account/payments/<int(max={MAX_ID}):payment_id>/standing")
@limiter.limit(limits.POLL)
def payment_standing(payment_id: int) -> ResponseReturnValue:
    """How it stands, for a page that waits for news."""
    return jsonify(standing=_ending(payment_id).outcome)


def _ending(payment_id: int) -> Ending:
    try:
        return ending_of(db.session(), customer().ids, payment_id)
    except NotFound:
        abort(404)


def _ticked(here: Customer, numbers: list[str]) -> list[InvoiceRow]:
    """Return the ticked invoices of this customer as rows."""
    return rows_of(db.session(), ticked(here.ids, numbers))


def _problem(rows: list[InvoiceRow]) -> str:
    if not rows:
        return "Please tick what you want to pay."
    stuck = [str(row.invoice) for row in rows if not row.payable]
    if stuck:
        return f"{' and '.join(stuck)} can’t be paid at the moment."
    if len({row.invoice.user_id for row in rows}) > 1:
        return "Please pay for one person at a time."
    return ""


def _back(chosen: list[int], sentence: str) -> ResponseReturnValue:
    """Say why once; where the page would only add that they can't be paid, the account says it."""
    flash(sentence, "refused")
    rows = _ticked(customer(), [str(number) for number in chosen])
    page = url_for("account.several", invoice=chosen)
    return redirect(url_for("account.home") if _problem(rows) else page, code=303)
