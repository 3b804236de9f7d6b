"""Money that comes by itself: a debit nobody could stop, and what no invoice uses yet.

Shown at the top of the Eye pages it concerns, with one button to apply it and one to pay it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select

from admin.base.access import holds
from admin.base.scope import in_scope
from admin.base.words import words
from billing.credit_use import unused
from models import Allocation, Invoice, Payment, User, db
from models.states import (
    LIVE_PAYMENT_STATES,
    AllocationState,
    PaymentKind,
    Tender,
)

MOST = 5


@dataclass(frozen=True)
class Late:
    """A payment that was given up for its invoice but may bring money yet, or has.

    arrived -- its money is here and not all of it is used: apply it or pay it back
    """

    payment: Payment
    sentence: str
    arrived: bool


def late_payments(invoice: Invoice) -> list[Late]:
    """Return what is still to be said about payments that were detached from ``invoice``."""
    if not holds("payments.view"):
        return []
    rows = db.session.execute(
        select(Payment, Allocation.amount)
        .join(Allocation, Allocation.payment_id == Payment.id)
        .where(
            Allocation.invoice_id == invoice.id,
            # A debit over several invoices is given up for those only that were set back.
            Allocation.state == AllocationState.RELEASED,
            Payment.detached,
            Payment.kind == PaymentKind.CHARGE,
            or_(Payment.state.in_(LIVE_PAYMENT_STATES), unused()),
            *in_scope(Payment),
        )
        .order_by(Payment.id)
    )
    return [_late(payment, share) for payment, share in rows]


def _late(payment: Payment, share: int) -> Late:
    amount = words().money(share)
    what = f"A payment of {amount} that had been given up"
    if payment.tender is Tender.DIRECT_DEBIT:
        what = f"A debit of {amount} that could not be stopped"
    if payment.state in LIVE_PAYMENT_STATES:
        then = "If its money arrives, it becomes this user's credit and staff are told."
        return Late(payment, f"{what} is still on its way. {then}", arrived=False)
    left = words().money(payment.unapplied)
    rest = "" if payment.unapplied == share else f"; {left} of it is not used"
    return Late(payment, f"{what} has arrived{rest}. Apply it or refund it.", arrived=True)


def unapplied_of(record: Any) -> list[Payment]:
    """Return what no invoice uses of a payment, or of a user's payments, the oldest first."""
    if not holds("payments.view"):
        return []
    about = Payment.user_id if isinstance(record, User) else Payment.id
    rows = select(Payment).where(about == record.id, unused(), *in_scope(Payment))
    return list(db.session.scalars(rows.order_by(Payment.id).limit(MOST)))
