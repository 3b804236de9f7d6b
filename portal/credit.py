"""The customer's credit: how much there is, and the button that puts it on an invoice.

It moves the user's own money onto their own invoice, so an invoice's link is enough to press it.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from billing import credit_use
from billing.actor import Actor, customer_actor
from billing.errors import Refusal
from models import Invoice
from portal import limits
from portal.customers import account, acting, customer
from portal.forms import CreditForm
from portal.limits import limiter
from portal.links import open_link, portal
from portal.ticked import ticked
from web.formats import money


@dataclass(frozen=True)
class CreditOffer:
    """What using the credit on ``invoice`` would do; amounts are minor units.

    available -- all of the user's credit
    used      -- what of it this invoice would take
    """

    invoice: Invoice
    available: int
    used: int

    @property
    def left(self) -> int:
        """What would be left to pay."""
        return self.invoice.balance - self.used


def offer_of(session: Session, invoice: Invoice) -> CreditOffer | None:
    """Return the offer to use credit on ``invoice``; None without credit, or when it is refused."""
    if credit_use.why_not_use_credit(session, invoice) is not None:
        return None
    available = credit_use.available_credit(session, invoice.user_id)
    return CreditOffer(invoice, available, min(available, invoice.balance))


@portal.post("/i/<token>/credit")
@limiter.limit(limits.PAY)
def use_credit(token: str) -> ResponseReturnValue:
    """Put the user's credit on the invoice behind the link."""
    invoice = open_link(token)
    _use(invoice, customer_actor(invoice.user_id, request.remote_addr or ""))
    return redirect(url_for("portal.invoice", token=token), code=303)


@account.post("/account/credit", endpoint="use_credit")
@limiter.limit(limits.PAY)
def use_credit_signed_in() -> ResponseReturnValue:
    """Put a signed-in customer's credit on the invoice their page named."""
    for invoice in ticked(customer().ids, request.form.getlist("invoice")[:1]):
        _use(invoice, acting(invoice.user_id))
    return redirect(url_for("account.home"), code=303)


def _use(invoice: Invoice, actor: Actor) -> None:
    """Ask the heart, and say what happened; the page shown next reads everything anew."""
    form = CreditForm()
    name, balance = str(invoice), invoice.balance
    if not form.validate():
        flash("The page was not complete. No credit was used.", "refused")
        return
    try:
        used = credit_use.use_credit(
            invoice.id, shown_balance=int(form.shown_balance.data or 0), actor=actor
        )
    except Refusal as refusal:
        flash(refusal.sentence, "refused")
        return
    left = balance - used
    rest = f"{money(left)} is left to pay" if left else "It is paid in full"
    flash(f"{money(used)} of your credit was used for {name.lower()}. {rest}.", "done")
