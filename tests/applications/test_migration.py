"""The migration that brings fee rules and notes keeps what an office has already."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import inspect, text

from config import Config
from models import Application, Base, FormFee, Note, db
from tests.conftest import _database, _execute
from tests.support import all_of
from wsgi import MIGRATIONS, create_app

BEFORE = """
INSERT INTO users (name, no_email, phone, street, city, region, postal_code, country,
    billing_method, billing_trigger, created_at)
  VALUES ('Maria', false, '', '', '', '', '', '', 'gateway', 'default', '2026-01-02 03:04:05');
INSERT INTO forms (name, description, active) VALUES ('Dog park', '', true);
INSERT INTO form_fees (form_id, label, applies_to, amount) VALUES
  (1, 'A', 'Residents', 1000), (1, 'B', 'Non-residents', 3000), (1, 'C', '', 500);
INSERT INTO billables (kind, label) VALUES ('application', 'A-1'), ('application', 'A-2');
INSERT INTO applications (reference, user_id, form_id, billable_id, state, answers, fees_total,
    reason, notes, search_text, submitted_at)
  VALUES
  ('A-1', 1, 1, 1, 'approved', '{}', 2000, '', 'Called twice', 'a 1', '2026-01-02 03:04:05'),
  ('A-2', 1, 1, 2, 'draft', '{}', 0, '', '', 'a 2', NULL);
INSERT INTO invoices (user_id, billable_id, state, currency, description, total, allocated,
    credited, link_version, silent, created_at)
  VALUES (1, 1, 'draft', 'USD', 'Fees', 2000, 0, 500, 1, false, '2026-01-02 03:04:05');
INSERT INTO credits (invoice_id, amount, reason, given_at)
  VALUES (1, 500, 'Goodwill', '2026-01-02 03:04:05');
"""


@pytest.fixture
def old_office(
    base_config: Config, dialect: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Flask]:
    """An application on a database as the first migration and some work left it."""
    if dialect == "sqlite":
        url = f"sqlite:///{tmp_path / 'old.sqlite3'}"
    else:
        server: str = request.getfixturevalue("postgresql_server")
        _execute(server, "CREATE DATABASE old_office")
        url = _database(server, "old_office")
    app = create_app(dataclasses.replace(base_config, database_url=url))
    with app.app_context():
        upgrade(directory=str(MIGRATIONS), revision="0001")
        with db.engine.begin() as connection:
            for statement in filter(str.strip, BEFORE.split(";\n")):
                connection.exec_driver_sql(statement)
        yield app
        db.session.remove()
        db.engine.dispose()
    if dialect == "postgresql":
        _execute(server, "DROP DATABASE old_office WITH (FORCE)")


def test_what_an_office_has_already_is_kept(old_office: Flask, dialect: str) -> None:
    upgrade(directory=str(MIGRATIONS))
    assert [(fee.rule, fee.per_item, fee.amount) for fee in all_of(FormFee)] == [
        ("resident", False, 1000),
        ("non_resident", False, 3000),
        ("everyone", False, 500),
    ]
    [note] = all_of(Note)
    assert (note.record, note.record_id, note.text) == ("application", 1, "Called twice")
    assert note.at.year == 2026
    first, _draft = all_of(Application)
    assert (first.link_version, first.invoiced, first.outstanding_balance) == (1, 2000, 1500)
    with db.engine.connect() as connection:
        assert connection.scalar(text("SELECT application_id FROM credits")) is None


def test_searching_still_finds_what_changes_afterwards(old_office: Flask, dialect: str) -> None:
    from models.search import matches

    upgrade(directory=str(MIGRATIONS))
    found = db.session.scalars(db.select(Application).where(matches(Application, "a-1", dialect)))
    application = found.one()
    application.reference = "Renamed"
    db.session.commit()
    again = db.select(Application).where(matches(Application, "renamed", dialect))
    assert db.session.scalars(again).one().id == application.id


def test_the_database_refuses_a_rule_there_is_not(old_office: Flask, dialect: str) -> None:
    upgrade(directory=str(MIGRATIONS))
    checks = inspect(db.engine).get_check_constraints("form_fees")
    assert "ck_form_fees_rule" in {check["name"] for check in checks}


def test_tables_and_migrations_say_the_same(old_office: Flask, dialect: str) -> None:
    upgrade(directory=str(MIGRATIONS))

    def ours(_thing: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
        return not (kind in ("table", "index") and name is not None and "_search" in name)

    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": ours, "compare_type": True}
        )
        differences = [
            difference
            for difference in compare_metadata(context, Base.metadata)
            if "alembic_version" not in str(difference)
        ]
    assert differences == []
