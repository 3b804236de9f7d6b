"""Money that had counted and went away again: what it had paid is open once more."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import announcements, ledger
from billing.actor import Actor
from billing.office import in_words
from billing.payment_words import by, reason_of
from billing.refund_outcomes import record_refund
from billing.transitions import may, move
from models import Allocation, Invoice, Payment
from models.states import InvoiceState, PaymentState

P = PaymentState


def was_refunded(session: Session, payment: Payment, said: PaymentState, actor: Actor) -> bool:
    """Whether a void is our own refund of all of it, also one that died before it was recorded."""
    if said is not P.VOIDED:
        return False
    refund = session.scalar(
        select(Payment).where(
            Payment.refund_of_id == payment.id,
            Payment.amount == payment.amount,
            Payment.state == P.STARTED,
        )
    )
    if refund is not None:
        refund.gateway_status = payment.gateway_status
        record_refund(session, refund, P.SETTLED, actor)
    return payment.refunded == payment.amount


def lose(
    session: Session,
    payment: Payment,
    invoices: dict[int, Invoice],
    verb: str,
    state: PaymentState,
    actor: Actor,
) -> None:
    """Money that had counted went away again: reopen what it had paid, and say so to everybody."""
    amount = in_words(session, payment.amount)
    sentence = f"Payment of {amount}{by(payment)} was taken back by the bank"
    move(session, payment, verb, state, actor, sentence, reason=reason_of(payment))
    applied = ledger.applied_of(session, payment)
    for invoice_id in sorted({allocation.invoice_id for allocation in applied}):
        # What refunds took back before (negative rows) goes together with what it was taken from.
        shares = [allocation for allocation in applied if allocation.invoice_id == invoice_id]
        _reopen(session, payment, invoices[invoice_id], shares, sentence, actor)
    announcements.taken_back(session, payment, sentence)


def _reopen(
    session: Session,
    payment: Payment,
    invoice: Invoice,
    shares: list[Allocation],
    sentence: str,
    actor: Actor,
) -> None:
    # The state goes before the money does: a paid invoice may have no balance at any moment.
    invoice.paid_at = None
    if may(invoice, "return"):
        target, reason = InvoiceState.FAILED, reason_of(payment)
        move(session, invoice, "return", target, actor, sentence, reason=reason)
    for allocation in shares:
        ledger.take_back(allocation, payment, invoice)
    announcements.payment_returned(session, payment, invoice)
