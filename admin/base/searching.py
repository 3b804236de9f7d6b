"""The search of a grid: by the record's own words and by those of the people it belongs to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, or_, select, union

from admin.base.inferring import searched_relations
from admin.base.scope import key_column, relation
from models import db
from models.search import MAX_WORDS, Searchable, matches, search_words

MAX_QUERY = 200
# A search narrows, it does not list: a grid shows the newest finds, and says when there are more.
FINDS = 1_000
# An export holds all of them.
ALL_FINDS = 10**9


def can_search(model: Any) -> bool:
    """Whether records of ``model`` can be found by words at all."""
    return issubclass(model, Searchable) or bool(searched_relations(model))


def clean(text: str) -> str:
    """Return what a person typed without what no search can use."""
    return text.replace("\0", " ").strip()[:MAX_QUERY]


def has_words(query: str) -> bool:
    return bool(search_words(query))


def looked_up(model: Any, query: str) -> Any:
    """Return the condition that every word typed into a look-up field names a record of ``model``.

    A word may also be of what is said beside its title, so "a-01 mill" finds the unit there.
    """
    dialect = db.engine.dialect.name
    found = relation(model, model.__panel__.beside)
    if found is None or not has_words(query):
        return matches(model, query, dialect)
    target, key = found.mapper.class_, key_column(model, found.key)

    def meant(word: str) -> Any:
        there = select(target.id).where(matches(target, word, dialect, ALL_FINDS))
        return or_(matches(model, word, dialect, ALL_FINDS), key.in_(there))

    return and_(*(meant(word) for word in search_words(query)[:MAX_WORDS]))


def found_by(model: Any, query: str, limit: int = FINDS) -> Any:
    """Return the condition that a record of ``model`` is among the newest ``limit`` finds.

    Candidates come from the indexes first, so the cost follows the number of finds and not the
    size of the table: an OR over a join would read everything. The limit also tells PostgreSQL
    that they are few, so it looks them up by key instead of reading the table past them.
    """
    dialect = db.engine.dialect.name
    sources = []
    if issubclass(model, Searchable):
        sources.append(select(model.id).where(matches(model, query, dialect, limit)))
    for name in searched_relations(model):
        found = relation(model, name)
        assert found is not None
        target = found.mapper.class_
        people = select(target.id).where(matches(target, query, dialect, limit))
        sources.append(select(model.id).where(key_column(model, name).in_(people)))
    if len(sources) == 1:
        return model.id.in_(sources[0])
    finds = union(*sources).subquery()
    key = finds.c[0]
    return model.id.in_(select(key).order_by((key + 0).desc()).limit(limit))
