"""Paying: one POST to a verb, then a page that tells honestly how it ended."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from billing import charging, parts
from billing.actor import customer_actor
from billing.errors import Refusal
from billing.typed_numbers import LONGEST
from models import db
from portal import limits
from portal.forms import PayForm
from portal.limits import limiter
from portal.links import open_link, portal
from portal.sheets import attempt_of, sheet_of

NOTHING_CHARGED = "Nothing was charged."
# Larger than any id either database hands out before the sun goes cold, smaller than 64 bits.
MAX_ID = 2**53


@portal.post("/i/<token>/pay")
@limiter.limit(limits.PAY)
def pay(token: str) -> ResponseReturnValue:
    """Ask the heart to charge the typed card for this invoice's balance, or the part asked for.

    Amount, currency and invoice are the server's: from the form it takes the card's nonce, the
    holder, the postal code, the balance that was shown and, where the office allows that, another
    amount. A refusal sends back to the invoice as it is now, with the reason on top, and at the
    amount if it is about that; anything else has a page of its own.
    """
    invoice = open_link(token)
    form = PayForm()
    if not form.validate():
        return _back(token, f"{form.first_problem()} {NOTHING_CHARGED}")
    try:
        part = None
        if form.part is not None:
            part = parts.read_other_amount(db.session(), invoice, form.part)
        attempt = charging.pay_invoice(
            invoice.id,
            nonce=form.typed("nonce"),
            shown_balance=int(form.typed("shown_balance")),
            amount=part,
            holder=form.typed("holder"),
            street=form.typed("street"),
            postal_code=form.typed("postal_code"),
            actor=customer_actor(invoice.user_id, request.remote_addr or ""),
        )
    except Refusal as refusal:
        if refusal.field == parts.FIELD:
            return _back(token, f"{refusal.sentence} {NOTHING_CHARGED}", form.part)
        return _back(token, refusal.sentence)
    return redirect(url_for("portal.attempt", token=token, payment_id=attempt.payment_id), code=303)


@portal.get(f"/i/<token>/payments/<int(max={MAX_ID}):payment_id>")
@limiter.limit(limits.LOOK)
def attempt(token: str, payment_id: int) -> ResponseReturnValue:
    """How one attempt ended, as far as anybody knows at this moment."""
    invoice = open_link(token)
    try:
        found = attempt_of(db.session(), invoice, payment_id)
    except Refusal as refusal:
        return render_template("errors/404.html", sentence=refusal.sentence, token=token), 404
    sheet = sheet_of(db.session(), invoice)
    return render_template(
        "portal/attempt.html", attempt=found, sheet=sheet, token=token, user=invoice.user
    )


def _back(token: str, sentence: str, part: str | None = None) -> ResponseReturnValue:
    flash(sentence, "refused")
    # One more than is read, so that what was too long is still told so.
    kept: dict[str, Any] = {} if part is None else {parts.FIELD: part[: LONGEST + 1]}
    return redirect(url_for("portal.invoice", token=token, **kept), code=303)
