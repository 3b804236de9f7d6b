"""Columns: what is known about one attribute of a record type, worked out once at start.

A column says which values it needs (``sources``: dotted paths, or derived values), so that one
statement can fetch them for a whole page; the same column shows a record already in memory.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import Boolean, Date, Text, select
from sqlalchemy.orm import ColumnProperty, aliased

from admin.base import cells
from admin.base.access import holds
from admin.base.scope import is_single, key_column, relation, site_ids
from admin.base.words import Words
from models import UtcDateTime
from models.panel import Caption

# Between the titles of a collection that one statement joins; no title has a line end.
SEPARATOR = "\n"
# Right-aligned, with figures of equal width.
FIGURES = {"money", "number", "percent", "days"}
UNSORTABLE = {"multiline", "json", "permissions"}


@dataclass(frozen=True)
class Derived:
    """A value no column stores: as SQL for a page of rows, and of one record in memory."""

    sql: Callable[[Words], Any]
    of: Callable[[Any, Words], Any]


Source = str | Derived
Render = Callable[[Sequence[Any], Words, bool], Any]
Plain = Callable[[Sequence[Any], Words], Any]


@dataclass(frozen=True)
class Column:
    """One attribute as people see it.

    name    -- dotted attribute, also its name in addresses (``sort=name``)
    sources -- the values it needs; the first is its own
    render  -- HTML from those values; the flag tells whether there is room (the Eye page)
    plain   -- what a CSV gets from them
    sort    -- whether the grid may be ordered by it
    needs   -- the permission to see it beside the record's own, if any
    """

    name: str
    label: str
    kind: str
    sources: tuple[Source, ...]
    render: Render
    plain: Plain
    sort: bool = False
    hint: str = ""
    needs: str = ""

    def may_see(self) -> bool:
        """Whether the person signed in may see this column."""
        return not self.needs or holds(self.needs)

    @property
    def css(self) -> str:
        return "k-figure" if self.kind in FIGURES else f"k-{self.kind}"

    def of(self, record: Any, words: Words) -> Any:
        """Return this attribute of a record in memory as HTML."""
        values = [
            source.of(record, words) if isinstance(source, Derived) else walk(record, source)
            for source in self.sources
        ]
        return self.render(values, words, True)


def walk(record: Any, path: str) -> Any:
    """Return the value at a dotted path, None where the path ends early."""
    for name in path.split("."):
        if record is None:
            return None
        record = getattr(record, name)
    return record


def label_of(model: Any, name: str) -> Caption:
    """Return what the model says about attribute ``name``; a readable guess where it is silent."""
    prop = model.__mapper__.attrs.get(name)
    info: Any = {}
    if prop is not None:
        info = prop.info or {}
        if isinstance(prop, ColumnProperty) and "label" not in info:
            info = getattr(prop.columns[0], "info", {})
    label = info.get("label")
    return label if isinstance(label, Caption) else Caption(cells.word(name))


def labelled_names(model: Any) -> list[str]:
    """Return the attributes of ``model`` that have a label, in the order they are declared."""
    columns = [
        prop.key for prop in model.__mapper__.column_attrs if prop.columns[0].info.get("label")
    ]
    relations = [
        prop.key
        for prop in model.__mapper__.relationships
        if "label" in prop.info and is_single(prop)
    ]
    return relations + columns


def title_name(model: Any) -> str:
    """Return the attribute that names a record of ``model``."""
    panel = getattr(model, "__panel__", None)
    if panel is not None:
        return str(panel.title)
    return next((n for n in ("name", "label", "description") if hasattr(model, n)), "id")


def choice_title(model: Any) -> Any:
    """Return what names a record of ``model`` among others, as SQL: "A-01, Mill Road"."""
    title = getattr(model, title_name(model))
    panel = getattr(model, "__panel__", None)
    found = relation(model, panel.beside) if panel is not None and panel.beside else None
    if found is None:
        return title
    other = aliased(found.mapper.class_)
    link = key_column(model, found.key) == other.id
    beside = select(getattr(other, title_name(found.mapper.class_))).where(link)
    return title.concat(", ").concat(beside.correlate(model).scalar_subquery())


def title_text(model: Any, value: Any, record_id: Any) -> str:
    """Return what a record is called, from its naming attribute's value and its id."""
    if record_id is None:
        return ""
    panel = getattr(model, "__panel__", None)
    kind = panel.label if panel else model.__name__
    name = title_name(model)
    if value is None or value == "":
        return f"{kind} without {label_of(model, name).text.lower()}"
    if name == "id" or label_of(model, name).kind == "number":
        return f"{kind} #{value}"
    return str(value)


def describe(model: Any, name: str, labels: Mapping[str, Caption] | None = None) -> Column:
    """Return the column for the dotted attribute ``name`` of ``model``.

    labels -- words that replace the model's own, by attribute
    """
    owner, path = model, name.split(".")
    for part in path[:-1]:
        found = relation(owner, part)
        if found is None:
            raise ValueError(f"{model.__name__}.{name}: {part} is not a relation")
        owner = found.mapper.class_
    label = (labels or {}).get(name) or label_of(owner, path[-1])
    found = relation(owner, path[-1])
    if found is not None and is_single(found):
        return _link(name, label, found.mapper.class_)
    if found is not None:
        return _names(name, label, found.mapper.class_)
    return _value(owner, name, label)


def _value(owner: Any, name: str, label: Caption) -> Column:
    kind = label.kind
    own = owner.__mapper__.column_attrs.get(name)
    sortable = (
        own is not None
        and owner.__table__.columns.get(own.columns[0].name) is not None
        and kind not in UNSORTABLE
        and not isinstance(own.columns[0].type, Text)
    )
    return Column(
        name,
        label.text,
        kind,
        (name,),
        lambda values, words, full: cells.show(kind, values[0], words, full),
        lambda values, words: cells.plain(kind, values[0], words),
        sortable,
        label.hint,
    )


def _link(name: str, label: Caption, target: Any) -> Column:
    key = target.__name__.lower()
    panel = getattr(target, "__panel__", None)
    is_site = panel is not None and panel.site_path == "id"

    def render(values: Sequence[Any], words: Words, _full: bool) -> Any:
        record_id, title = values
        if record_id is None:
            return cells.EMPTY
        text = title_text(target, title, record_id)
        # A user seen for what they rent here may belong to a site that has no page for its reader.
        closed = is_site and site_ids() and record_id not in site_ids()
        address = None if closed else words.eye(key, record_id)
        return escape(text) if address is None else cells.link(address, text)

    return Column(
        name,
        label.text,
        "record",
        (f"{name}.id", f"{name}.{title_name(target)}"),
        render,
        lambda values, _words: title_text(target, values[1], values[0]),
    )


def _names(name: str, label: Caption, target: Any) -> Column:
    title = title_name(target)
    chips = target.__tablename__ == "labels"

    def names(value: Any) -> list[str]:
        """Read what the one statement of a page joined, or the records of a collection."""
        if isinstance(value, list):
            return [str(getattr(record, title)) for record in value]
        return sorted(value.split(SEPARATOR), key=str.casefold) if value else []

    def render(values: Sequence[Any], _words: Words, full: bool) -> Any:
        found = names(values[0])
        shown = cells.chips(found, full) if chips else escape(", ".join(found))
        return shown or cells.EMPTY

    return Column(
        name,
        label.text,
        "labels" if chips else "names",
        (name,),
        render,
        lambda values, _words: ", ".join(names(values[0])),
    )


def named(column: Column, model: Any) -> Column:
    """Return the grid's naming column, which links to the record: the row's one link."""
    key = model.__name__.lower()

    def render(values: Sequence[Any], words: Words, full: bool) -> Any:
        address = words.eye(key, values[-1])
        inner = column.render(values[:-1], words, full)
        if address is None or full:
            return inner
        # By its id the row's tick box and its other link are called (templates/admin/table.html).
        where = escape(address)
        return Markup(f'<a class="name" id="{where}" href="{where}">{escape(inner)}</a>')  # noqa: S704

    return replace(
        column,
        sources=(*column.sources, "id"),
        render=render,
        plain=lambda values, words: column.plain(values[:-1], words),
    )


def python_type(model: Any, name: str) -> type:
    """Return what values of an own column are in Python; ``str`` for anything unusual."""
    kind = model.__mapper__.column_attrs[name].columns[0].type
    if isinstance(kind, UtcDateTime):
        return dt.datetime
    if isinstance(kind, Date):
        return dt.date
    if isinstance(kind, Boolean):
        return bool
    try:
        found: type = kind.python_type
    except NotImplementedError:
        return str
    return found
