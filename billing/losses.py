"""Money that had counted and went away again: what it had paid is open once more."""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing import announcements, ledger
from billing.actor import Actor
from billing.office import in_words
from billing.payment_words import by, reason_of
from billing.refund_outcomes import reopen
from billing.transitions import move
from models import Allocation, Invoice, Payment
from models.states import InvoiceState, PaymentState


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
    why = reason_of(payment)
    reopen(session, invoice, "return", InvoiceState.FAILED, actor, sentence, why)
    for allocation in shares:
        ledger.take_back(allocation, payment, invoice)
    announcements.payment_returned(session, payment, invoice)
