"""Sending a receipt once more, because somebody asked for it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing import announcements, guards
from billing.actor import Actor
from billing.database import transaction
from billing.errors import Refusal
from billing.history import note
from billing.locks import lock_payment
from models import Allocation, Payment, User
from models.states import COLLECTED_PAYMENT_STATES, AllocationState, PaymentKind


def why_not_resend(session: Session, payment: Payment) -> Refusal | None:
    """Resend receipt: money that was received for an invoice, from somebody with an e-mail."""
    received = payment.kind is PaymentKind.CHARGE and payment.state in COLLECTED_PAYMENT_STATES
    if not received:
        return Refusal("There is a receipt only for money that was received.", "not_collected")
    if not any(_reached(share) for share in payment.allocations):
        return Refusal("This money is on no invoice yet, so there is no receipt.", "unapplied")
    if not session.get_one(User, payment.user_id).reachable:
        return Refusal("This user has no e-mail. Print the receipt or save its PDF.", "no_email")
    return None


def resend_receipt(payment_id: int, *, actor: Actor) -> str:
    """E-mail the receipt of a payment again and return the address it goes to.

    Each asked-for copy is a letter of its own, unlike the first, which goes once. Raises
    ``Refusal`` when there is no receipt or nobody to send it to.
    """
    with transaction() as session:
        payment, _invoices = lock_payment(session, payment_id)
        guards.require(why_not_resend(session, payment))
        user = session.get_one(User, payment.user_id)
        row = note(session, payment, "resend", "Receipt sent again", actor)
        session.flush()
        announcements.receipt(session, payment, resend=str(row.id))
        return user.email or ""


def _reached(share: Allocation) -> bool:
    """Whether money of the payment was on the invoice once, taken back since or not."""
    return share.amount > 0 and share.state in (AllocationState.APPLIED, AllocationState.REVERSED)
