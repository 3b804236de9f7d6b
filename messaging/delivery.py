"""The worker's side of sending: whom to write to next, and what became of it.

A recipient is claimed before the mail server hears of them, so a worker that dies can't make the
next one write to them again: a claim nobody reports about becomes *unknown*, which only staff may
send again. One worker at a time has a message (its lease), which keeps connections few; the claims
hold even when two should have it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import SYSTEM
from billing.database import later, lock, reading, transaction
from billing.history import note
from billing.office import get_settings
from billing.transitions import move
from messaging.reports import LEASE, Addressee, Chunk, Report, record
from models import Application, Form, Message, MessageRecipient, User
from models.states import MessageState, RecipientState

# Letters claimed at once: as many as may be in doubt after a worker was killed.
CHUNK = 25
# A claim without a report for so long is unknown.
LOST_AFTER = dt.timedelta(minutes=10)


@dataclass(frozen=True)
class Turn:
    """A worker's right to send a message for now, and what it says."""

    message_id: int
    subject: str
    body: str
    form: str
    organisation: str


def take_turn(message_id: int) -> Turn | None:
    """Take the message's lease; None when another worker has it or it is not being sent."""
    now = clock.now()
    with transaction() as session:
        taken = session.execute(
            update(Message)
            .where(
                Message.id == message_id,
                Message.state == MessageState.SENDING,
                or_(Message.lease_until.is_(None), Message.lease_until < now),
            )
            .values(lease_until=now + LEASE)
            .returning(Message.id, Message.subject, Message.body, Message.form_id)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if taken is None:
            return None
        form = session.get(Form, taken.form_id) if taken.form_id else None
        return Turn(
            message_id=taken.id,
            subject=taken.subject,
            body=taken.body,
            form=form.name if form else "",
            organisation=get_settings(session).organisation,
        )


def next_chunk(
    message_id: int, last: Chunk | None = None, reports: Iterable[Report] = ()
) -> Chunk | None:
    """Record what became of ``last``, claim the next chunk, and renew the lease.

    Whoever of ``last`` has no report was not written to and waits again. Returns None when nobody
    is due, or the message is not being sent any more.
    """
    with transaction() as session:
        state = _locked_state(session, message_id)
        record(session, message_id, last, reports)
        if state is not MessageState.SENDING:
            return None
        return _claim(session, message_id)


def end_turn(
    message_id: int,
    last: Chunk | None = None,
    reports: Iterable[Report] = (),
    *,
    trouble: str = "",
    hopeless: bool = False,
) -> None:
    """Record what became of ``last`` and give the lease back; finish the message or ask for more.

    trouble  -- why the mail server takes nothing at all just now; the sweep tries again
    hopeless -- it will not take anything before somebody changes something, so pause the message
    """
    with transaction() as session:
        _locked_state(session, message_id)
        record(session, message_id, last, reports)
        message = lock(session, Message, message_id)
        message.lease_until = None
        if trouble:
            message.trouble = trouble
        if message.state is not MessageState.SENDING:
            return
        if hopeless:
            move(session, message, "halt", MessageState.PAUSED, SYSTEM, "Paused", reason=trouble)
        elif not trouble:
            _go_on(session, message)


def sweep() -> tuple[int, int]:
    """Find what was lost: claims nobody reported about, and messages nobody is sending.

    Returns how many letters became unknown and how many messages were looked after.
    """
    now = clock.now()
    with transaction() as session:
        lost = session.execute(
            update(MessageRecipient)
            .where(
                MessageRecipient.state == RecipientState.SENDING,
                MessageRecipient.claimed_at < now - LOST_AFTER,
            )
            .values(
                state=RecipientState.UNKNOWN,
                error="The worker stopped before it could report. It may have been sent.",
            )
            .returning(MessageRecipient.message_id)
            .execution_options(synchronize_session=False)
        ).scalars()
        counts: dict[int, int] = {}
        for message_id in lost:
            counts[message_id] = counts.get(message_id, 0) + 1
        for message_id, count in counts.items():
            message = session.get_one(Message, message_id)
            note(session, message, "lose", f"{count} may have been sent; nobody reported", SYSTEM)
    idle = _idle_messages(now)
    for message_id in idle:
        with transaction() as session:
            message = lock(session, Message, message_id)
            if message.state is MessageState.SENDING:
                _go_on(session, message)
    return sum(counts.values()), len(idle)


def _idle_messages(now: dt.datetime) -> list[int]:
    with reading() as session:
        rows = select(Message.id).where(
            Message.state == MessageState.SENDING,
            or_(Message.lease_until.is_(None), Message.lease_until < now),
        )
        return list(session.scalars(rows))


def _go_on(session: Session, message: Message) -> None:
    """Ask for the next turn when somebody is due, or finish when nobody is left."""
    mine = MessageRecipient.message_id == message.id
    waits = MessageRecipient.state == RecipientState.WAITING
    letters = select(MessageRecipient.id)
    due = letters.where(mine, waits, MessageRecipient.next_try_at <= clock.now()).exists()
    open_ = letters.where(
        mine, or_(waits, MessageRecipient.state == RecipientState.SENDING)
    ).exists()
    is_due, is_open = session.execute(select(due, open_)).one()
    if is_due:
        later(session, "messages.send", [message.id])
    elif not is_open:
        message.finished_at = clock.now()
        rest = message.recipients - message.sent
        sentence = f"Sent to {message.sent:,} of {message.recipients:,}" if rest else "Sent to all"
        move(session, message, "finish", MessageState.SENT, SYSTEM, sentence)


def _locked_state(session: Session, message_id: int) -> MessageState:
    """Lock the message, without its text; always before its recipients."""
    found = select(Message.state).where(Message.id == message_id)
    return session.execute(found.with_for_update(of=Message, key_share=True)).scalar_one()


def _claim(session: Session, message_id: int) -> Chunk | None:
    now = clock.now()
    due = (
        select(MessageRecipient.id)
        .where(
            MessageRecipient.message_id == message_id,
            MessageRecipient.state == RecipientState.WAITING,
            MessageRecipient.next_try_at <= now,
        )
        .order_by(MessageRecipient.id)
        .limit(CHUNK)
        .with_for_update(skip_locked=True)
        # As a plain subquery PostgreSQL may run it again and claim more than the limit.
        .cte("due")
    )
    claimed = session.scalars(
        update(MessageRecipient)
        .where(
            MessageRecipient.id.in_(select(due.c.id)),
            MessageRecipient.state == RecipientState.WAITING,
        )
        .values(state=RecipientState.SENDING, claimed_at=now, tries=MessageRecipient.tries + 1)
        .returning(MessageRecipient.id)
        .execution_options(synchronize_session=False)
    ).all()
    if not claimed:
        return None
    rows = session.execute(
        select(MessageRecipient.id, MessageRecipient.address, User.name, Application.reference)
        .outerjoin(User, User.id == MessageRecipient.user_id)
        .outerjoin(Application, Application.id == MessageRecipient.application_id)
        .where(MessageRecipient.id.in_(claimed))
        .order_by(MessageRecipient.id)
    )
    addressees = [
        Addressee(recipient_id, address or "", name, application)
        for recipient_id, address, name, application in rows
    ]
    return Chunk(now, addressees)
