"""Keyset paging: every page costs the same, however deep, and rows never slip between pages.

A page is found by the row it follows (``after``) or precedes (``before``), named by its sort value
and id; the last page is the first page of the reverse order. No OFFSET, no count of the table.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import Select, and_, false, literal, or_, tuple_

from admin.base.columns import python_type
from admin.base.scope import MAX_ID, read_id

MAX_CURSOR = 400


class BadCursor(ValueError):
    """A page mark that can't be read: the first page is shown instead, and said so."""


@dataclass(frozen=True)
class Order:
    """What a grid is ordered by; the id settles ties.

    name    -- attribute of the model
    down    -- descending
    bounded -- the rows are already few (a search): keeps the database from walking the whole
               table in id order in the hope of meeting one of them
    """

    model: Any
    name: str
    down: bool
    bounded: bool = False

    @property
    def by_id(self) -> bool:
        return self.name == "id"

    @property
    def param(self) -> str:
        return f"-{self.name}" if self.down else self.name

    def apply(self, statement: Select[Any], backwards: bool) -> Select[Any]:
        """Order ``statement``, in the reverse order when reading ``backwards``. Nulls come last."""
        down = self.down != backwards
        key = self.model.id + 0 if self.bounded and self.by_id else self.model.id
        tie = key.desc() if down else key.asc()
        if self.by_id:
            return statement.order_by(tie)
        column = getattr(self.model, self.name)
        first = column.desc() if down else column.asc()
        if self._nullable:
            first = first.nulls_first() if backwards else first.nulls_last()
        return statement.order_by(first, tie)

    @property
    def _nullable(self) -> bool:
        column = self.model.__mapper__.column_attrs[self.name].columns[0]
        return bool(getattr(column, "nullable", True))

    def beyond(self, value: Any, record_id: int, backwards: bool) -> Any:
        """Return the condition of the rows after the named one (before it: ``backwards``)."""
        up = self.down == backwards
        key = self.model.id
        tie = key > record_id if up else key < record_id
        if self.by_id:
            return tie
        column = getattr(self.model, self.name)
        if not self._nullable:
            pair = tuple_(column, key)
            mark = tuple_(literal(value, column.type), record_id)
            return pair > mark if up else pair < mark
        if value is None:
            nulls = and_(column.is_(None), tie)
            return or_(column.is_not(None), nulls) if backwards else nulls
        further = column > value if up else column < value
        beyond_nulls = false() if backwards else column.is_(None)
        return or_(further, and_(column == value, tie), beyond_nulls)

    def cursor(self, value: Any, record_id: int) -> str:
        """Return the mark of a row for an address: ``=value~id``, or only the id."""
        if self.by_id:
            return str(record_id)
        if value is None:
            return f"~{record_id}"
        if isinstance(value, Enum):
            value = value.value
        text = value.isoformat() if isinstance(value, dt.date) else str(value)
        return f"={text}~{record_id}"

    def read(self, cursor: str) -> tuple[Any, int]:
        """Return the value and id that a cursor names; ``BadCursor`` when it can't be read."""
        text, _, last = cursor.rpartition("~")
        record_id = read_id(last)
        if record_id is None or len(cursor) > MAX_CURSOR or (bool(text) and self.by_id):
            raise BadCursor(cursor)
        if self.by_id or not text:
            return None, record_id
        try:
            return self._value(text.removeprefix("=")), record_id
        except (ValueError, KeyError) as error:
            raise BadCursor(cursor) from error

    def _value(self, text: str) -> Any:
        kind = python_type(self.model, self.name)
        if kind is bool:
            return {"True": True, "False": False}[text]
        if kind is int:
            number = int(text)
            if abs(number) > MAX_ID:
                raise ValueError(text)
            return number
        if kind is dt.datetime:
            moment = dt.datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError(text)
            return moment
        if kind is dt.date:
            return dt.date.fromisoformat(text)
        if issubclass(kind, Enum):
            return kind(text)
        if "\0" in text:
            raise ValueError(text)
        return text


@dataclass(frozen=True)
class Page:
    """Rows of one page and the marks of the pages around it."""

    rows: list[Any]
    before: str | None
    after: str | None


def read_page(
    session: Any,
    statement: Select[Any],
    order: Order,
    size: int,
    *,
    after: str | None = None,
    before: str | None = None,
    last: bool = False,
) -> Page:
    """Return one page of ``statement`` (whose last column is the sort value, first is the id).

    One row more than ``size`` is read to know whether there is a further page. Raises
    ``BadCursor``.
    """
    backwards = last or before is not None
    mark = before if before is not None else after
    if mark is not None and not last:
        statement = statement.where(order.beyond(*order.read(mark), backwards))
    rows = session.execute(order.apply(statement, backwards).limit(size + 1)).all()
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    if not rows:
        return Page([], None, None)
    earlier = more if backwards else mark is not None
    later = (before is not None and not last) if backwards else more
    return Page(
        rows,
        order.cursor(rows[0][-1], rows[0][0]) if earlier else None,
        order.cursor(rows[-1][-1], rows[-1][0]) if later else None,
    )
