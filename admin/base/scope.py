"""Whose records a staff member sees: those of their sites, or all without any.

Every statement of the panel that reads a record type passes through here: list, search, counts,
Eye page, edit, export, look-ups and related tables alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import RelationshipProperty

from admin.base.access import signed_in
from models import db

# The largest id either database can be asked for.
MAX_ID = 2**63 - 1


def relation(model: Any, name: str) -> RelationshipProperty[Any] | None:
    """Return the relationship ``name`` of ``model``, or None when it is something else."""
    found = model.__mapper__.relationships.get(name)
    return found if isinstance(found, RelationshipProperty) else None


def is_single(found: RelationshipProperty[Any] | None) -> bool:
    """Whether a relationship leads to one record that this table points at."""
    return found is not None and not found.uselist and found.direction.name == "MANYTOONE"


def key_column(model: Any, name: str) -> Any:
    """Return the foreign key attribute behind the single relationship ``name``."""
    found = relation(model, name)
    if found is None:
        raise ValueError(f"{model.__name__}.{name} is not a relation")
    return model.__mapper__.get_property_by_column(found.local_remote_pairs[0][0]).class_attribute


def at_path(model: Any, path: str, test: Callable[[Any], ColumnElement[bool]]) -> Any:
    """Return the condition that ``test`` holds for the attribute at the dotted ``path``."""
    first, _, rest = path.partition(".")
    found = relation(model, first)
    if rest:
        assert found is not None
        return getattr(model, first).has(at_path(found.mapper.class_, rest, test))
    return test(key_column(model, first) if is_single(found) else getattr(model, first))


def site_ids() -> frozenset[int]:
    """Return the sites the person signed in is bound to; empty means every site."""
    person = signed_in()
    return person.site_ids if person is not None else frozenset()


def in_scope(model: Any) -> list[Any]:
    """Return the conditions that keep a statement over ``model`` inside the person's sites."""
    panel = getattr(model, "__panel__", None)
    sites = site_ids()
    if panel is None or not sites:
        return []
    if panel.within is not None:
        return [panel.within(sorted(sites))]
    if panel.site_path is None:
        return []
    return [at_path(model, panel.site_path, lambda column: column.in_(sorted(sites)))]


def read_id(text: str | None) -> int | None:
    """Return the id that a query string holds, or None for anything that can't be one."""
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 19:
        return None
    number = int(text)
    return number if 0 < number <= MAX_ID else None


def find(model: Any, record_id: int | None, *options: Any) -> Any:
    """Return the record with this id if the person may see it, else None."""
    if record_id is None:
        return None
    statement = select(model).where(model.id == record_id, *in_scope(model)).options(*options)
    return db.session.scalars(statement).unique().one_or_none()
