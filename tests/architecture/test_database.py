"""The database as the migrations make it: as the models say, well named, with a closed log."""

from __future__ import annotations

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from billing.database import transaction
from models import Base, History, db
from tests.support import Factory, all_of

PREFIXES = {
    "PrimaryKeyConstraint": "pk_",
    "UniqueConstraint": "uq_",
    "CheckConstraint": "ck_",
    "ForeignKeyConstraint": "fk_",
}
OURS_ALONE = ("_search", "alembic_version", "sqlite_")


def _named_by_a_model(
    _object: Any, name: str | None, kind: str, _reflected: bool, _to: Any
) -> bool:
    return not (kind in ("table", "index") and any(part in (name or "") for part in OURS_ALONE))


def test_the_migrations_make_what_the_models_say(app: Any) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": _named_by_a_model}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_there_is_one_newest_migration(app: Any) -> None:
    with db.engine.connect() as connection:
        assert len(connection.execute(text("SELECT version_num FROM alembic_version")).all()) == 1


def test_every_collection_has_an_order() -> None:
    relations = [each for mapper in Base.registry.mappers for each in mapper.relationships]
    assert [str(each) for each in relations if each.uselist and not each.order_by] == []


def test_every_constraint_and_index_is_named_by_the_convention() -> None:
    odd = []
    for table in Base.metadata.sorted_tables:
        for constraint in table.constraints:
            prefix = PREFIXES[type(constraint).__name__]
            if not str(constraint.name).startswith(f"{prefix}{table.name}"):
                odd.append((table.name, constraint.name))
        for index in table.indexes:
            expected = ("ix_", "uq_") if index.unique else ("ix_",)
            if not str(index.name).startswith(expected) or table.name not in str(index.name):
                odd.append((table.name, index.name))
    assert odd == []


def test_every_constraint_has_its_name_in_the_database_too(app: Any) -> None:
    database = inspect(db.engine)
    for table, made in Base.metadata.tables.items():
        named: list[Any] = list(database.get_foreign_keys(table))
        # SQLite numbers rows for good only by a key that stands, nameless, in its column.
        if db.engine.dialect.name != "sqlite" or not made.dialect_kwargs.get(
            "sqlite_autoincrement"
        ):
            named.append(database.get_pk_constraint(table))
        named += [*database.get_unique_constraints(table), *database.get_check_constraints(table)]
        assert all(constraint["name"] for constraint in named), table


def test_names_are_short_enough_for_postgresql() -> None:
    names = {
        str(name)
        for table in Base.metadata.sorted_tables
        for name in (*(c.name for c in table.constraints), *(i.name for i in table.indexes))
    }
    assert [name for name in names if len(name) > 63] == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE history SET sentence = 'Nothing happened'",
        "DELETE FROM history",
    ],
)
def test_history_refuses_to_be_changed(app: Any, make: Factory, statement: str) -> None:
    make.invoice()
    before = [(row.id, row.sentence) for row in all_of(History)]
    with pytest.raises(DBAPIError, match="History can only be added to"), transaction() as session:
        session.execute(text(statement))
    assert [(row.id, row.sentence) for row in all_of(History)] == before


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_history_cannot_be_emptied_at_once(app: Any, make: Factory) -> None:
    make.invoice()
    with pytest.raises(DBAPIError, match="History can only be added to"), transaction() as session:
        session.execute(text("TRUNCATE history"))
