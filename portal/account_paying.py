"""Paying several invoices at once: what was ticked, the card form, and how it ended."""

from __future__ import annotations

from flask import abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from billing import charging
from billing.errors import NotFound, Refusal
from models import Invoice, db
from portal import limits
from portal.account_rows import InvoiceRow, rows_of
from portal.customers import Customer, account, acting, customer
from portal.desk import PayDesk, card_fields_answer
from portal.forms import PayForm
from portal.limits import limiter
from portal.outcomes import Ending, ending_of
from portal.paying import MAX_ID, NOTHING_CHARGED

MOST = 100


@account.get("/account/pay")
@limiter.limit(limits.LOOK)
def several() -> ResponseReturnValue:
    """What was ticked, its sum, and the card form; nothing is decided here."""
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
    return render_template("portal/account/pay.html", rows=rows, desk=desk)


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
    """Return the ticked invoices; anything that is not this customer's is not found."""
    if len(numbers) > MOST or any(not _is_id(number) for number in numbers):
        abort(404)
    wanted = {int(number) for number in numbers}
    found = select(Invoice).where(Invoice.id.in_(wanted), Invoice.user_id.in_(here.ids))
    invoices = list(db.session.scalars(found.order_by(Invoice.id)))
    if len(invoices) != len(wanted):
        abort(404)
    return rows_of(db.session(), invoices)


def _is_id(number: str) -> bool:
    return number.isascii() and number.isdigit() and len(number) <= 16 and int(number) <= MAX_ID


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
    flash(sentence, "refused")
    return redirect(url_for("account.several", invoice=chosen), code=303)
