"""What stands above a grid's rows: the state pills, the filters in force and kept, the headings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from admin.base.cells import word
from admin.base.facts import Facts
from admin.base.grid import Request
from admin.base.words import Words

if TYPE_CHECKING:
    from admin.base.view import RecordView


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


def pills_of(view: RecordView, request: Request, facts: Facts) -> list[Pill]:
    """Return the state pills: all, then every state, with what is derived where it belongs."""
    if view.pills is None:
        return []
    shown = [state for state in view.states if state not in view.panel.hidden]

    def pill(name: str, label: str, members: tuple[str, ...], tone: str = "") -> Pill:
        url = request.url(state=name)
        return Pill(label, facts.in_words(*members), url, request.state == name, tone)

    def derived_after(state: str) -> list[Pill]:
        return [
            pill(name, derived.label, derived.members or (name,), derived.tone)
            for name, derived in view.derived_states.items()
            if derived.after == state
        ]

    pills = [pill("", "All", tuple(shown)), *derived_after("")]
    crowded = len(view.states) > 8
    for state in view.states:
        if not crowded or facts.counts.get(state) or request.state == state:
            pills.append(pill(state, word(state), (state,)))
        pills += derived_after(state)
    return pills


def chips_of(view: RecordView, request: Request, words: Words) -> list[Chip]:
    """Return the filters in force, in words."""
    chips = []
    for each in view.filters:
        titles = request.reading.titles.get(each.name, {})
        for param in each.params:
            value = request.reading.values.get(param)
            if value is not None:
                text = each.told(param, value, titles, words)
                chips.append(Chip(each.label, text, request.url(**{param: None})))
    return chips


def shown_values(view: RecordView, request: Request, words: Words) -> dict[str, str]:
    """Return what the look-up fields show: the names of what is chosen."""
    values = request.reading.values
    return {
        each.name: each.told(
            each.name, values.get(each.name, ""), request.reading.titles.get(each.name, {}), words
        )
        for each in view.relation_filters
        if each.shape == "relation"
    }


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


@dataclass(frozen=True)
class Saved:
    """A saved filter. ``shared``: it is for everybody; ``own``: this person saved it."""

    id: int
    name: str
    url: str
    shared: bool
    own: bool
    current: bool


def saved_filters(request: Request, facts: Facts) -> list[Saved]:
    """Return the saved filters of this grid by name: one's own, and those for everybody."""
    now = request.params(size=None)
    found = [
        Saved(key, name, f"?{query}", shared, own, dict(parse_qsl(query)) == now)
        for key, shared, own, name, query in facts.saved
    ]
    return sorted(found, key=lambda each: (each.name.casefold(), each.id))
