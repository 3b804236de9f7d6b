"""Filters by other records: one site, one user, any of several labels.

The address holds ids. What they are called is read once for all of them, before any filter is; an
id that leads nowhere is left out and said, so a filter saved long ago always opens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sqlalchemy import String, cast, literal, select, union_all

from admin.base.columns import choice_title, title_text
from admin.base.filters import MAX_TEXT, OneParam, Reading
from admin.base.scope import at_path, in_scope, read_id, relation
from admin.base.words import Words
from models import db
from models.search import Searchable, matches, search_words

# Whom typed words mean, the newest of them: a filter by more is no filter.
PEOPLE = 200
# Of one filter; more than anybody ticks, and few enough for any address.
MOST = 50


@dataclass(frozen=True)
class RelationFilter(OneParam):
    """One record of another type, by id.

    quiet  -- only through a link, without a field
    lookup -- found while typing, because there are too many for a list; words that are no id
              (typed where there is no JavaScript) find whoever has all of them
    """

    shape: ClassVar[str] = "relation"
    path: str
    target: Any
    lookup: bool = field(default=False, kw_only=True)

    @property
    def listed(self) -> bool:
        """Whether a short list of what can be chosen is wanted."""
        return not self.quiet and not self.lookup

    def ids(self, args: Mapping[str, str]) -> list[int]:
        """Return the ids that an address names."""
        found = read_id(args.get(self.name))
        return [] if found is None else [found]

    def read(self, model: Any, args: Mapping[str, str], words: Words, into: Reading) -> None:
        text = args.get(self.name, "").replace("\0", " ").strip()[:MAX_TEXT]
        if not text:
            return
        record_id = read_id(text)
        if record_id is not None:
            if record_id not in into.titles.get(self.name, {}):
                into.miss(self.label)
                return
            condition = self.condition(model, record_id)
        elif self.lookup and issubclass(self.target, Searchable) and search_words(text):
            condition = self._found_by(model, text)
        else:
            into.refuse(self.label, text)
            return
        into.take(self.name, text, condition)

    def told(self, param: str, value: str, titles: Mapping[int, str], words: Words) -> str:
        return titles.get(read_id(value) or 0, value)

    def condition(self, model: Any, record_id: int) -> Any:
        """Return the condition that a record belongs to the one named."""
        return at_path(model, self.path, lambda column: column == record_id)

    def _found_by(self, model: Any, text: str) -> Any:
        found = matches(self.target, text, db.engine.dialect.name, PEOPLE)
        people = select(self.target.id).where(found, *in_scope(self.target))
        return at_path(model, self.path, lambda column: column.in_(people))


@dataclass(frozen=True)
class LabelFilter(OneParam):
    """Any of several records that this one can have many of: ``?labels=3,7``."""

    shape: ClassVar[str] = "ticks"
    path: str
    target: Any
    listed: ClassVar[bool] = True

    def ids(self, args: Mapping[str, str]) -> list[int]:
        """Return the ids that an address names, as one parameter or as several."""
        found = [read_id(part.strip()) for part in self._text(args).split(",")]
        return sorted({each for each in found if each is not None})[:MOST]

    def read(self, model: Any, args: Mapping[str, str], words: Words, into: Reading) -> None:
        text = self._text(args)
        if not text:
            return
        wanted = self.ids(args)
        there = [each for each in wanted if each in into.titles.get(self.name, {})]
        if not wanted:
            into.refuse(self.label, text)
        elif len(there) < len(wanted):
            into.miss(self.label)
        if there:
            into.take(self.name, ",".join(map(str, there)), self._any_of(model, there))

    def told(self, param: str, value: str, titles: Mapping[int, str], words: Words) -> str:
        return " or ".join(titles.get(int(each), each) for each in value.split(","))

    def _text(self, args: Mapping[str, str]) -> str:
        several = getattr(args, "getlist", None)
        values = several(self.name) if several is not None else [args.get(self.name, "")]
        return ",".join(value for value in values if value)

    def _any_of(self, model: Any, ids: Sequence[int]) -> Any:
        """Return the condition by the table in between alone: its rows are found by index."""
        found = relation(model, self.path)
        assert found is not None
        assert found.secondary is not None
        owner, other = (remote for _local, remote in found.local_remote_pairs)
        return model.id.in_(select(owner).where(other.in_(ids)))


Related = RelationFilter | LabelFilter


Titles = dict[str, dict[int, str]]


def named_ids(filters: Sequence[Any], args: Mapping[str, str]) -> dict[str, list[int]]:
    """Return the ids an address names, by filter."""
    found = {each.name: each.ids(args) for each in filters if isinstance(each, Related)}
    return {name: ids for name, ids in found.items() if ids}


def title_members(filters: Sequence[Any], named: Mapping[str, Sequence[int]]) -> list[Any]:
    """Return the members of a UNION with what the named records are called, as (what, key, text).

    Only what is there and inside the person's sites is found.
    """
    members = []
    for each in filters:
        if each.name in named:
            what = cast(literal(f"title:{each.name}"), String)
            key = cast(each.target.id, String)
            title = cast(choice_title(each.target), String)
            rows = select(what, key, title)
            ids = named[each.name]
            members.append(rows.where(each.target.id.in_(ids), *in_scope(each.target)))
    return members


def titles_of(filters: Sequence[Any], args: Mapping[str, str]) -> Titles:
    """Return what the records named in an address are called, in one statement (none without)."""
    named = named_ids(filters, args)
    titles: Titles = {name: {} for name in named}
    members = title_members(filters, named)
    if members:
        targets = {each.name: each.target for each in filters if isinstance(each, Related)}
        for what, key, text in db.session.execute(union_all(*members)):
            name = what.partition(":")[2]
            titles[name][int(key)] = title_text(targets[name], text, int(key))
    return titles
