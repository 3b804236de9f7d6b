"""Paying with the registered payment method: only for people we know, never by an invoice's link.

Whoever holds an invoice's link may be anybody; a stored card is charged only for the customer who
signed in, or who came by the link to their own payment method.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from billing import own_method
from billing.actor import Actor
from billing.errors import Refusal
from models import PaymentMethod, User, db
from portal.account_rows import InvoiceRow
from portal.forms import MethodForm
from portal.paying import NOTHING_CHARGED


@dataclass(frozen=True)
class MethodDesk:
    """What ``_pay_method.html`` needs: one button that charges ``method`` for these invoices.

    amount -- minor units on the button; compared with what is due, never charged
    action -- where it is sent
    chosen -- the invoices
    """

    method: PaymentMethod
    amount: int
    action: str
    chosen: tuple[int, ...]

    @property
    def form(self) -> MethodForm:
        """The form as it is shown."""
        return MethodForm(formdata=None, shown_total=str(self.amount), method=str(self.method.id))


def method_desk(
    session: Session, user: User, rows: Sequence[InvoiceRow], action: str
) -> MethodDesk | None:
    """Return the button that pays ``rows`` with the user's method; None where it can't be used."""
    method = own_method.usable_method(session, user)
    if method is None or not rows:
        return None
    amount = sum(row.invoice.balance for row in rows)
    return MethodDesk(method, amount, action, tuple(row.invoice.id for row in rows))


def press(invoice_ids: Sequence[int], actor: Actor) -> int:
    """Ask the heart to charge what the posted form says was shown; return the payment.

    A second press charges nothing and leads to what the first one did. Raises ``Refusal`` with a
    sentence for the customer; nothing was charged then.
    """
    form = MethodForm()
    if not form.validate():
        raise Refusal(f"{form.first_problem()} {NOTHING_CHARGED}", "incomplete")
    try:
        attempt = own_method.pay_with_method(
            invoice_ids,
            shown_total=int(form.shown_total.data or 0),
            method_id=int(form.method.data or 0),
            actor=actor,
        )
    except Refusal as refusal:
        return first_press(invoice_ids, refusal)
    return attempt.payment_id


def first_press(invoice_ids: Collection[int], refusal: Refusal) -> int:
    """Return what an earlier press of the same button started; without one raises ``refusal``."""
    made = own_method.payment_just_made(db.session(), invoice_ids)
    if made is None:
        raise refusal
    return made
