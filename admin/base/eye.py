"""The Eye page: one record's sections, the newest of what belongs to it, and its history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import url_for
from markupsafe import Markup
from sqlalchemy.orm import joinedload, lazyload, with_parent

from admin.base.access import held, holds
from admin.base.cells import scalar, word
from admin.base.columns import Column, describe, label_of, labelled_names
from admin.base.listing import Listing
from admin.base.registry import registry, view_of
from admin.base.scope import in_scope, is_single, relation, site_ids
from admin.base.words import Words
from billing.history import history_of
from models import History, db

if TYPE_CHECKING:
    from admin.base.view import RecordView

NEWEST = 25
ALL = 500


@dataclass(frozen=True)
class Figure:
    """One number in the strip at the top of an Eye page."""

    label: str
    value: str
    tone: str = ""
    url: str | None = None


@dataclass(frozen=True)
class Related:
    """A table of what belongs to the record."""

    name: str
    heading: str
    columns: Sequence[Column]
    rows: list[tuple[int, Markup]]
    more_url: str | None
    eye: str | None


@dataclass(frozen=True)
class Event:
    """One line of the history, ready to print."""

    who: str
    when: str
    at: str
    sentence: str
    reason: str
    changes: list[str]
    kind: str


def loading(view: RecordView) -> list[Any]:
    """Return the loader options that bring a record with the relations its sections show."""
    shown = {name.split(".")[0] for _heading, names in view.panel.sections for name in names}
    single = [name for name in shown if is_single(relation(view.model, name))]
    options: list[Any] = [joinedload(getattr(view.model, name)) for name in single]
    # Collections the model loads eagerly for signing in are no business of this page.
    eager = [r for r in view.model.__mapper__.relationships if r.lazy == "selectin"]
    options += [lazyload(getattr(view.model, r.key)) for r in eager if r.key not in shown]
    return options


def sections_of(view: RecordView, record: Any, words: Words) -> list[tuple[str, list[Any]]]:
    """Return the blocks of the page as (heading, [(column, HTML)])."""
    blocks = [
        (heading, [column for column in columns if column.name not in view.elsewhere])
        for heading, columns in view.sections
        if heading != view.strip
    ]
    return [
        (heading, [(column, column.of(record, words)) for column in columns])
        for heading, columns in blocks
        if columns
    ]


def related_of(view: RecordView, record: Any, words: Words, unfolded: str) -> list[Related]:
    """Return the tables of what belongs to the record, one statement each.

    unfolded -- the relationship to show whole, where it has no grid of its own to go to
    """
    tables = []
    for heading, name in view.panel.related:
        found = relation(view.model, name)
        assert found is not None
        child = found.mapper.class_
        child_view = view_of(child)
        if child_view is not None and not child_view.is_accessible():
            continue
        # Lines with a place of their own are one text: whole, and in their order.
        placed = hasattr(child, "position")
        limit = ALL if placed or unfolded == name else NEWEST
        columns, listing = _listing_within(view, name, words)
        rows = db.session.execute(
            listing.statement()
            .where(with_parent(record, getattr(view.model, name)), *_shown(child, child_view))
            .order_by(child.position if placed else child.id.desc())
            .limit(limit + 1)
        ).all()
        cells = [(row[0], listing.cells(row, words)) for row in rows[:limit]]
        more = _more_url(view, record, name, child_view) if len(rows) > limit else None
        opens = words.eye(child.__name__.lower(), "")
        tables.append(Related(name, heading, columns, cells, more, opens))
    return tables


def _shown(child: Any, child_view: RecordView | None) -> list[Any]:
    """Return the conditions of the children to show: in scope, and in no state that is hidden."""
    conditions = in_scope(child)
    if child_view is not None and child_view.pills and child_view.panel.hidden:
        state = getattr(child, child_view.pills)
        conditions.append(state.not_in(child_view.panel.hidden))
    return conditions


def _listing_within(view: RecordView, name: str, words: Words) -> tuple[list[Column], Listing]:
    found = relation(view.model, name)
    assert found is not None
    child = found.mapper.class_

    def make() -> tuple[list[Column], Listing]:
        columns = view.within(name, columns_within(view, name))
        return columns, Listing(child, columns, words)

    key = ("related", name, words.today, site_ids(), held())
    kept: tuple[list[Column], Listing] = view.kept.get(key, make)
    return kept


def columns_within(view: RecordView, name: str) -> list[Column]:
    """Return the columns of a related table: the child's own, without the way back here."""
    found = relation(view.model, name)
    assert found is not None
    child = found.mapper.class_
    child_view = view_of(child)
    if child_view is not None:
        back = _back(found)
        return [column for column in child_view.shown() if not _leads_back(column.name, back)]
    names = [each for each in labelled_names(child) if each != found.back_populates]
    return [describe(child, each) for each in names]


def _leads_back(name: str, back: str | None) -> bool:
    """Whether a child's column tells of the record it is shown with, or of what that one tells."""
    return back is not None and (
        name == back or name.startswith(f"{back}.") or name.endswith(f".{back}")
    )


def _back(found: Any) -> str | None:
    """Return the attribute of a child that leads back to the record it is shown with."""
    return found.back_populates or found.info.get("back")


def _more_url(
    view: RecordView, record: Any, name: str, child_view: RecordView | None
) -> str | None:
    """Return where all of it can be seen: the child's grid, or this page with it unfolded."""
    found = relation(view.model, name)
    assert found is not None
    back = _back(found)
    if child_view is not None and back and any(back in each.params for each in child_view.filters):
        return url_for(f"{child_view.endpoint}.index_view", **{back: record.id})
    return url_for(f"{view.endpoint}.details_view", id=record.id, all=name, _anchor=name)


def history_for(record: Any, words: Words) -> list[Event] | None:
    """Return the record's newest events, or None for somebody who may not see the history."""
    if not holds("history.view"):
        return None
    name = type(record).__name__.lower()
    rows = history_of(db.session(), name, record.id, limit=50)
    return [event(row, words) for row in rows]


def event(row: History, words: Words) -> Event:
    """Return one row of the history ready to print, with the office's words for what changed."""
    who = row.actor_name or {"customer": "Customer", "system": "Counterfoil"}.get(
        row.actor_kind.value, "Staff"
    )
    view = registry().views.get(row.record)
    # What a new record began with is on the page already.
    changes = {} if row.verb == "create" else (row.details or {}).get("changes", {})
    return Event(
        who,
        words.moment(row.at),
        row.at.isoformat(),
        row.sentence,
        row.reason,
        [_change(view, name, before, after, words) for name, (before, after) in changes.items()],
        row.actor_kind.value,
    )


def _change(view: RecordView | None, name: str, before: Any, after: Any, words: Words) -> str:
    """Return what became of an attribute, in words; of a relation only that it changed."""
    if view is None:
        return f"{word(name)}: {scalar(before)} → {scalar(after)}"
    label = label_of(view.model, name)
    if relation(view.model, name) is not None:
        return f"{label.text} changed"

    def spoken(value: Any) -> str:
        if label.kind == "money" and isinstance(value, int):
            return words.money(value)
        if label.kind == "date" and isinstance(value, str):
            return words.day(dt.date.fromisoformat(value))
        return scalar(value)

    return f"{label.text}: {spoken(before)} → {spoken(after)}"
