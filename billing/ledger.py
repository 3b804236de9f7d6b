"""The only writer of ``allocated``, ``credited`` and ``refunded``.

The invariants, held by CHECKs and re-proved by ``billing.verify``: an invoice's ``allocated`` is
the sum of its applied allocations, a payment's the sum of its own, and neither is ever more than
the total or the amount. The caller holds the locks.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import clock
from billing.errors import Refusal
from models import Allocation, Application, Credit, Invoice, Payment
from models.states import AllocationState


def claim(session: Session, payment: Payment, invoice: Invoice, amount: int) -> Allocation:
    """Reserve ``amount`` minor units of ``invoice`` for a live attempt.

    A partial unique index lets one live attempt claim an invoice; a second one fails there with
    an ``IntegrityError`` even if every guard before it were wrong.
    """
    return _add(session, payment, invoice, amount, AllocationState.CLAIMED)


def claims_of(session: Session, payment: Payment) -> list[Allocation]:
    """Return what a live attempt has claimed, in the order invoices are locked."""
    return _of(session, payment, AllocationState.CLAIMED)


def applied_of(session: Session, payment: Payment) -> list[Allocation]:
    """Return the applied shares of a payment, refunds' negative rows included."""
    return _of(session, payment, AllocationState.APPLIED)


def apply_claim(allocation: Allocation, payment: Payment, invoice: Invoice) -> int:
    """Turn a claim into money on the invoice and return the minor units that counted.

    Never more than the balance: a claim made before the balance shrank leaves the rest unapplied,
    which is the user's credit.
    """
    share = min(allocation.amount, invoice.balance_now)
    if share <= 0:
        allocation.state = AllocationState.RELEASED
        return 0
    allocation.amount = share
    allocation.state = AllocationState.APPLIED
    payment.allocated += share
    invoice.allocated += share
    return share


def apply_to(session: Session, payment: Payment, invoice: Invoice, amount: int) -> Allocation:
    """Put ``amount`` minor units of a collected payment's unapplied part on ``invoice``."""
    if amount <= 0:
        raise Refusal("The amount must be more than zero.", "amount_zero", "amount")
    if amount > payment.unapplied:
        raise Refusal("The payment has less than that left.", "more_than_left", "amount")
    if amount > invoice.balance_now:
        raise Refusal("That is more than the invoice's balance.", "more_than_balance", "amount")
    payment.allocated += amount
    invoice.allocated += amount
    return _add(session, payment, invoice, amount, AllocationState.APPLIED)


def release(allocation: Allocation) -> None:
    """Give a claim up: the attempt came to nothing, or was detached from the invoice."""
    allocation.state = AllocationState.RELEASED


def take_back(allocation: Allocation, payment: Payment, invoice: Invoice) -> int:
    """Reverse an applied share because the money went away; return its minor units."""
    allocation.state = AllocationState.REVERSED
    payment.allocated -= allocation.amount
    invoice.allocated -= allocation.amount
    return allocation.amount


def refund_share(
    session: Session, payment: Payment, refund: Payment, invoice: Invoice, amount: int
) -> None:
    """Take ``amount`` minor units of ``payment`` off ``invoice`` because they were paid back."""
    payment.allocated -= amount
    invoice.allocated -= amount
    allocation = _add(session, payment, invoice, -amount, AllocationState.APPLIED)
    allocation.refund_id = refund.id


def count_refund(payment: Payment, amount: int) -> None:
    """Note that ``amount`` minor units of ``payment`` were paid back."""
    payment.refunded += amount


def give_credit(
    session: Session,
    invoice: Invoice,
    amount: int,
    reason: str,
    refund: Payment | None = None,
    application: Application | None = None,
) -> Credit:
    """Reduce what ``invoice`` still asks for, with the reason.

    refund      -- the credit makes up for money paid back
    application -- its fees fell, so the credit corrects what was invoiced and pays nothing
    """
    if amount > invoice.balance_now:
        raise Refusal("That is more than the invoice's balance.", "more_than_balance", "amount")
    invoice.credited += amount
    credit = Credit(
        invoice_id=invoice.id,
        amount=amount,
        reason=reason,
        given_at=clock.now(),
        refund_id=refund.id if refund else None,
        application_id=application.id if application else None,
    )
    session.add(credit)
    return credit


def _add(
    session: Session, payment: Payment, invoice: Invoice, amount: int, state: AllocationState
) -> Allocation:
    allocation = Allocation(
        payment_id=payment.id,
        invoice_id=invoice.id,
        amount=amount,
        state=state,
        created_at=clock.now(),
    )
    session.add(allocation)
    return allocation


def _of(session: Session, payment: Payment, state: AllocationState) -> list[Allocation]:
    return list(
        session.scalars(
            select(Allocation)
            .where(Allocation.payment_id == payment.id, Allocation.state == state)
            .order_by(Allocation.invoice_id, Allocation.id)
        )
    )
