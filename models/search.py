"""Word-prefix search that gives the same rows on PostgreSQL and SQLite.

Each searchable table has one column, ``search_text``: its searchable values as plain lower-case
words without accents, kept by the mapper on every save. PostgreSQL indexes it with ``tsvector``
(GIN), SQLite with FTS5; both are core features, no extension is needed. The indexes are made by
the migration, because neither can be declared portably.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, event, func, literal_column, select, text
from sqlalchemy.orm import Mapped, Mapper, mapped_column

MAX_WORDS = 8


def search_words(value: str) -> list[str]:
    """Return the words of ``value`` as they are indexed: folded, lower case, letters and digits."""
    folded = unicodedata.normalize("NFKD", value)
    plain = "".join(char for char in folded if not unicodedata.combining(char))
    return re.findall(r"\w+", plain.casefold().replace("_", " "))


class Searchable:
    """Mixin of a table that staff can search. ``__search__`` names the attributes it indexes."""

    __search__: tuple[str, ...] = ()
    __tablename__: str

    search_text: Mapped[str] = mapped_column(Text, default="", server_default="")

    def searchable_text(self) -> str:
        values = (getattr(self, name) for name in self.__search__)
        return " ".join(search_words(" ".join(str(value) for value in values if value is not None)))


@event.listens_for(Searchable, "before_insert", propagate=True)
@event.listens_for(Searchable, "before_update", propagate=True)
def _keep_search_text(_mapper: Mapper[Any], _connection: Any, target: Searchable) -> None:
    target.search_text = target.searchable_text()


def matches(model: Any, query: str, dialect: str, limit: int = 1000) -> ColumnElement[bool]:
    """Return the condition that ``model`` has every word of ``query`` as a word's beginning.

    model   -- a ``Searchable`` class
    query   -- what a person typed; anything is safe, only its words count
    dialect -- "postgresql" or "sqlite"
    limit   -- rows considered at most, newest first: a search narrows, it does not list

    An index finds the candidates before anything is joined, so the cost does not grow with the
    table. A query without a single word matches nothing.
    """
    words = search_words(query)[:MAX_WORDS]
    table = model.__tablename__
    if not words:
        return literal_column("1 = 0")
    if dialect == "postgresql":
        document = func.to_tsvector(literal_column("'simple'"), model.search_text)
        wanted = func.to_tsquery(
            literal_column("'simple'"), " & ".join(f"{word}:*" for word in words)
        )
        found = select(model.id).where(document.op("@@")(wanted))
        # "+ 0" keeps the planner from walking the primary key backwards in the hope of matches,
        # which reads (and parses) the whole table for a rare word.
        found = found.order_by((model.id + 0).desc())
        return model.id.in_(found.limit(limit))  # type: ignore[no-any-return]
    phrase = " ".join(f'"{word}"*' for word in words)
    rows = text(
        f"SELECT rowid FROM {table}_search WHERE {table}_search MATCH :phrase "  # noqa: S608
        "ORDER BY rowid DESC LIMIT :most"
    ).bindparams(bindparam("phrase", phrase, unique=True), bindparam("most", limit, unique=True))
    return model.id.in_(rows.columns(model.id))  # type: ignore[no-any-return]


def index_ddl(table: str, dialect: str) -> list[str]:
    """Return the statements that index ``table.search_text`` on ``dialect`` (for migrations)."""
    if dialect == "postgresql":
        return [
            f"CREATE INDEX ix_{table}_search ON {table} "
            "USING gin (to_tsvector('simple', search_text))"
        ]
    name = f"{table}_search"
    # Table names come from migrations, never from people.
    row = f"INSERT INTO {name}(rowid, search_text) VALUES (new.id, new.search_text);"  # noqa: S608
    gone = (
        f"INSERT INTO {name}({name}, rowid, search_text) "  # noqa: S608
        "VALUES ('delete', old.id, old.search_text);"
    )
    return [
        f"CREATE VIRTUAL TABLE {name} USING fts5(search_text, content='{table}', "
        "content_rowid='id', tokenize='unicode61 remove_diacritics 0', prefix='2 3')",
        f"CREATE TRIGGER {name}_ai AFTER INSERT ON {table} BEGIN {row} END",
        f"CREATE TRIGGER {name}_ad AFTER DELETE ON {table} BEGIN {gone} END",
        f"CREATE TRIGGER {name}_au AFTER UPDATE OF search_text ON {table} BEGIN {gone} {row} END",
    ]
