"""What stands around the rows of a grid, all in one statement: counts, names, short lists.

Counts are exact up to a cap: counting a million paid invoices to say "many" costs more than the
page. Each member of the UNION reads at most ``CAP`` entries of an index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Integer, String, bindparam, case, cast, func, literal, or_, select

from admin.base.columns import choice_title, title_text
from admin.base.filters_related import Related, Titles
from admin.base.scope import in_scope
from models import SavedFilter, db

CAP = 10_000
SHORT_LIST = 200


@dataclass
class Facts:
    """counts: rows by state, ``most`` meaning that or more; options and titles of what is chosen by
    filter name; saved filters as (id, whether for everybody, whether one's own, name, query)."""

    most: int = CAP
    counts: dict[str, int] = field(default_factory=dict)
    titles: Titles = field(default_factory=lambda: defaultdict(dict))
    saved: list[tuple[int, bool, bool, str, str]] = field(default_factory=list)
    options: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def in_words(self, *states: str) -> str:
        """Return how many rows are in ``states``, "10,000+" from the cap on."""
        total = sum(self.counts.get(state, 0) for state in states)
        return f"{self.most:,}+" if total >= self.most else f"{total:,}"


def _text(value: str) -> Any:
    return cast(literal(value), String)


def count_of(name: str, model: Any, conditions: Sequence[Any]) -> Any:
    """Return the member of the UNION that counts, up to the cap, under ``name``."""
    capped = select(literal(1).label("one")).select_from(model).where(*conditions).limit(CAP)
    counted = select(func.count()).select_from(capped.subquery()).scalar_subquery()
    return select(_text("count"), _text(name), cast(counted, String))


def grouped_counts(model: Any, state: Any, conditions: Sequence[Any]) -> Any:
    """Return the member that counts by ``state`` at once, for rows that are few already."""
    few = select(cast(state, String).label("state")).select_from(model).where(*conditions)
    rows = few.subquery()
    return select(_text("count"), rows.c.state, cast(func.count(), String)).group_by(rows.c.state)


def list_of(each: Related) -> Any:
    """Return the member with the short list of what a filter can be set to."""
    target = each.target
    title = choice_title(target)
    few = (
        select(
            _text(f"option:{each.name}").label("what"),
            cast(target.id, String).label("key"),
            cast(title, String).label("text"),
        )
        .where(*in_scope(target))
        .order_by(title, target.id)
        .limit(SHORT_LIST + 1)
        .subquery()
    )
    return select(few)


def saved_of(grid: str) -> Any:
    """Return the member with the filters kept on a grid: those of ``person`` and everybody's.

    The statement is shared by all who look at this grid, so the person is given when it is run.
    """
    own = SavedFilter.staff_id == bindparam("person", type_=Integer)
    what = case((SavedFilter.shared, "shared"), else_="kept")
    whose = case((own, "own"), else_="others")
    text = whose.concat("\n").concat(SavedFilter.name).concat("\n").concat(SavedFilter.query)
    return select(cast(what, String), cast(SavedFilter.id, String), cast(text, String)).where(
        SavedFilter.grid == grid, or_(own, SavedFilter.shared)
    )


def read_facts(statement: Any, relations: Sequence[Related], person: int) -> Facts:
    """Run the one statement and sort its rows out; ``False`` when there is nothing to ask.

    person -- the id of the member of staff whose saved filters are shown
    """
    facts = Facts()
    if statement is False:
        return facts
    targets = {each.name: each.target for each in relations}
    for kind, key, text in db.session.execute(statement, {"person": person}):
        what, _, name = kind.partition(":")
        if what == "count":
            facts.counts[key] = int(text)
        elif what == "option":
            facts.options[name].append((key, title_text(targets[name], text, key)))
        elif what == "title":
            facts.titles[name][int(key)] = title_text(targets[name], text, int(key))
        else:
            whose, title, query = text.split("\n", 2)
            facts.saved.append((int(key), what == "shared", whose == "own", title, query))
    return facts
