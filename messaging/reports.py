"""What became of claimed letters, written down so that nothing counts twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from billing import clock
from billing.mailing import BACKOFF_MINUTES
from models import Message, MessageRecipient
from models.states import RecipientState

# A worker that is silent for so long has lost its turn. Every chunk renews it.
LEASE = dt.timedelta(minutes=2)
# How often a letter is tried that the mail server puts off.
MAX_TRIES = 4
_UNDECIDED = (RecipientState.SENDING, RecipientState.UNKNOWN)


@dataclass(frozen=True)
class Addressee:
    """Somebody to write to; name and application are empty for typed addresses."""

    id: int
    address: str
    name: str | None
    application: str | None


@dataclass(frozen=True)
class Chunk:
    """Recipients claimed at one moment, which names the claim in reports."""

    claimed_at: dt.datetime
    addressees: Sequence[Addressee]


@dataclass(frozen=True)
class Report:
    """What became of one letter.

    state -- ``sent``; ``failed``: refused for good; ``waiting``: refused for now, try again later;
             ``unknown``: handed over, and nobody answered
    """

    recipient_id: int
    state: RecipientState
    error: str = ""


def record(
    session: Session, message_id: int, chunk: Chunk | None, reports: Iterable[Report]
) -> None:
    """Write the reports about ``chunk``, its counts and a fresh lease.

    A report counts once: only rows that this very claim still holds, or that were given up as
    unknown since, are changed.
    """
    by_state: dict[RecipientState, list[Report]] = {}
    reported = set()
    for report in reports:
        by_state.setdefault(report.state, []).append(report)
        reported.add(report.recipient_id)
    sent = failed = 0
    if chunk is not None:
        done = [report.recipient_id for report in by_state.get(RecipientState.SENT, ())]
        sent = _set(session, chunk, done, state=RecipientState.SENT, sent_at=clock.now(), error="")
        for report in by_state.get(RecipientState.FAILED, ()):
            failed += _set(session, chunk, [report.recipient_id], **_failure(report.error))
        for report in by_state.get(RecipientState.UNKNOWN, ()):
            lost = [report.recipient_id]
            _set(session, chunk, lost, state=RecipientState.UNKNOWN, error=report.error)
        for report in by_state.get(RecipientState.WAITING, ()):
            failed += _put_off(session, chunk, report)
        untouched = [row.id for row in chunk.addressees if row.id not in reported]
        tries = MessageRecipient.tries - 1
        _set(session, chunk, untouched, state=RecipientState.WAITING, tries=tries)
    values: dict[str, Any] = {"trouble": ""} if sent else {}
    session.execute(
        update(Message)
        .where(Message.id == message_id)
        .values(
            sent=Message.sent + sent,
            failed=Message.failed + failed,
            lease_until=clock.now() + LEASE,
            **values,
        )
        .execution_options(synchronize_session=False)
    )


def _put_off(session: Session, chunk: Chunk, report: Report) -> int:
    """Plan the next try, or give up; returns how many failed for good by this."""
    tries = session.scalar(
        select(MessageRecipient.tries).where(MessageRecipient.id == report.recipient_id)
    )
    if (tries or 0) >= MAX_TRIES:
        return _set(session, chunk, [report.recipient_id], **_failure(report.error))
    wait = dt.timedelta(minutes=BACKOFF_MINUTES[max(tries or 1, 1) - 1])
    _set(
        session,
        chunk,
        [report.recipient_id],
        state=RecipientState.WAITING,
        error=report.error,
        next_try_at=clock.now() + wait,
    )
    return 0


def _failure(error: str) -> dict[str, Any]:
    return {"state": RecipientState.FAILED, "error": error[:1000], "next_try_at": None}


def _set(session: Session, chunk: Chunk, ids: Sequence[int], **values: Any) -> int:
    if not ids:
        return 0
    result: Any = session.execute(
        update(MessageRecipient)
        .where(
            MessageRecipient.id.in_(ids),
            MessageRecipient.claimed_at == chunk.claimed_at,
            MessageRecipient.state.in_(_UNDECIDED),
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)
