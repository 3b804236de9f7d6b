"""What stands around the rows of a grid, all in one statement: counts, names, short lists.

Counts are exact up to a cap: counting a million paid invoices to say "many" costs more than the
page. Each member of the UNION reads at most ``CAP`` entries of an index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import String, cast, func, literal, select

from admin.base.columns import title_name, title_text
from admin.base.filters import RelationFilter
from admin.base.scope import in_scope
from models import db

CAP = 10_000
SHORT_LIST = 200


@dataclass
class Facts:
    """counts: rows by state, ``most`` meaning that or more; names and options by filter name."""

    most: int = CAP
    counts: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
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


def grouped_counts(model: Any, attribute: str, conditions: Sequence[Any]) -> Any:
    """Return the member that counts by state at once, for rows that are few already."""
    column = getattr(model, attribute)
    return (
        select(_text("count"), cast(column, String), cast(func.count(), String))
        .select_from(model)
        .where(*conditions)
        .group_by(column)
    )


def relation_members(each: RelationFilter, chosen: str | None) -> list[Any]:
    """Return the members for a relation's filter: its short list, the name of the chosen."""
    target = each.target
    title = getattr(target, title_name(target))
    shown = cast(title, String)
    key = cast(target.id, String)
    members = []
    if not each.quiet:
        few = (
            select(
                _text(f"option:{each.name}").label("what"), key.label("key"), shown.label("text")
            )
            .where(*in_scope(target))
            .order_by(title, target.id)
            .limit(SHORT_LIST + 1)
            .subquery()
        )
        members.append(select(few))
    if chosen is not None:
        members.append(
            select(_text(f"chosen:{each.name}"), key, shown).where(
                target.id == int(chosen), *in_scope(target)
            )
        )
    return members


def read_facts(statement: Any, relations: Sequence[RelationFilter]) -> Facts:
    """Run the one statement and sort its rows out; ``False`` when there is nothing to ask."""
    facts = Facts()
    if statement is False:
        return facts
    targets = {each.name: each.target for each in relations}
    for kind, key, text in db.session.execute(statement):
        what, _, name = kind.partition(":")
        if what == "count":
            facts.counts[key] = int(text)
        elif what == "option":
            facts.options[name].append((key, title_text(targets[name], text, key)))
        else:
            facts.names[name] = title_text(targets[name], text, key)
    return facts
