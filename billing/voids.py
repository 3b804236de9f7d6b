"""Charges that were called off before they settled, by paying all of them back.

Nothing ever left the customer's account. The record of such a charge keeps its state and has all of
it paid back, so that the ledger needs no rule of its own for it; people read it as voided.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_

from models import Payment
from models.states import PaymentKind, PaymentState

# The gateway's own word; it stands on the charge and on the refund that voided it.
STATUS = "voided"


def was_voided(payment: Payment) -> bool:
    """Whether a charge was called off by paying all of it back, so that nobody was charged."""
    return (
        payment.kind is PaymentKind.CHARGE
        and payment.state is PaymentState.SUBMITTED
        and payment.gateway_status == STATUS
        and payment.refunded == payment.amount
    )


def voided_condition() -> ColumnElement[bool]:
    """Return the same as a condition."""
    return and_(
        Payment.kind == PaymentKind.CHARGE,
        Payment.state == PaymentState.SUBMITTED,
        Payment.gateway_status == STATUS,
        Payment.refunded == Payment.amount,
    )


def is_void(refund: Payment) -> bool:
    """Whether a refund is a void: no money went back, because none had come yet."""
    return refund.gateway_status == STATUS and refund.gateway_id is None
