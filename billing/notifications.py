"""The gateway's webhooks: stored raw first, answered, then acted on.

What a notification *says* is never believed beyond "look at this payment", or at this dispute: it
is looked up at the gateway, so repeated, delayed and reordered news all end in the same place. One
thing can't be looked up everywhere: a debit the bank took back after it had settled. That kind is
therefore acted on directly.

News about a payment that is not ours is kept and shown until staff have dealt with it.
"""

from __future__ import annotations

import hashlib
import logging

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from billing import clock, disputes, outcomes, reconciliation, runtime
from billing.actor import SYSTEM, Actor
from billing.database import end_reading, later, lock, reading, transaction
from billing.errors import NotFound, Refusal
from billing.gateway import Answer, ForgedNotification, Verdict
from billing.history import note
from billing.locks import lock_payment
from billing.mailing import notify_staff
from models import GatewayNotification
from models.states import PaymentState

log = logging.getLogger(__name__)

MAX_BYTES = 100_000
RETURNED_KINDS = ("transaction_settlement_declined",)
DISPUTE_KINDS = "dispute_"
UNKNOWN = "Names no payment of ours"
RECORDED = "Looked up and recorded"


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
    payment = reconciliation.payment_of(row.gateway_id)
    if payment is None:
        _finish(notification_id, None, UNKNOWN if row.gateway_id else "Noted")
        return
    _act(row, payment.id)
    _finish(notification_id, payment.id, RECORDED)


def why_not_settle(row: GatewayNotification) -> Refusal | None:
    """Return why staff can't look again at this news or mark it done, or None when they can."""
    if not row.processed_at:
        return Refusal("It is about to be looked at by itself.", "waiting")
    if row.matched:
        return Refusal("It was recorded; nothing is left to do.", "matched")
    if row.outcome != UNKNOWN:
        return Refusal("It is marked as done.", "done")
    return None


def look_again(notification_id: int, *, actor: Actor) -> bool:
    """Act on news whose payment has become known meanwhile; False when it still has not.

    Raises ``Refusal`` for news that needs no second look, ``GatewayError`` when nobody answers.
    """
    with reading() as session:
        row = session.get(GatewayNotification, notification_id)
    if row is None:
        raise NotFound("news")
    refusal = why_not_settle(row)
    if refusal is not None:
        raise refusal
    end_reading()
    payment = reconciliation.payment_of(row.gateway_id)
    if payment is None:
        return False
    _act(row, payment.id)
    with transaction() as session:
        row = lock(session, GatewayNotification, notification_id)
        if row.matched:
            return True
        row.matched, row.payment_id, row.outcome = True, payment.id, RECORDED
        row.processed_at = clock.now()
        note(session, row, "look_again", f"It is about payment {payment.id}; recorded", actor)
    return True


def mark_done(notification_id: int, *, reason: str, actor: Actor) -> None:
    """Note what staff found out about news that is not about a payment of ours."""
    reason = reason.strip()
    if not reason:
        raise Refusal("Say what it was about.", "no_reason", "reason")
    with transaction() as session:
        row = lock(session, GatewayNotification, notification_id)
        refusal = why_not_settle(row)
        if refusal is not None:
            raise refusal
        row.outcome = f"Done: {reason}"
        note(session, row, "mark_done", "Marked as done", actor, reason=reason)


def unsettled() -> ColumnElement[bool]:
    """Return the condition that news names no payment of ours and nobody has dealt with it."""
    return and_(GatewayNotification.matched.is_(False), GatewayNotification.outcome == UNKNOWN)


def _act(row: GatewayNotification, payment_id: int) -> None:
    reconciliation.look_up(payment_id)
    if row.kind in RETURNED_KINDS:
        _record_return(payment_id)
    if row.kind.startswith(DISPUTE_KINDS):
        _record_dispute(row, payment_id)


def _record_dispute(row: GatewayNotification, payment_id: int) -> None:
    """Record the dispute as the gateway shows it now; as the news said, if it shows none."""
    gateway = runtime.current().gateway
    try:
        said = gateway.parse_notification(row.signature, row.payload).dispute
    except ForgedNotification:
        # It was genuine when it arrived; the office's keys were changed since.
        log.warning("notification %s can't be read with the present keys", row.id)
        return
    if said is None:
        return
    disputes.record(payment_id, gateway.find_dispute(said.gateway_id) or said, actor=SYSTEM)


def _record_return(payment_id: int) -> None:
    """Take the bank's return of a debit at its word, whatever the gateway's status shows."""
    with transaction() as session:
        payment, _invoices = lock_payment(session, payment_id)
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
        row.matched = outcome != UNKNOWN
        if not row.matched:
            notify_staff(
                session,
                f"unknown-notification:{row.id}",
                "News about an unknown payment",
                f"The gateway reported “{row.kind.replace('_', ' ')}” for {row.gateway_id}, "
                "which is not ours.",
                kind="gateway_unknown",
            )
