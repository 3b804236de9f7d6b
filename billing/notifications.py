"""The gateway's webhooks: stored raw first, answered, then acted on.

What a notification *says* is never believed beyond "look at this payment": it is looked up at the
gateway, so repeated, delayed and reordered news all end in the same place. One thing can't be
looked up everywhere: money taken back after it settled, as a returned debit or by a lost dispute.
Those kinds are therefore acted on directly.
"""

from __future__ import annotations

import hashlib
import logging

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from billing import clock, disputes, outcomes, reconciliation, runtime
from billing.actor import SYSTEM
from billing.database import later, lock, reading, transaction
from billing.gateway import Answer, ForgedNotification, Verdict
from billing.mailing import notify_staff
from models import GatewayNotification, Payment
from models.states import PaymentState

log = logging.getLogger(__name__)

MAX_BYTES = 100_000
RETURNED_KINDS = ("transaction_settlement_declined",)
LOST_KINDS = ("dispute_lost", "dispute_accepted")


def receive(signature: str, payload: str) -> int:
    """Check a webhook's signature and keep it raw; return its id.

    The same payload delivered again is counted, not kept twice. Raises ``ForgedNotification`` for
    anything the gateway did not sign, which changes nothing.
    """
    if not signature or not payload or len(payload) > MAX_BYTES:
        raise ForgedNotification("no signature, no payload, or too long")
    news = runtime.current().gateway.parse_notification(signature, payload)
    digest = hashlib.sha256(payload.encode()).hexdigest()
    with transaction() as session:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        fresh: int | None = session.execute(
            dialect.insert(GatewayNotification)
            .values(
                digest=digest,
                kind=news.kind,
                gateway_id=news.gateway_id,
                signature=signature,
                payload=payload,
                deliveries=1,
                received_at=clock.now(),
                outcome="",
            )
            .on_conflict_do_nothing(index_elements=["digest"])
            .returning(GatewayNotification.id)
        ).scalar_one_or_none()
        if fresh is None:
            known: int = session.execute(
                update(GatewayNotification)
                .where(GatewayNotification.digest == digest)
                .values(deliveries=GatewayNotification.deliveries + 1)
                .returning(GatewayNotification.id)
                .execution_options(synchronize_session=False)
            ).scalar_one()
            return known
        later(session, "notifications.process", [fresh])
        return fresh


def waiting_notifications(limit: int = 500) -> list[int]:
    """Return notifications nobody has acted on yet."""
    with reading() as session:
        waiting = select(GatewayNotification.id).where(GatewayNotification.processed_at.is_(None))
        return list(session.scalars(waiting.order_by(GatewayNotification.id).limit(limit)))


def process(notification_id: int) -> None:
    """Act on a kept notification; doing it twice does nothing more.

    Raises ``GatewayError`` when the gateway doesn't answer: the news then waits for the sweep.
    """
    with reading() as session:
        row = session.get(GatewayNotification, notification_id)
    if row is None or row.processed_at is not None:
        return
    payment = _payment_of(row.gateway_id)
    if payment is None:
        _finish(notification_id, None, "Names no payment of ours" if row.gateway_id else "Noted")
        return
    reconciliation.look_up(payment.id)
    if row.kind in RETURNED_KINDS:
        _record_return(payment.id)
    if row.kind in LOST_KINDS:
        disputes.lose_dispute(payment.id, actor=SYSTEM)
    _finish(notification_id, payment.id, "Looked up and recorded")


def _record_return(payment_id: int) -> None:
    """Take the bank's return of a debit at its word, whatever the gateway's status shows."""
    with transaction() as session:
        payment, _invoices = outcomes.lock_payment(session, payment_id)
        if payment.state not in (PaymentState.SETTLED, PaymentState.PENDING):
            return
        answer = Answer(
            Verdict.DECLINED,
            PaymentState.DECLINED,
            status="settlement_declined",
            code=payment.code,
            message=payment.message or "Returned by the bank",
        )
        outcomes.record(session, payment_id, answer, SYSTEM)


def _finish(notification_id: int, payment_id: int | None, outcome: str) -> None:
    with transaction() as session:
        row = lock(session, GatewayNotification, notification_id)
        row.processed_at = clock.now()
        row.payment_id = payment_id
        row.outcome = outcome
        if payment_id is None and row.gateway_id:
            notify_staff(
                session,
                f"unknown-notification:{row.id}",
                "News about an unknown payment",
                f"The gateway reported {row.kind} for {row.gateway_id}, which is not ours.",
            )


def _payment_of(gateway_id: str) -> Payment | None:
    """Return our payment behind ``gateway_id``, also one whose answer we never got."""
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
