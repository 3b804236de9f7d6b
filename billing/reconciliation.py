"""Asking the gateway what became of payments, by their reference.

Every attempt nobody answered, every hold, debit and unsettled card is looked up on the timetable of
``billing.diary``. Webhooks only make this faster; everything ends right without them.
"""

from __future__ import annotations

import datetime as dt
import logging

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import clock, diary, outcomes, runtime, voids
from billing.actor import SYSTEM
from billing.database import lock, reading, transaction
from billing.errors import GatewayError
from billing.gateway import NEVER_ARRIVED, Answer, Verdict
from billing.locks import lock_payment
from billing.mailing import notify_staff
from billing.office import in_words
from models import Payment
from models.states import PaymentKind, PaymentState, Tender

log = logging.getLogger(__name__)

# What no money moved for; the amount of it is of no interest.
_NOTHING = (PaymentState.DECLINED, PaymentState.FAILED, PaymentState.VOIDED)


def due_payments(limit: int = 500) -> list[int]:
    """Return the payments whose next look is due, the longest waiting first."""
    with reading() as session:
        due = select(Payment.id).where(Payment.check_at <= clock.now())
        return list(session.scalars(due.order_by(Payment.check_at).limit(limit)))


def check_payment(payment_id: int) -> bool:
    """Look one payment up at the gateway and record what it says; True if anything moved.

    A gateway that doesn't answer changes nothing but the time of the next look; it raises
    ``GatewayError``.
    """
    try:
        return look_up(payment_id)
    except GatewayError:
        _look_again(payment_id)
        raise


def look_up(payment_id: int) -> bool:
    """Do the same, but leave the time of the next look as it is without an answer."""
    with reading() as session:
        payment = session.get(Payment, payment_id)
    if payment is None or payment.tender not in (Tender.CARD, Tender.DIRECT_DEBIT):
        return False
    asked_at = clock.now()
    answer = _ask(payment)
    if answer is not None and _is_of_another_amount(payment, answer):
        _tell_of_another_amount(payment_id, answer)
        return False
    return _record(payment_id, answer, asked_at)


def payment_of(gateway_id: str) -> Payment | None:
    """Return our payment behind the gateway's id, also one whose answer we never got.

    Raises ``GatewayError`` when it is not known here and the gateway doesn't answer.
    """
    if not gateway_id:
        return None
    with reading() as session:
        known = session.scalar(select(Payment).where(Payment.gateway_id == gateway_id))
    if known is not None:
        return known
    answer = runtime.current().gateway.find(gateway_id)
    if answer is None or not answer.reference:
        return None
    with reading() as session:
        return session.scalar(select(Payment).where(Payment.reference == answer.reference))


def _ask(payment: Payment) -> Answer | None:
    gateway = runtime.current().gateway
    if payment.gateway_id:
        return gateway.find(payment.gateway_id)
    answer = gateway.find_by_reference(payment.reference)
    if answer is None and payment.kind is PaymentKind.REFUND:
        return _ask_for_void(payment)
    return answer


def _is_of_another_amount(payment: Payment, answer: Answer) -> bool:
    """Whether money was found by the reference of ``payment`` that is not what we asked for."""
    moved = answer.state not in _NOTHING and answer.amount is not None
    return payment.gateway_id is None and moved and answer.amount != payment.amount


def _tell_of_another_amount(payment_id: int, answer: Answer) -> None:
    """Record nothing: how much it is, and whether it is ours, is for a person to find out."""
    log.warning("payment %s: %s is over another amount", payment_id, answer.gateway_id)
    with transaction() as session:
        payment = lock(session, Payment, payment_id)
        payment.checks += 1
        diary.plan(payment)
        asked, says = in_words(session, payment.amount), in_words(session, answer.amount or 0)
        notify_staff(
            session,
            f"another-amount:{payment.id}",
            "The gateway names another amount",
            f"{asked} was asked for with payment {payment.id}, but the gateway says {says}. "
            f"Nothing was recorded: look at {answer.gateway_id} in its control panel.",
            kind="gateway_unknown",
            payment=payment,
        )


def _ask_for_void(refund: Payment) -> Answer | None:
    """Return whether ``refund`` took place as a void, which leaves no reference of its own."""
    with reading() as session:
        source = session.get_one(Payment, refund.refund_of_id)
    if voids.was_voided(source):
        # By another refund, which has been recorded.
        return None
    found = runtime.current().gateway.find(source.gateway_id) if source.gateway_id else None
    if found is None or found.state is not PaymentState.VOIDED or source.amount != refund.amount:
        return None
    return Answer(Verdict.ACCEPTED, PaymentState.SETTLED, status=found.status, amount=found.amount)


def _record(payment_id: int, answer: Answer | None, asked_at: dt.datetime) -> bool:
    with transaction() as session:
        if answer is None:
            return _not_found(session, payment_id)
        payment, _invoices = lock_payment(session, payment_id)
        payment.checks += 1
        payment.not_found_at = None
        change = outcomes.record(session, payment_id, answer, SYSTEM, asked_at)
        return change.moved


def _not_found(session: Session, payment_id: int) -> bool:
    """Give an attempt up only well past the timeout and when the gateway said so twice."""
    payment, _invoices = lock_payment(session, payment_id)
    payment.checks += 1
    now = clock.now()
    age = now - payment.started_at
    told_before = payment.not_found_at
    if payment.not_found_at is None and age >= diary.NOT_FOUND_AFTER:
        payment.not_found_at = now
    sure = told_before is not None and now - told_before >= diary.ASKED_TWICE_APART
    if payment.state is PaymentState.STARTED and sure:
        answer = Answer(Verdict.INVALID, PaymentState.FAILED, message=NEVER_ARRIVED)
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
