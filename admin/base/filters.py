"""Filters of a grid, made from the model's metadata and kept in the address under readable names.

Reading never fails: a value that makes no sense is left out and said so, and so is a name that no
filter has. A list that silently ignores a filter shows the wrong rows with a straight face.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from admin.base.access import holds
from admin.base.cells import word
from admin.base.scope import at_path
from admin.base.words import Words

MAX_TEXT = 120

Options = tuple[tuple[str, str], ...]


@dataclass
class Reading:
    """What an address asked for: conditions to apply, values to show again, and notices.

    titles -- what the records that filters name are called, by filter and id: those that are there
              and that this person may see
    """

    conditions: list[Any] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    titles: Mapping[str, Mapping[int, str]] = field(default_factory=dict)

    def take(self, name: str, value: str, condition: Any) -> None:
        self.values[name] = value
        self.conditions.append(condition)

    def refuse(self, label: str, value: str) -> None:
        self.notices.append(f"“{label}” can't be “{value[:40]}”, so that filter was left out.")

    def cross(self, label: str) -> None:
        """Say that a range of days ends before it begins."""
        self.notices.append(
            f"“{label}”: The first day is after the last one, so that filter was left out."
        )

    def miss(self, label: str) -> None:
        """Say that a record a filter names was removed, or is not this person's to see."""
        self.notices.append(f"What “{label}” asks for is not there any more, so it was left out.")


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
    def options(self) -> Options: ...
    @property
    def params(self) -> tuple[str, ...]: ...

    def may_use(self) -> bool: ...
    def read(self, model: Any, args: Mapping[str, str], words: Words, into: Reading) -> None: ...
    def told(self, param: str, value: str, titles: Mapping[int, str], words: Words) -> str: ...


@dataclass(frozen=True)
class OneParam:
    """Base of the filters that have one name in an address, that of themselves.

    permission -- what somebody needs to use it beside seeing the grid, if anything
    """

    shape: ClassVar[str] = "text"
    name: str
    label: str
    quiet: bool = field(default=False, kw_only=True)
    options: Options = field(default=(), kw_only=True)
    permission: str = field(default="", kw_only=True)

    @property
    def params(self) -> tuple[str, ...]:
        return (self.name,)

    def may_use(self) -> bool:
        """Whether the person signed in may narrow the grid by this."""
        return not self.permission or holds(self.permission)

    def told(self, param: str, value: str, titles: Mapping[int, str], words: Words) -> str:
        """Return a value of the address the way people read it."""
        return dict(self.options).get(value, value)


@dataclass(frozen=True)
class ChoiceFilter(OneParam):
    """One of a few words."""

    shape: ClassVar[str] = "select"
    path: str
    values: Mapping[str, Any]

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
class ConditionFilter(OneParam):
    """Records that something holds for, which no column of theirs says: ``?overdue=yes``.

    conditions -- what each word of the address stands for, made anew for each request
    """

    shape: ClassVar[str] = "select"
    conditions: Mapping[str, Callable[[Words], Any]]

    def read(self, _model: Any, args: Mapping[str, str], words: Words, into: Reading) -> None:
        text = args.get(self.name, "")
        if text and text not in self.conditions:
            into.refuse(self.label, text)
        elif text:
            into.take(self.name, text, self.conditions[text](words))


@dataclass(frozen=True)
class TextFilter(OneParam):
    """Exactly this word, where the words are not known beforehand."""

    path: str

    def read(self, model: Any, args: Mapping[str, str], words: Words, into: Reading) -> None:
        text = args.get(self.name, "").replace("\0", "").strip()[:MAX_TEXT]
        if text:
            into.take(self.name, text, at_path(model, self.path, lambda column: column == text))


@dataclass(frozen=True)
class DateFilter(OneParam):
    """A day, or a range of days with both ends included; days of a moment are the office's.

    ``?due_on=2026-11-03``, or ``due_on_from`` and ``due_on_to``, or only one of those two.
    """

    shape: ClassVar[str] = "dates"
    path: str
    moments: bool

    @property
    def params(self) -> tuple[str, ...]:
        return (self.name, *self.ends)

    @property
    def ends(self) -> tuple[str, str]:
        return (f"{self.name}_from", f"{self.name}_to")

    def read(self, model: Any, args: Mapping[str, str], words: Words, into: Reading) -> None:
        first, last = (self._day(args.get(param, ""), into) for param in self.ends)
        day = self._day(args.get(self.name, ""), into)
        if first is not None and last is not None and first > last:
            into.cross(self.label)
            first = last = None
        if day is None and first is not None and first == last:
            day, first, last = first, None, None
        for param, since, until in (
            (self.name, day, day),
            (self.ends[0], first, None),
            (self.ends[1], None, last),
        ):
            if since or until:
                text = (since or until or dt.date.min).isoformat()
                into.take(param, text, self._between(model, words, since, until))

    def told(self, param: str, value: str, titles: Mapping[int, str], words: Words) -> str:
        day = words.day(dt.date.fromisoformat(value))
        return {self.ends[0]: f"from {day}", self.ends[1]: f"to {day}"}.get(param, day)

    def _day(self, text: str, into: Reading) -> dt.date | None:
        if not text:
            return None
        try:
            day = dt.date.fromisoformat(text)
            if not 1900 <= day.year <= 9000:
                raise ValueError(text)
        except ValueError:
            into.refuse(self.label, text)
            return None
        return day

    def _between(
        self, model: Any, words: Words, since: dt.date | None, until: dt.date | None
    ) -> Any:
        def edge(day: dt.date) -> Any:
            return words.midnight(day) if self.moments else day

        def test(column: Any) -> Any:
            condition = column >= edge(since) if since is not None else None
            if until is None:
                return condition
            before = column < edge(until + dt.timedelta(days=1))
            return before if condition is None else condition & before

        return at_path(model, self.path, test)


def choices_of(states: Any) -> Options:
    """Return the members of an enumeration as (value, words)."""
    return tuple((member.value, word(member)) for member in states)
