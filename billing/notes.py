"""Notes of staff on users, units, applications and invoices. Added to, never changed or removed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import NotFound, Refusal
from billing.guards import require, why_not_mark
from billing.history import note
from models import Application, Invoice, Note, Unit, User
from models.states import ActorKind

MAX_TEXT = 4000
_RECORDS: dict[str, type[Any]] = {
    "application": Application,
    "invoice": Invoice,
    "unit": Unit,
    "user": User,
}


def add_note(record: str, record_id: int, *, text: str, actor: Actor) -> int:
    """Write a note down and return its id.

    record -- "user", "unit", "application" or "invoice"
    text   -- at most 4,000 characters; it stays out of the history, which can't forget

    Refused without text, for anybody but staff, and on a deleted invoice; ``NotFound`` without
    such a record.
    """
    plain = text.replace("\x00", "").strip()
    if not plain:
        raise Refusal("Write a note first.", "no_text", "text")
    if len(plain) > MAX_TEXT:
        raise Refusal(f"At most {MAX_TEXT:,} characters, please.", "too_long", "text")
    if actor.kind is not ActorKind.STAFF:
        raise Refusal("Only staff write notes.", "not_staff")
    model = _RECORDS.get(record)
    if model is None:
        raise NotFound
    with transaction() as session:
        about = lock(session, model, record_id)
        require(why_not_mark(about))
        row = Note(
            record=record,
            record_id=record_id,
            author_id=actor.id,
            author_name=actor.name,
            text=plain,
            at=clock.now(),
        )
        session.add(row)
        note(session, about, "note", "Note added", actor)
        return row.id


def notes_of(session: Session, record: str, record_id: int, *, limit: int = 100) -> list[Note]:
    """Return the newest notes about a record."""
    rows = select(Note).where(Note.record == record, Note.record_id == record_id)
    return list(session.scalars(rows.order_by(Note.id.desc()).limit(limit)))
