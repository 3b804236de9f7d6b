"""The heart's transactions: never nested, no network inside, nothing asked before the commit."""

from __future__ import annotations

import dataclasses
import datetime as dt
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, text

from billing import charging, runtime
from billing.database import later, lock, reading, transaction
from billing.errors import NotFound
from models import Invoice, Settings, Site, User, UtcDateTime, db
from tests.billing.helpers import charge, keep, only_refusals, pay, rows_of, together
from tests.support import Factory, fetch


@pytest.fixture
def asked(app: Any) -> list[tuple[str, list[int]]]:
    """What was asked for later, in order."""
    requests: list[tuple[str, list[int]]] = []

    def enqueue(name: str, ids: list[int]) -> None:
        requests.append((name, ids))

    runtime.bind(dataclasses.replace(runtime.current(), enqueue=enqueue))
    return requests


def test_verbs_do_not_nest(app: Any) -> None:
    with transaction(), pytest.raises(RuntimeError, match="do not nest"), transaction():
        raise AssertionError("unreachable")


def test_the_gateway_is_not_called_inside_a_verb(app: Any, sandbox: Any) -> None:
    with transaction(), pytest.raises(RuntimeError, match="inside a database transaction"):
        runtime.current().gateway.client_token()


def test_the_gateway_is_not_called_while_a_page_is_reading(app: Any, sandbox: Any) -> None:
    db.session.get(Settings, 1)
    with pytest.raises(RuntimeError, match="inside a database transaction"):
        runtime.current().gateway.client_token()
    assert charging.card_form_token()


def test_what_is_asked_for_is_asked_after_the_commit(
    app: Any, make: Factory, asked: list[Any]
) -> None:
    with transaction() as session:
        later(session, "emails.deliver", [1])
        assert asked == []
    assert asked == [("emails.deliver", [1])]


def test_what_is_rolled_back_is_never_asked_for(app: Any, asked: list[Any]) -> None:
    def fail() -> None:
        with transaction() as session:
            later(session, "emails.deliver", [1])
            session.add(Site(name="Nowhere"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert asked == []
    assert rows_of(Site) == []


def test_an_email_is_asked_for_with_the_invoice_that_it_announces(
    app: Any, make: Factory, asked: list[Any]
) -> None:
    make.invoice()
    assert [name for name, _ids in asked] == ["emails.deliver"]


def test_a_record_that_is_not_there_is_not_found(app: Any) -> None:
    with transaction() as session, pytest.raises(NotFound) as caught:
        lock(session, Invoice, 4711)
    assert caught.value.sentence == "There is no such invoice."


def test_those_who_read_first_and_write_then_lose_nothing(app: Any, make: Factory) -> None:
    site = make.site("0")

    def count() -> None:
        for _ in range(5):
            with transaction() as session:
                row = lock(session, Site, site)
                row.name = str(int(row.name) + 1)

    assert together(app, [count] * 8) == [None] * 8
    assert fetch(Site, site).name == "40"


def test_a_page_reads_anew_what_a_verb_changed(app: Any, make: Factory) -> None:
    site = make.site("Old")
    row = db.session.get(Site, site)
    assert row is not None
    with transaction() as session:
        lock(session, Site, site).name = "New"
    assert row.name == "New"


def test_a_view_that_changes_a_record_itself_is_told_so(app: Any, make: Factory) -> None:
    site = make.site("Old")
    row = db.session.get(Site, site)
    assert row is not None
    row.name = "Changed by a view"
    with pytest.raises(RuntimeError, match="only verbs may"), transaction():
        raise AssertionError("unreachable")
    db.session.rollback()


def test_points_in_time_are_aware_utc_on_both_databases(app: Any, make: Factory) -> None:
    moment = dt.datetime(2027, 3, 1, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-6)))
    user = make.user(created_at=moment)
    with reading() as session:
        kept = session.get_one(User, user).created_at
    assert kept == moment
    assert kept.utcoffset() == dt.timedelta(0)


def test_a_time_without_a_zone_is_refused(app: Any) -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        UtcDateTime().process_bind_param(dt.datetime(2027, 3, 1), db.engine.dialect)  # noqa: DTZ001


def test_payments_and_charges_in_any_order_never_wait_for_each_other(
    app: Any, make: Factory, sandbox: Any
) -> None:
    user = make.user()
    keep(user)
    invoices = [make.invoice(user) for _ in range(4)]
    sandbox.control("settings", {"duplicate_checking": False})
    verbs = [partial(verb, i) for i in invoices for verb in (pay, charge, pay, charge)]
    only_refusals(together(app, verbs))
    assert [fetch(Invoice, invoice).state for invoice in invoices] == ["paid"] * 4


def test_a_statement_is_planned_with_its_values_each_time(app: Any) -> None:
    """A plan made once, without them, counts a rare state as slowly as a common one."""
    if db.engine.dialect.name == "sqlite":
        assert "prepare_threshold" not in str(app.config["SQLALCHEMY_ENGINE_OPTIONS"])
        return
    with db.engine.connect() as connection:
        for _ in range(12):
            connection.execute(select(Invoice.id).where(Invoice.state == "draft")).all()
        kept = connection.execute(text("SELECT name FROM pg_prepared_statements")).all()
    assert kept == []
