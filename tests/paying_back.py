"""Paying money back and putting it on an invoice, as a page that was just opened does."""

from __future__ import annotations

from billing import refunds
from billing.actor import Actor
from billing.attempts import Attempt
from models import Payment
from tests.support import fetch


def pay_back(payment_id: int, *, amount: int, then: str, reason: str, actor: Actor) -> Attempt:
    """Refund ``amount`` minor units of a payment."""
    payment = fetch(Payment, payment_id)
    left = payment.amount - payment.refunded
    return refunds.refund_payment(
        payment_id, amount=amount, shown_left=left, then=then, reason=reason, actor=actor
    )


def put_on(payment_id: int, invoice_id: int, *, amount: int, actor: Actor) -> None:
    """Apply ``amount`` minor units of a payment to an invoice."""
    left = fetch(Payment, payment_id).unapplied
    refunds.apply_payment(payment_id, invoice_id, amount=amount, shown_left=left, actor=actor)
