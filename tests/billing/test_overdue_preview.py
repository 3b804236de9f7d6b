"""What other settings would do to unpaid invoices: counted, and the same as what saving does."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import func, select

from billing import clock
from billing.database import reading, transaction
from billing.errors import Refusal
from billing.overdue import Effect, overdue_condition
from billing.settings import change_settings, preview_settings
from models import History, Invoice, Settings
from models.states import InvoiceState
from tests.support import STAFF, Clock, Factory, all_of

NOW = dt.datetime(2026, 3, 10, 12, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def noon(make: Factory, time: Clock) -> None:
    time.set(NOW)
    make.settings(timezone="UTC", overdue_age=7, overdue_basis="issued")


def day(offset: int) -> dt.date:
    return NOW.date() + dt.timedelta(days=offset)


def preview(**values: Any) -> Effect:
    with reading() as session:
        return preview_settings(session, values)


def overdue() -> set[int]:
    with reading() as session:
        zone = session.get_one(Settings, 1).timezone
        return set(session.scalars(select(Invoice.id).where(overdue_condition(clock.today(zone)))))


def dates() -> dict[int, dt.date | None]:
    return {each.id: each.overdue_on for each in all_of(Invoice)}


def agrees(**values: Any) -> Effect:
    """Check that what was announced is what then happens, and return it."""
    told = preview(**values)
    late, dated = overdue(), dates()
    assert (overdue(), dates()) == (late, dated)
    change_settings(values, STAFF)
    now = overdue()
    changed = sum(1 for key, date in dates().items() if date != dated[key])
    assert told == Effect(len(now - late), len(late - now), changed)
    return told


def office(make: Factory) -> None:
    for offset in (-30, -9, -8, -7, -3, 0, 4):
        make.invoice(due_on=day(offset))
    make.invoice()
    make.invoice(due_on=day(-30), state="draft")


def test_a_shorter_age_makes_more_overdue(make: Factory) -> None:
    office(make)
    assert agrees(overdue_age="2") == Effect(newly=2, no_longer=0, redated=8)


def test_a_longer_age_makes_fewer_overdue(make: Factory) -> None:
    office(make)
    assert agrees(overdue_age="20") == Effect(newly=0, no_longer=2, redated=8)


def test_no_age_makes_nothing_overdue_and_back(make: Factory) -> None:
    office(make)
    assert agrees(overdue_age="") == Effect(newly=0, no_longer=3, redated=8)
    assert agrees(overdue_age="7") == Effect(newly=3, no_longer=0, redated=8)


def test_the_basis_matters_only_without_a_due_date(make: Factory, time: Clock) -> None:
    office(make)
    resent = make.invoice()
    with transaction() as session:
        invoice = session.get_one(Invoice, resent)
        invoice.issued_on, invoice.sent_on = day(-20), day(-1)
        invoice.overdue_on = day(7)
    assert agrees(overdue_basis="invoice_date") == Effect(newly=1, no_longer=0, redated=1)


def test_another_zone_is_another_today(make: Factory, time: Clock) -> None:
    make.invoice(due_on=day(-7))
    make.invoice(due_on=day(-8))
    assert agrees(timezone="Pacific/Kiritimati") == Effect(newly=1, no_longer=0, redated=0)
    assert agrees(timezone="Pacific/Pago_Pago") == Effect(newly=0, no_longer=1, redated=0)


def test_paid_drafts_and_pending_count_nowhere_but_pending_gets_its_date(make: Factory) -> None:
    late = make.invoice(due_on=day(-30))
    with transaction() as session:
        session.get_one(Invoice, late).state = InvoiceState.PENDING
    assert preview(overdue_age="2") == Effect(newly=0, no_longer=0, redated=1)


def test_nothing_to_say_is_false(make: Factory) -> None:
    office(make)
    for values in ({}, {"overdue_age": "7"}, {"organisation": "Other"}, {"timezone": "UTC"}):
        assert not preview(**values), values
    with reading() as session:
        before = session.scalar(select(func.count(History.id)))
    preview(overdue_age="2")
    assert len(all_of(History)) == before
    assert all_of(Settings)[0].overdue_age == 7


@pytest.mark.parametrize("typed", ["-1", "10000", "10,000", "3651", "soon"])
def test_an_age_that_can_not_be_is_refused(make: Factory, typed: str) -> None:
    for verb in (
        lambda: preview(overdue_age=typed),
        lambda: change_settings({"overdue_age": typed}, STAFF),
    ):
        with pytest.raises(Refusal, match="whole days from 0 to 3,650"):
            verb()
