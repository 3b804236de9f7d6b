"""Filters of a grid kept under a name: for oneself, or for everybody with the permission.

What one keeps for oneself is nobody else's business and leaves no trace in the history; what is
for everybody is written down.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import NotFound, Refusal
from billing.history import note
from models import SavedFilter, Staff

MAX_NAME = 60
MAX_QUERY = 2_000
MOST = 30


def save_filter(
    grid: str,
    *,
    name: str,
    query: str,
    known: Collection[str],
    actor: Actor,
    shared: bool = False,
) -> int:
    """Keep an address of a grid under a name and return the filter's id.

    grid   -- the record type, such as ``invoice``
    query  -- the part of the address after the ``?``, at most 2,000 characters
    known  -- the names of parameters that the grid understands
    shared -- for everybody; whoever calls this has checked the permission

    Raises ``Refusal`` without a name, for a name of one's own that is there already, for an address
    the grid would not understand, and past 30 filters on a grid (one's own and the shared ones
    counted apart).
    """
    plain = _checked_name(name)
    _check_query(query, known)
    with transaction() as session:
        # Two saves of one person wait for each other, so that they are counted.
        staff = lock(session, Staff, _staff_id(actor))
        _refuse_too_many(session, grid, staff.id, shared)
        _refuse_same_name(session, grid, staff.id, plain)
        saved = SavedFilter(
            staff_id=staff.id,
            grid=grid,
            name=plain,
            query=query,
            shared=shared,
            created_at=clock.now(),
        )
        session.add(saved)
        session.flush()
        if shared:
            note(session, saved, "create", f"Saved the filter “{plain}” for everybody", actor)
        return saved.id


def delete_filter(filter_id: int, *, actor: Actor, may_share: bool = False) -> str:
    """Remove a filter and return its name.

    may_share -- whether this person may also remove what others saved for everybody

    Raises ``NotFound`` for an unknown one and for what others keep for themselves, ``Refusal`` for
    others' shared ones without ``may_share``.
    """
    with transaction() as session:
        saved = lock(session, SavedFilter, filter_id)
        own = saved.staff_id == _staff_id(actor)
        if not own and not saved.shared:
            raise NotFound("filter")
        if not own and not may_share:
            raise Refusal("Only whoever saved this filter can remove it.", "not_yours")
        if saved.shared:
            sentence = f"Removed the filter “{saved.name}” that was for everybody"
            note(session, saved, "delete", sentence, actor)
        session.delete(saved)
        return saved.name


def _staff_id(actor: Actor) -> int:
    if actor.id is None:
        raise RuntimeError("Filters are kept by a member of staff.")
    return actor.id


def _checked_name(name: str) -> str:
    plain = " ".join(name.replace("\0", " ").split())
    if not plain:
        raise Refusal("Enter a name.", "required", "name")
    if len(plain) > MAX_NAME:
        sentence = f"Use at most {MAX_NAME} characters; this has {len(plain)}."
        raise Refusal(sentence, "too_long", "name")
    return plain


def _check_query(query: str, known: Collection[str]) -> None:
    if len(query) > MAX_QUERY:
        raise Refusal("These are too many filters at once to be kept.", "too_long")
    names = {name for name, value in parse_qsl(query) if value}
    if not names:
        raise Refusal("Choose a filter first, then save it.", "no_filter")
    strangers = sorted(names - set(known))
    if strangers or not query.isprintable():
        what = strangers[0][:40] if strangers else "this"
        raise Refusal(f"There is no filter named “{what}” here.", "unknown_filter")


def _refuse_too_many(session: Session, grid: str, staff_id: int, shared: bool) -> None:
    rows = select(func.count()).where(SavedFilter.grid == grid, SavedFilter.shared == shared)
    if not shared:
        rows = rows.where(SavedFilter.staff_id == staff_id)
    if (session.scalar(rows) or 0) >= MOST:
        whose = "shared filters" if shared else "filters of yours"
        raise Refusal(f"There are {MOST} {whose} here already. Remove one first.", "too_many")


def _refuse_same_name(session: Session, grid: str, staff_id: int, name: str) -> None:
    own = select(SavedFilter.name).where(SavedFilter.grid == grid, SavedFilter.staff_id == staff_id)
    if name.casefold() in {each.casefold() for each in session.scalars(own)}:
        raise Refusal("You have a filter of this name here already.", "not_unique", "name")
