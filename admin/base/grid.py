"""The grid of a record type: what an address asks for, in at most three statements."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sqlalchemy import Select, union_all

from admin.base import searching
from admin.base.cells import word
from admin.base.facts import Facts, count_of, grouped_counts, read_facts, relation_members
from admin.base.filters import DateFilter, Reading
from admin.base.listing import Listing
from admin.base.paging import BadCursor, Order, Page, read_page
from admin.base.scope import in_scope, site_ids
from admin.base.words import Words
from models import db

if TYPE_CHECKING:
    from admin.base.view import RecordView

SIZES = (25, 50, 100)
PAGE_MARKS = ("after", "before", "last")
OWN_PARAMS = ("q", "sort", "size", "state", *PAGE_MARKS)


@dataclass(frozen=True)
class DerivedState:
    """A pill that is no stored state: its condition, or the states it stands for together.

    members   -- the states it sums up, if it is made of states
    condition -- otherwise, what makes a row one of them
    """

    label: str
    members: tuple[str, ...] = ()
    condition: Callable[[Words], Any] | None = None
    tone: str = ""


@dataclass(frozen=True)
class Pill:
    label: str
    count: str
    url: str
    current: bool
    tone: str = ""


@dataclass(frozen=True)
class Chip:
    """A filter in force, with the address that does without it."""

    label: str
    text: str
    url: str


@dataclass(frozen=True)
class HeadingOrder:
    """A heading's link: the address sorted by it, and how the grid is sorted by it now."""

    url: str
    now: str = ""


@dataclass
class Request:
    """A grid's address, read: conditions but the state's apart, because the pills count without."""

    reading: Reading
    order: Order
    size: int
    query: str
    state: str
    state_conditions: list[Any]
    default_sort: str
    sites: frozenset[int] = frozenset()
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def conditions(self) -> list[Any]:
        return [*self.reading.conditions, *self.state_conditions]

    def key(self, words: Words) -> Hashable:
        """Return all that the conditions were made of, page marks apart."""
        return (frozenset(self.params().items()), self.sites, words.today, words.timezone)

    @property
    def narrowed(self) -> bool:
        """Whether anything but the default was asked for."""
        return bool(self.reading.values or self.query or self.state or self.marks)

    def params(self, **changes: str | None) -> dict[str, str]:
        """Return the address's parameters with some changed; page marks never survive a change."""
        kept = dict(self.reading.values)
        kept.update(
            q=self.query,
            state=self.state,
            sort="" if self.order.param == self.default_sort else self.order.param,
            size="" if self.size == SIZES[0] else str(self.size),
        )
        kept.update({name: value or "" for name, value in changes.items()})
        return {name: value for name, value in kept.items() if value}

    def url(self, **changes: str | None) -> str:
        return "?" + urlencode(self.params(**changes))


def read_request(
    view: RecordView, args: Mapping[str, str], words: Words, finds: int = searching.FINDS
) -> Request:
    """Read a grid's address. Nothing in it can fail: what makes no sense is left out and said.

    finds -- how many records a search considers at most
    """
    reading = Reading()
    for each in view.filters:
        each.read(view.model, args, words, reading)
    known = {param for each in view.filters for param in each.params} | set(OWN_PARAMS)
    reading.notices += [
        f"There is no filter named “{name[:40]}” here, so it was left out."
        for name in args
        if name not in known
    ]
    query = searching.clean(args.get("q", "")) if view.can_search else ""
    if query and not searching.has_words(query):
        reading.notices.append("Type at least one letter or digit to search for.")
        query = ""
    if query:
        reading.conditions.append(searching.found_by(view.model, query, finds))
    state, conditions = _read_state(view, args.get("state", ""), words, reading)
    marks = {name: args[name] for name in PAGE_MARKS if args.get(name)}
    order = _read_order(view, args.get("sort", ""), bool(query), reading)
    reading.conditions += in_scope(view.model)
    size = _read_size(args)
    default = view.default_sort
    return Request(reading, order, size, query, state, conditions, default, site_ids(), marks)


def _read_state(
    view: RecordView, state: str, words: Words, reading: Reading
) -> tuple[str, list[Any]]:
    if view.pills is None:
        if state:
            reading.refuse("State", state)
        return "", []
    column = getattr(view.model, view.pills)
    derived = view.derived_states.get(state)
    if derived is not None:
        if derived.condition is not None:
            return state, [derived.condition(words)]
        return state, [column.in_(derived.members)]
    if state in view.states:
        return state, [column == state]
    if state:
        reading.refuse("State", state)
    hidden = view.panel.hidden
    return "", [column.not_in(hidden)] if hidden else []


def _read_order(view: RecordView, text: str, bounded: bool, reading: Reading) -> Order:
    name = text.removeprefix("-")
    if text and name not in view.sortable:
        reading.notices.append(f"This list can't be sorted by “{name[:40]}”.")
        text = ""
    text = text or view.default_sort
    return Order(view.model, text.removeprefix("-"), text.startswith("-"), bounded)


def _read_size(args: Mapping[str, str]) -> int:
    return next((size for size in SIZES if args.get("size") == str(size)), SIZES[0])


def statement_of(view: RecordView, listing: Listing, request: Request) -> Select[Any]:
    """Return the rows asked for, unordered; the last column is the one they are sorted by."""
    sorted_by = getattr(view.model, request.order.name).label("sorted_by")
    return listing.statement().add_columns(sorted_by).where(*request.conditions)


def rows_of(view: RecordView, listing: Listing, request: Request, words: Words) -> Page:
    """Read the page asked for; a mark that can't be read gives the first one, and a notice."""
    key = ("rows", request.key(words))
    statement = view.kept.get(key, lambda: statement_of(view, listing, request))
    session = db.session()
    try:
        return read_page(
            session,
            statement,
            request.order,
            request.size,
            after=request.marks.get("after"),
            before=request.marks.get("before"),
            last="last" in request.marks,
        )
    except BadCursor:
        request.reading.notices.append("That page could not be found; this is the first one.")
        request.marks.clear()
        return read_page(session, statement, request.order, request.size)


def facts_of(view: RecordView, request: Request, words: Words) -> Facts:
    """Count for the pills and fetch what the filters offer, in one statement."""
    key = ("facts", request.key(words))
    statement = view.kept.get(key, lambda: _facts_statement(view, request, words))
    facts = read_facts(statement, view.relation_filters)
    stored = (*view.states, "found")
    if request.query and sum(facts.counts.get(name, 0) for name in stored) >= searching.FINDS:
        facts.most = searching.FINDS
        request.reading.notices.append(
            f"These are the newest {searching.FINDS:,} finds. Add a word to narrow them down."
        )
    return facts


def _facts_statement(view: RecordView, request: Request, words: Words) -> Any:
    members: list[Any] = []
    others = request.reading.conditions
    if view.pills is not None:
        column = getattr(view.model, view.pills)
        if request.query:
            members.append(grouped_counts(view.model, view.pills, others))
        else:
            members += [
                count_of(state, view.model, [column == state, *others]) for state in view.states
            ]
        members += [
            count_of(name, view.model, [derived.condition(words), *others])
            for name, derived in view.derived_states.items()
            if derived.condition is not None
        ]
    elif request.query:
        members.append(count_of("found", view.model, others))
    for each in view.relation_filters:
        members += relation_members(each, request.reading.values.get(each.name))
    return union_all(*members) if members else False


def pills_of(view: RecordView, request: Request, facts: Facts) -> list[Pill]:
    """Return the state pills: all, then what is derived, then every state."""
    if view.pills is None:
        return []
    shown = [state for state in view.states if state not in view.panel.hidden]

    def pill(name: str, label: str, members: tuple[str, ...], tone: str = "") -> Pill:
        url = request.url(state=name)
        return Pill(label, facts.in_words(*members), url, request.state == name, tone)

    pills = [pill("", "All", tuple(shown))]
    for name, derived in view.derived_states.items():
        pills.append(pill(name, derived.label, derived.members or (name,), derived.tone))
    crowded = len(view.states) > 8
    return pills + [
        pill(state, word(state), (state,))
        for state in view.states
        if not crowded or facts.counts.get(state) or request.state == state
    ]


def chips_of(view: RecordView, request: Request, facts: Facts, words: Words) -> list[Chip]:
    """Return the filters in force, in words; a record nobody may see is named by its id only."""
    chips = []
    for each in view.filters:
        for param in each.params:
            value = request.reading.values.get(param)
            if value is None:
                continue
            text = facts.names.get(param) or dict(each.options).get(value) or value
            if isinstance(each, DateFilter):
                text = words.day(dt.date.fromisoformat(value))
            suffix = param.removeprefix(each.name).replace("_", " ")
            url = request.url(**{param: None})
            chips.append(Chip(f"{each.label}{suffix}", text, url))
    return chips


def orders_of(view: RecordView, request: Request) -> dict[str, HeadingOrder]:
    """Return the links of the headings the grid can be sorted by."""
    order = request.order
    orders = {}
    for name in view.sortable:
        current = order.name == name
        url = request.url(sort=f"-{name}" if current and not order.down else name)
        now = ("descending" if order.down else "ascending") if current else ""
        orders[name] = HeadingOrder(url, now)
    return orders
