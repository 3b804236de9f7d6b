"""What became of one invoice of a bulk action, told from the records alone.

A worker may die after the verb committed and before it could report, so what it would have said is
read from the attempts and the history. Nothing found means that nothing happened: a charge is
written down before the gateway hears of it.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.bulk_outcomes import CHARGE, REMIND, SEND
from billing.office import in_words
from models import Allocation, BulkRun, History, Payment
from models.states import (
    COLLECTED_PAYMENT_STATES,
    ActorKind,
    BulkResult,
    PaymentKind,
    PaymentState,
)

R, P = BulkResult, PaymentState
# What a verb leaves in an invoice's history when it was carried out, and what is said of it then.
_TRACES = {
    SEND.name: {"send": "Sent.", "resend": "Sent again.", "close": "Closed as paid."},
    REMIND.name: {"remind": "Reminder queued."},
}


def what_became_of(
    session: Session, run: BulkRun, invoice_id: int
) -> tuple[BulkResult, str] | None:
    """Return what the run did to an invoice and a sentence on it; None when it did nothing."""
    if run.verb == CHARGE.name:
        payment = _attempt(session, run, invoice_id)
        return charged(session, payment) if payment is not None else None
    traces = _TRACES[run.verb]
    done = session.scalar(
        select(History.verb)
        .where(
            History.record == "invoice",
            History.record_id == invoice_id,
            History.verb.in_(list(traces)),
            History.actor_kind == ActorKind.STAFF,
            History.actor_id == run.staff_id,
            History.at >= run.created_at,
        )
        .limit(1)
    )
    return (R.DONE, traces[done]) if done is not None else None


def charged(session: Session, payment: Payment) -> tuple[BulkResult, str]:
    """Return how a charge stands, in a sentence for staff."""
    amount = in_words(session, payment.amount)
    if payment.state in COLLECTED_PAYMENT_STATES:
        return R.DONE, f"{amount} charged."
    if payment.state is P.PENDING:
        return R.DONE, f"The bank was asked for {amount}."
    if payment.state is P.RETURNED:
        return R.DECLINED, f"{amount} was charged, and taken back by the bank."
    if payment.state is P.STARTED:
        return R.UNKNOWN, "Nobody answered yet. It is being looked up; please don't charge again."
    why = f": {payment.message}" if payment.message else ""
    if payment.state is P.DECLINED:
        return R.DECLINED, f"Declined{why}."
    return R.FAILED, f"Nothing was charged{why}."


def _attempt(session: Session, run: BulkRun, invoice_id: int) -> Payment | None:
    """The newest charge of a registered method that staff made since the run began."""
    attempts = (
        select(Payment)
        .join(Allocation, Allocation.payment_id == Payment.id)
        .where(
            Allocation.invoice_id == invoice_id,
            Payment.kind == PaymentKind.CHARGE,
            Payment.payment_method_id.is_not(None),
            Payment.initiated_by == ActorKind.STAFF,
            Payment.started_at >= run.created_at,
        )
        .order_by(Payment.id.desc())
        .limit(1)
    )
    return session.scalars(attempts).first()
