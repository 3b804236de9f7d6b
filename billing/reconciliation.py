"""Asking the gateway what became of payments, by their reference.

Every attempt nobody answered, every hold, debit and unsettled card is looked up on the timetable of
``billing.diary``. Webhooks only make this faster; everything ends right without them.
"""

from __future__ import annotations

import logging

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import clock, diary, outcomes, runtime
from billing.actor import SYSTEM
from billing.database import lock, reading, transaction
from billing.errors import GatewayError
from billing.gateway import Answer, Verdict
from models import Payment
from models.states import PaymentKind, PaymentState, Tender

log = logging.getLogger(__name__)


def due_payments(limit: int = 500) -> list[int]:
    """Return the payments whose next look is due, the longest waiting first."""
    with reading() as session:
        due = select(Payment.id).where(Payment.check_at <= clock.now())
        return list(session.scalars(due.order_by(Payment.check_at).limit(limit)))


def check_payment(payment_id: int) -> bool:
    """Look one payment up at the gateway and record what it says; True if anything moved.

    A gateway that doesn't answer changes nothing but the time of the next look.
    """
    try:
        return look_up(payment_id)
    except GatewayError as error:
        log.warning("payment %s could not be looked up: %s", payment_id, error)
        _look_again(payment_id)
        return False


def look_up(payment_id: int) -> bool:
    """Do the same, but raise ``GatewayError`` when the gateway doesn't answer."""
    with reading() as session:
        payment = session.get(Payment, payment_id)
    if payment is None or payment.tender not in (Tender.CARD, Tender.DIRECT_DEBIT):
        return False
    return _record(payment_id, _ask(payment))


def _ask(payment: Payment) -> Answer | None:
    gateway = runtime.current().gateway
    if payment.gateway_id:
        return gateway.find(payment.gateway_id)
    answer = gateway.find_by_reference(payment.reference)
    if answer is None and payment.kind is PaymentKind.REFUND:
        return _ask_for_void(payment)
    return answer


def _ask_for_void(refund: Payment) -> Answer | None:
    """Return whether ``refund`` took place as a void, which leaves no reference of its own."""
    with reading() as session:
        source = session.get_one(Payment, refund.refund_of_id)
    found = runtime.current().gateway.find(source.gateway_id) if source.gateway_id else None
    if found is None or found.state is not PaymentState.VOIDED or source.amount != refund.amount:
        return None
    return Answer(Verdict.ACCEPTED, PaymentState.SETTLED, status=found.status, amount=found.amount)


def _record(payment_id: int, answer: Answer | None) -> bool:
    with transaction() as session:
        if answer is None:
            return _not_found(session, payment_id)
        payment, _invoices = outcomes.lock_payment(session, payment_id)
        payment.checks += 1
        payment.not_found_at = None
        change = outcomes.record(session, payment_id, answer, SYSTEM)
        return change.moved


def _not_found(session: Session, payment_id: int) -> bool:
    """Give an attempt up only well past the timeout and when the gateway said so twice."""
    payment, _invoices = outcomes.lock_payment(session, payment_id)
    payment.checks += 1
    now = clock.now()
    age = now - payment.started_at
    told_before = payment.not_found_at
    if payment.not_found_at is None and age >= diary.NOT_FOUND_AFTER:
        payment.not_found_at = now
    sure = told_before is not None and now - told_before >= diary.ASKED_TWICE_APART
    if payment.state is PaymentState.STARTED and sure:
        answer = Answer(Verdict.INVALID, PaymentState.FAILED, message="Never reached the gateway")
        return outcomes.record(session, payment_id, answer, SYSTEM).moved
    diary.plan(payment)
    if payment.not_found_at is not None and payment.state is PaymentState.STARTED:
        payment.check_at = now + diary.ASKED_TWICE_APART
    return False


def _look_again(payment_id: int) -> None:
    with transaction() as session:
        payment = lock(session, Payment, payment_id)
        payment.checks += 1
        diary.plan(payment)
