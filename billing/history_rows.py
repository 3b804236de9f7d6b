"""History of many records at once: one statement, one row a record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, insert, literal, select
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import Actor
from models import History


def note_each(
    session: Session,
    model: type[Any],
    ids: Select[Any],
    verb: str,
    sentence: str,
    actor: Actor,
    details: dict[str, Any] | None = None,
) -> None:
    """Add the same row about each record of ``model`` that ``ids`` selects; see ``history.note``.

    ids -- selects the records' ids and nothing else
    """
    is_user = model.__name__ == "User"
    nobody = literal(None, History.user_id.type)
    columns: dict[str, Any] = {
        "at": literal(clock.now(), History.at.type),
        "actor_kind": literal(actor.kind, History.actor_kind.type),
        "actor_id": literal(actor.id, History.actor_id.type),
        "actor_name": literal(actor.name),
        "record": literal(model.__name__.lower()),
        "record_id": model.id,
        "user_id": model.id if is_user else getattr(model, "user_id", nobody),
        "site_id": getattr(model, "site_id", nobody),
        "verb": literal(verb),
        "sentence": literal(sentence),
        "reason": literal(""),
        "details": literal(details or {}, History.details.type),
        "ip": literal(actor.ip),
    }
    rows = select(*columns.values()).where(model.id.in_(ids)).order_by(model.id)
    session.execute(insert(History).from_select(list(columns), rows))
