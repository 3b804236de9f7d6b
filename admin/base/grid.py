"""The grid of a record type: what an address asks for, in at most three statements."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sqlalchemy import Select, union_all

from admin.base import searching
from admin.base.access import signed_in
from admin.base.facts import Facts, count_of, grouped_counts, list_of, read_facts, saved_of
from admin.base.filters import Reading
from admin.base.filters_related import Titles, named_ids, title_members, titles_of
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
    after     -- the state its pill follows; empty: before all of them
    """

    label: str
    members: tuple[str, ...] = ()
    condition: Callable[[Words], Any] | None = None
    tone: str = ""
    after: str = ""


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

    def kept_query(self) -> str:
        """Return the address without what belongs to one look at it: what can be saved."""
        kept = self.params(size=None)
        return urlencode(kept, safe=",") if set(kept) - {"sort"} else ""

    def url(self, **changes: str | None) -> str:
        return "?" + urlencode(self.params(**changes), safe=",")


def read_page_of(view: RecordView, args: Mapping[str, str], words: Words) -> tuple[Request, Facts]:
    """Read a grid's address and what stands around its rows, in one statement.

    It takes the records that filters name to be there and learns at the same time whether they
    are; where one is not, all is read again without it.
    """
    usable = _usable(view)
    named = named_ids(usable, args)
    believed = {name: dict.fromkeys(ids, "") for name, ids in named.items()}
    request = read_request(view, args, words, titles=believed)
    facts = facts_of(view, request, words, named)
    if any(key not in facts.titles[name] for name, ids in named.items() for key in ids):
        request = read_request(view, args, words, titles=facts.titles)
        there = {name: list(titles) for name, titles in facts.titles.items()}
        facts = facts_of(view, request, words, there)
    request.reading.titles = facts.titles
    return request, facts


def _usable(view: RecordView) -> list[Any]:
    return [each for each in view.filters if each.may_use()]


def read_request(
    view: RecordView,
    args: Mapping[str, str],
    words: Words,
    finds: int = searching.FINDS,
    titles: Titles | None = None,
) -> Request:
    """Read a grid's address. Nothing in it can fail: what makes no sense is left out and said.

    finds  -- how many records a search considers at most
    titles -- what the records that filters name are called, where that is known already
    """
    usable = _usable(view)
    reading = Reading(titles=titles_of(usable, args) if titles is None else titles)
    for each in usable:
        each.read(view.model, args, words, reading)
    known = {param for each in usable for param in each.params} | set(OWN_PARAMS)
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
        return state, [view.in_state(state)]
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
    # Whoever may see fewer columns reads fewer values.
    key = ("rows", request.key(words), tuple(column.name for column in listing.columns))
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


def facts_of(
    view: RecordView, request: Request, words: Words, named: Mapping[str, Sequence[int]]
) -> Facts:
    """Count for the pills and fetch what the filters offer and are set to, in one statement."""
    ids = frozenset((name, tuple(keys)) for name, keys in named.items())
    key = ("facts", request.key(words), ids)
    statement = view.kept.get(key, lambda: _facts_statement(view, request, words, named))
    facts = read_facts(statement, view.relation_filters, _person())
    stored = (*view.states, "found")
    if request.query and sum(facts.counts.get(name, 0) for name in stored) >= searching.FINDS:
        facts.most = searching.FINDS
        request.reading.notices.append(
            f"These are the newest {searching.FINDS:,} finds. Add a word to narrow them down."
        )
    return facts


def _facts_statement(
    view: RecordView, request: Request, words: Words, named: Mapping[str, Sequence[int]]
) -> Any:
    members: list[Any] = []
    others = request.reading.conditions
    if view.pills is not None:
        if request.query:
            members.append(grouped_counts(view.model, view.state_shown(), others))
        else:
            members += [
                count_of(state, view.model, [view.in_state(state), *others])
                for state in view.states
            ]
        members += [
            count_of(name, view.model, [derived.condition(words), *others])
            for name, derived in view.derived_states.items()
            if derived.condition is not None
        ]
    elif request.query:
        members.append(count_of("found", view.model, others))
    members += title_members(view.relation_filters, named)
    members += [list_of(each) for each in view.relation_filters if each.listed]
    if view.keeps_filters:
        members.append(saved_of(view.endpoint))
    return union_all(*members) if members else False


def _person() -> int:
    person = signed_in()
    return 0 if person is None else person.id
