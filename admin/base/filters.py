"""Filters of a grid, made from the model's metadata and kept in the address under readable names.

Reading never fails: a value that makes no sense is left out and said so, and so is a name that no
filter has. A list that silently ignores a filter shows the wrong rows with a straight face.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from admin.base.cells import word
from admin.base.scope import at_path, read_id
from admin.base.words import Words

MAX_TEXT = 120


@dataclass
class Reading:
    """What an address asked for: conditions to apply, values to show again, and notices."""

    conditions: list[Any] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def take(self, name: str, value: str, condition: Any) -> None:
        self.values[name] = value
        self.conditions.append(condition)

    def refuse(self, label: str, value: str) -> None:
        self.notices.append(f"“{label}” can't be “{value[:40]}”, so that filter was left out.")


class Filter(Protocol):
    """One filter: the names it has in an address, how it is shown, and how it is read."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def shape(self) -> str: ...
    @property
    def quiet(self) -> bool: ...
    @property
    def options(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def params(self) -> tuple[str, ...]: ...

    def read(self, model: Any, args: Mapping[str, str], words: Words, into: Reading) -> None: ...


@dataclass(frozen=True)
class ChoiceFilter:
    """One of a few words."""

    name: str
    label: str
    path: str
    options: tuple[tuple[str, str], ...]
    values: Mapping[str, Any]
    shape: str = "select"
    quiet: bool = False

    @property
    def params(self) -> tuple[str, ...]:
        return (self.name,)

    def read(self, model: Any, args: Mapping[str, str], words: Words, into: Reading) -> None:
        text = args.get(self.name, "")
        if not text:
            return
        if text not in self.values:
            into.refuse(self.label, text)
            return
        value = self.values[text]
        into.take(self.name, text, at_path(model, self.path, lambda column: column == value))


@dataclass(frozen=True)
class TextFilter:
    """Exactly this word, where the words are not known beforehand."""

    name: str
    label: str
    path: str
    shape: str = "text"
    quiet: bool = False
    options: tuple[tuple[str, str], ...] = ()

    @property
    def params(self) -> tuple[str, ...]:
        return (self.name,)

    def read(self, model: Any, args: Mapping[str, str], words: Words, into: Reading) -> None:
        text = args.get(self.name, "").replace("\0", "").strip()[:MAX_TEXT]
        if text:
            into.take(self.name, text, at_path(model, self.path, lambda column: column == text))


@dataclass(frozen=True)
class RelationFilter:
    """One record of another type, by id. ``quiet``: only through a link, without a field."""

    name: str
    label: str
    path: str
    target: Any
    quiet: bool = False
    shape: str = "relation"
    options: tuple[tuple[str, str], ...] = ()

    @property
    def params(self) -> tuple[str, ...]:
        return (self.name,)

    def read(self, model: Any, args: Mapping[str, str], words: Words, into: Reading) -> None:
        text = args.get(self.name, "")
        if not text:
            return
        record_id = read_id(text)
        if record_id is None:
            into.refuse(self.label, text)
            return
        into.take(self.name, text, at_path(model, self.path, lambda column: column == record_id))


@dataclass(frozen=True)
class DateFilter:
    """A range of days, both ends included; days of a moment are the office's."""

    name: str
    label: str
    path: str
    moments: bool
    shape: str = "dates"
    quiet: bool = False
    options: tuple[tuple[str, str], ...] = ()

    @property
    def params(self) -> tuple[str, ...]:
        return (f"{self.name}_from", f"{self.name}_to")

    def read(self, model: Any, args: Mapping[str, str], words: Words, into: Reading) -> None:
        first, last = self.params
        self._edge(model, args, words, into, first, lambda column, edge: column >= edge, 0)
        self._edge(model, args, words, into, last, lambda column, edge: column < edge, 1)

    def _edge(
        self,
        model: Any,
        args: Mapping[str, str],
        words: Words,
        into: Reading,
        param: str,
        test: Callable[[Any, Any], Any],
        days: int,
    ) -> None:
        text = args.get(param, "")
        if not text:
            return
        try:
            day = dt.date.fromisoformat(text)
            if not 1900 <= day.year <= 9000:
                raise ValueError(text)
        except ValueError:
            into.refuse(self.label, text)
            return
        edge: Any = day + dt.timedelta(days=days)
        if self.moments:
            edge = words.midnight(edge)
        into.take(param, text, at_path(model, self.path, lambda column: test(column, edge)))


def choices_of(states: Any) -> tuple[tuple[str, str], ...]:
    """Return the members of an enumeration as (value, words)."""
    return tuple((member.value, word(member)) for member in states)
