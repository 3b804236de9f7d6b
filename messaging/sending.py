"""Send, stop, resume, send what failed again; and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import Actor
from billing.database import later, lock, transaction
from billing.errors import NotFound, Refusal
from billing.history import note
from billing.transitions import move
from messaging.audience import REASONS, Audience, decide
from models import Message, MessageRecipient, Unsubscribe
from models.states import LeftOut, MessageState, RecipientState

S = MessageState


@dataclass(frozen=True)
class Progress:
    """How far a message is, for a live bar. ``unknown`` may have been sent: staff decide."""

    state: MessageState
    recipients: int
    sent: int
    failed: int
    unknown: int
    skipped: int
    trouble: str

    @property
    def waiting(self) -> int:
        return self.recipients - self.sent - self.failed - self.unknown

    @property
    def percent(self) -> int:
        """Whole percent done, 100 only when nothing is waiting."""
        if not self.recipients:
            return 100 if self.state in (S.SENT, S.ARCHIVED) else 0
        return 100 * (self.recipients - self.waiting) // self.recipients


def send_message(message_id: int, *, actor: Actor) -> Audience:
    """Decide who gets the message and begin to send it (**Send**); returns the counts.

    Who gets it is decided here, in one statement, in the transaction that moves the message.
    Raises ``Refusal``: sent already, archived, or (code ``nobody``) nobody to send to.
    """
    with transaction() as session:
        message = lock(session, Message, message_id)
        _require_draft(message)
        decided = decide(session, message)
        if not decided.letters:
            raise _nobody(message, decided)
        message.recipients = decided.letters
        message.skipped = sum(decided.left_out.values())
        message.started_at = message.updated_at = clock.now()
        sentence = f"Sending to {_people(decided.letters)}"
        details = {str(reason): count for reason, count in decided.left_out.items()}
        move(session, message, "send", S.SENDING, actor, sentence, details={"left_out": details})
        later(session, "messages.send", [message.id])
        return decided


def stop_message(message_id: int, *, actor: Actor) -> None:
    """Pause the sending; a worker ends within one chunk. Refused unless it is being sent."""
    with transaction() as session:
        message = lock(session, Message, message_id)
        if message.state is not S.SENDING:
            raise Refusal("This message is not being sent.", "not_sending")
        sentence = f"Stopped after {message.sent:,} of {message.recipients:,}"
        move(session, message, "stop", S.PAUSED, actor, sentence)


def resume_message(message_id: int, *, actor: Actor) -> None:
    """Go on with a paused message: with those decided when it was sent. Refused unless paused."""
    with transaction() as session:
        message = lock(session, Message, message_id)
        if message.state is not S.PAUSED:
            raise Refusal("This message is not paused.", "not_paused")
        message.trouble = ""
        move(session, message, "resume", S.SENDING, actor, "Resumed")
        later(session, "messages.send", [message.id])


def resend_failed(
    message_id: int,
    *,
    actor: Actor,
    recipient_ids: Sequence[int] | None = None,
    also_unknown: bool = False,
) -> int:
    """Queue failed letters again and return how many.

    recipient_ids -- only these; None: all of them
    also_unknown  -- letters that may have been sent, too: staff accept that some arrive twice

    Who unsubscribed meanwhile is left out instead. Raises ``Refusal``: a draft, archived, or (code
    ``nothing_failed``) nothing to send again.
    """
    with transaction() as session:
        message = lock(session, Message, message_id)
        if message.state not in (S.SENDING, S.PAUSED, S.SENT):
            raise Refusal(f"This message is {message.state}.", "not_allowed")
        _skip_unsubscribed(session, message)
        again = _turn(
            session,
            message,
            RecipientState.FAILED,
            recipient_ids,
            state=RecipientState.WAITING,
            error="",
            tries=0,
            next_try_at=clock.now(),
        )
        message.failed -= again
        if also_unknown:
            again += _turn(
                session,
                message,
                RecipientState.UNKNOWN,
                recipient_ids,
                state=RecipientState.WAITING,
                error="",
                tries=0,
                next_try_at=clock.now(),
            )
        if not again:
            raise Refusal("No letter of this message failed.", "nothing_failed")
        message.finished_at = None
        message.trouble = ""
        sentence = f"Sending to {_people(again)} again"
        move(session, message, "resend", S.SENDING, actor, sentence)
        later(session, "messages.send", [message.id])
        return again


def count_as_sent(
    message_id: int, *, actor: Actor, recipient_ids: Sequence[int] | None = None
) -> int:
    """Take letters that may have been sent as sent; returns how many. Refused without any."""
    with transaction() as session:
        message = lock(session, Message, message_id)
        taken = _turn(
            session,
            message,
            RecipientState.UNKNOWN,
            recipient_ids,
            state=RecipientState.SENT,
            sent_at=MessageRecipient.claimed_at,
        )
        if not taken:
            raise Refusal("No letter of this message is in doubt.", "nothing_unknown")
        message.sent += taken
        note(session, message, "count_as_sent", f"Counted as sent to {_people(taken)}", actor)
        return taken


def progress(session: Session, message_id: int) -> Progress:
    """Return how far a message is: two small statements, however many recipients it has."""
    message = session.get(Message, message_id, populate_existing=True)
    if message is None:
        raise NotFound("message")
    unknown = session.scalar(
        select(func.count()).where(
            MessageRecipient.message_id == message_id,
            MessageRecipient.state == RecipientState.UNKNOWN,
        )
    )
    return Progress(
        state=message.state,
        recipients=message.recipients,
        sent=message.sent,
        failed=message.failed,
        unknown=unknown or 0,
        skipped=message.skipped,
        trouble=message.trouble,
    )


def _turn(
    session: Session,
    message: Message,
    source: RecipientState,
    recipient_ids: Sequence[int] | None,
    **values: Any,
) -> int:
    """Set the message's letters that are in ``source`` to ``values``; returns how many."""
    conditions: list[ColumnElement[bool]] = [
        MessageRecipient.message_id == message.id,
        MessageRecipient.state == source,
    ]
    if recipient_ids is not None:
        conditions.append(MessageRecipient.id.in_(list(recipient_ids)))
    result: Any = session.execute(
        update(MessageRecipient)
        .where(*conditions)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)


def _skip_unsubscribed(session: Session, message: Message) -> None:
    """Leave those out who said, after their letter had failed, that they want no more."""
    skipped: Any = session.execute(
        update(MessageRecipient)
        .where(
            MessageRecipient.message_id == message.id,
            MessageRecipient.state == RecipientState.FAILED,
            MessageRecipient.address_key.in_(select(Unsubscribe.address)),
        )
        .values(state=RecipientState.SKIPPED, reason=LeftOut.UNSUBSCRIBED)
        .execution_options(synchronize_session=False)
    )
    message.failed -= skipped.rowcount
    message.recipients -= skipped.rowcount
    message.skipped += skipped.rowcount


def _require_draft(message: Message) -> None:
    if message.state is S.DRAFT:
        return
    if message.state is S.SENDING:
        raise Refusal("This message is being sent already.", "already_sent")
    if message.state is S.PAUSED:
        raise Refusal("This message is paused. Resume it to go on.", "already_sent")
    if message.state is S.SENT:
        raise Refusal(
            "This message has been sent already. Duplicate it to send it again.", "already_sent"
        )
    raise Refusal("This message is archived. Duplicate it to send it again.", "archived")


def _nobody(message: Message, decided: Audience) -> Refusal:
    if not decided.left_out:
        if message.form_id is None:
            return Refusal(
                "Nobody would get this message. Choose a form or add recipients.", "nobody", "form"
            )
        return Refusal(
            "Nobody would get this message: the form has no approved applications.",
            "nobody",
            "form",
        )
    why = ", ".join(
        f"{REASONS[reason].lower()} ({count:,})" for reason, count in decided.left_out.items()
    )
    return Refusal(f"Nobody would get this message. Left out: {why}.", "nobody", "form")


def _people(count: int) -> str:
    return f"{count:,} {'recipient' if count == 1 else 'recipients'}"
