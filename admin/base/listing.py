"""One statement for a page of rows: the values of all its columns, relations joined.

Rows are plain tuples, not objects: nothing can be loaded per row, and what a column does not name
is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from admin.base.columns import SEPARATOR, Column, Derived, title_name
from admin.base.scope import is_single, relation
from admin.base.words import Words


class Listing:
    """The columns of a table, the statement that reads them, and the cells they become.

    It belongs to no request, so it can be kept; of ``words`` only the day goes into the statement,
    of the person only their sites.
    """

    def __init__(self, model: Any, columns: Sequence[Column], words: Words) -> None:
        self.model = model
        self.columns = columns
        self._joined: dict[str, tuple[Any, Any]] = {}
        self._spans: list[slice] = []
        self._expressions: list[Any] = [model.id]
        for column in columns:
            start = len(self._expressions)
            self._expressions += [self._expression(source, words) for source in column.sources]
            self._spans.append(slice(start, len(self._expressions)))
        self._frames = [
            (
                Markup('<td class="{}" data-label="{}">').format(column.css, column.label),
                column.render,
                span,
            )
            for column, span in zip(columns, self._spans, strict=True)
        ]

    def statement(self) -> Select[Any]:
        """Return the SELECT of every value needed, the record's id first."""
        statement = select(*self._expressions).select_from(self.model)
        for alias, link in self._joined.values():
            statement = statement.outerjoin(alias, link)
        return statement

    def cells(self, row: Any, words: Words) -> Markup:
        """Return one row's cells, ready to print."""
        parts = [
            f"{opening}{escape(render(row[span], words, False))}</td>"
            for opening, render, span in self._frames
        ]
        # Built of escaped pieces only.
        return Markup("".join(parts))  # noqa: S704

    def plain(self, row: Any, words: Words) -> Iterator[Any]:
        """Yield one row's values for a CSV."""
        for column, span in zip(self.columns, self._spans, strict=True):
            yield column.plain(row[span], words)

    def _expression(self, source: Any, words: Words) -> Any:
        if isinstance(source, Derived):
            return source.sql(words)
        path = source.split(".")
        owner, model = self._owner(path[:-1])
        found = relation(model, path[-1])
        if found is None:
            return getattr(owner, path[-1])
        return _joined_titles(owner, model, path[-1])

    def _owner(self, path: list[str]) -> tuple[Any, Any]:
        """Return the joined alias a path's last attribute belongs to, and its class."""
        owner, model, so_far = self.model, self.model, ""
        for name in path:
            found = relation(model, name)
            if not is_single(found):
                raise ValueError(f"{model.__name__}.{name} does not lead to one record")
            assert found is not None
            so_far = f"{so_far}.{name}"
            if so_far not in self._joined:
                alias = aliased(found.mapper.class_)
                self._joined[so_far] = (alias, getattr(owner, name))
            owner, model = self._joined[so_far][0], found.mapper.class_
        return owner, model


def _joined_titles(owner: Any, model: Any, name: str) -> Any:
    """Return the titles of a collection as one text, without a statement per row."""
    found = relation(model, name)
    assert found is not None
    parent, child = aliased(model), aliased(found.mapper.class_)
    title = getattr(child, title_name(found.mapper.class_))
    return (
        select(func.aggregate_strings(title, SEPARATOR))
        .select_from(parent)
        .join(child, getattr(parent, name).of_type(child))
        .where(parent.id == owner.id)
        .correlate(owner)
        .scalar_subquery()
    )


class Kept:
    """What was built lately, by what it was built from.

    Building a statement out of its parts costs several times as much as running it, and the same
    few are asked for all day. The values are shared between threads and never changed.
    """

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._values: dict[Hashable, Any] = {}

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what ``key`` stands for, made when it is not there."""
        found = self._values.get(key)
        if found is None:
            found = make()
            if len(self._values) >= self._most:
                self._values.clear()
            self._values[key] = found
        return found
