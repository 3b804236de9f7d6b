"""Writing and reading the append-only log."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import Actor
from models import Base, History


def record_name(record: Base) -> str:
    """Return the word ``history.record`` has for this record's type."""
    return type(record).__name__.lower()


def note(
    session: Session,
    record: Any,
    verb: str,
    sentence: str,
    actor: Actor,
    *,
    from_state: str | None = None,
    to_state: str | None = None,
    reason: str = "",
    details: dict[str, Any] | None = None,
) -> History:
    """Add one row about ``record``, in the caller's transaction.

    sentence -- what happened, for people, without the actor and without a customer's name
    details  -- before and after values and the like, JSON only
    """
    session.flush()
    is_user = record_name(record) == "user"
    row = History(
        at=clock.now(),
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        ip=actor.ip,
        record=record_name(record),
        record_id=record.id,
        user_id=record.id if is_user else getattr(record, "user_id", None),
        site_id=getattr(record, "site_id", None),
        verb=verb,
        from_state=from_state,
        to_state=to_state,
        sentence=sentence,
        reason=reason,
        details=details or {},
    )
    session.add(row)
    return row


def state_before(session: Session, record: Any, state: str) -> str:
    """Return the state ``record`` was in before it last became ``state``."""
    rows = select(History.from_state).where(
        History.record == record_name(record),
        History.record_id == record.id,
        History.to_state == state,
        History.from_state != state,
    )
    before = session.scalars(rows.order_by(History.id.desc()).limit(1)).one()
    return str(before)


def history_of(
    session: Session, record: str, record_id: int, *, limit: int = 50, before_id: int | None = None
) -> list[History]:
    """Return the newest ``limit`` rows about a record, older than ``before_id`` if given."""
    statement = select(History).where(History.record == record, History.record_id == record_id)
    if before_id is not None:
        statement = statement.where(History.id < before_id)
    return list(session.scalars(statement.order_by(History.id.desc()).limit(limit)))
