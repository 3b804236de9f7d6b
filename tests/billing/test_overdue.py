"""Overdue: turns at the office's own midnight, is one predicate everywhere, and is marked once."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm.attributes import set_committed_value

from billing import clock, in_person, invoicing, overdue
from billing.database import reading, transaction
from billing.redraft import set_back_to_draft
from billing.settings import change_settings
from models import History, Invoice, Settings
from models.states import InvoiceState, OverdueBasis, Tender
from tests.billing.helpers import pay, rows_of, together
from tests.support import STAFF, Factory, fetch

ZONES = [
    "Etc/GMT+12",  # UTC−12
    "America/St_Johns",  # −3:30
    "UTC",
    "Asia/Kathmandu",  # +5:45
    "Pacific/Kiritimati",  # +14
]
DUE = dt.date(2027, 6, 10)
MINUTE = dt.timedelta(minutes=1)


def overdue_now(invoice: int) -> bool:
    """Ask both ways; they must agree."""
    with reading() as session:
        today = clock.today(session.get_one(Settings, 1).timezone)
        in_python = overdue.is_overdue(session.get_one(Invoice, invoice), today)
        found = session.scalar(
            select(Invoice.id).where(Invoice.id == invoice, overdue.overdue_condition(today))
        )
    assert in_python == (found is not None)
    return in_python


def due_invoice(make: Factory, due_on: dt.date = DUE, **more: Any) -> int:
    return make.invoice(due_on=due_on, **more)


def midnight_after(day: dt.date, zone: str) -> dt.datetime:
    local = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), ZoneInfo(zone))
    return local.astimezone(dt.UTC)


def mark() -> list[History]:
    overdue.mark_overdue()
    return rows_of(History, History.verb == "overdue")


def test_it_turns_at_the_offices_midnight_and_not_a_minute_before(
    app: Any, make: Factory, time: Any
) -> None:
    for zone in ZONES:
        make.settings(timezone=zone, overdue_age=0)
        time.set(dt.datetime(2027, 6, 1, tzinfo=dt.UTC))
        invoice = due_invoice(make)
        turns = midnight_after(DUE, zone)
        time.set(turns - MINUTE)
        assert not overdue_now(invoice), zone
        time.set(turns + MINUTE)
        assert overdue_now(invoice), zone


@pytest.mark.parametrize(
    "day", [dt.date(2027, 3, 13), dt.date(2027, 11, 6)], ids=["spring", "autumn"]
)
def test_a_change_of_the_clocks_moves_it_with_the_local_day(
    app: Any, make: Factory, time: Any, day: dt.date
) -> None:
    zone = "America/Chicago"
    make.settings(timezone=zone, overdue_age=0)
    for due in (day, day + dt.timedelta(days=1)):
        time.set(dt.datetime(2027, 2, 1, tzinfo=dt.UTC))
        invoice = due_invoice(make, due)
        turns = midnight_after(due, zone)
        time.set(turns - MINUTE)
        assert not overdue_now(invoice)
        time.set(turns + MINUTE)
        assert overdue_now(invoice)


def test_the_age_is_added(app: Any, make: Factory, time: Any) -> None:
    make.settings(overdue_age=14)
    invoice = due_invoice(make)
    assert fetch(Invoice, invoice).overdue_on == DUE + dt.timedelta(days=15)


def test_without_an_age_nothing_is_ever_overdue(app: Any, make: Factory, time: Any) -> None:
    invoice = due_invoice(make)
    time.set(dt.datetime(2037, 1, 1, tzinfo=dt.UTC))
    assert fetch(Invoice, invoice).overdue_on is None
    assert not overdue_now(invoice)
    assert mark() == []


@pytest.mark.parametrize(
    ("basis", "days"), [(OverdueBasis.ISSUED, 5), (OverdueBasis.INVOICE_DATE, 1)]
)
def test_without_a_due_date_it_counts_from_the_issue_or_the_invoice_date(
    app: Any, make: Factory, time: Any, basis: OverdueBasis, days: int
) -> None:
    make.settings(overdue_age=0, overdue_basis=basis)
    invoice = make.invoice()
    first = fetch(Invoice, invoice).issued_on
    time.advance(days=4)
    issue_again(invoice)
    assert fetch(Invoice, invoice).overdue_on == first + dt.timedelta(days=days)


def issue_again(invoice: int) -> None:
    set_back_to_draft(invoice, reason="Another amount", actor=STAFF)
    invoicing.send_invoice(invoice, actor=STAFF)


def test_only_sent_and_failed_are_overdue_from_their_day_on() -> None:
    dates = [None, DUE - dt.timedelta(days=1), DUE, DUE + dt.timedelta(days=1)]
    for state, day in itertools.product(InvoiceState, dates):
        row = Invoice(overdue_on=day)
        set_committed_value(row, "state", state)
        expected = state in ("sent", "failed") and day is not None and day <= DUE
        assert overdue.is_overdue(row, DUE) is expected


def test_predicate_and_condition_agree_on_every_row(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    make.settings(overdue_age=0)
    time.set(dt.datetime(2027, 6, 8, 12, tzinfo=dt.UTC))
    for days, state in itertools.product((0, 1, 2), ("draft", "sent", "paid")):
        day = DUE + dt.timedelta(days=days)
        invoice = due_invoice(make, day, state="draft" if state == "draft" else "sent")
        if state == "paid":
            in_person.process_manual(
                invoice, in_person.Manual(Tender.CASH, 2000), shown_balance=2000, actor=STAFF
            )
    for days in range(-1, 4):
        today = DUE + dt.timedelta(days=days)
        with reading() as session:
            found = set(session.scalars(select(Invoice.id).where(overdue.overdue_condition(today))))
        expected = {row.id for row in rows_of(Invoice) if overdue.is_overdue(row, today)}
        assert found == expected
        assert len(found) == max(0, min(3, days))


def test_marking_writes_one_row_and_the_moment(app: Any, make: Factory, time: Any) -> None:
    make.settings(overdue_age=0)
    invoice, _later = due_invoice(make), due_invoice(make, DUE + dt.timedelta(days=9))
    time.set(midnight_after(DUE, "UTC") + MINUTE)
    [row] = mark()
    assert (row.record, row.record_id, row.to_state) == ("invoice", invoice, "sent")
    assert fetch(Invoice, invoice).overdue_marked_at is not None
    assert len(mark()) == 1


def test_markers_at_the_same_time_mark_each_invoice_once(
    app: Any, make: Factory, time: Any
) -> None:
    make.settings(overdue_age=0)
    invoices = [due_invoice(make) for _ in range(5)]
    time.set(midnight_after(DUE, "UTC") + MINUTE)
    marked = together(app, [overdue.mark_overdue] * 6)
    assert sum(marked) == 5
    rows = rows_of(History, History.verb == "overdue")
    assert sorted(row.record_id for row in rows) == invoices


def test_a_part_does_not_clear_it(app: Any, make: Factory, time: Any) -> None:
    make.settings(overdue_age=0)
    invoice = due_invoice(make)
    time.set(midnight_after(DUE, "UTC") + MINUTE)
    mark()
    manual = in_person.Manual(Tender.CASH, 500)
    in_person.process_manual(invoice, manual, shown_balance=2000, actor=STAFF)
    assert overdue_now(invoice)
    assert len(mark()) == 1


@pytest.mark.parametrize("way", ["paid", "draft", "deleted"])
def test_paying_redrafting_and_deleting_clear_it(
    app: Any, make: Factory, sandbox: Any, time: Any, way: str
) -> None:
    make.settings(overdue_age=0)
    invoice = due_invoice(make)
    time.set(midnight_after(DUE, "UTC") + MINUTE)
    mark()
    if way == "paid":
        pay(invoice)
    else:
        set_back_to_draft(invoice, reason="Mistake", actor=STAFF)
        if way == "deleted":
            invoicing.delete_invoice(invoice, actor=STAFF)
    assert not overdue_now(invoice)
    assert fetch(Invoice, invoice).overdue_marked_at is None


def test_sending_it_again_gives_nobody_more_time(app: Any, make: Factory, time: Any) -> None:
    make.settings(overdue_age=0)
    invoice = make.invoice()
    before = fetch(Invoice, invoice).overdue_on
    time.advance(days=2)
    mark()
    invoicing.send_invoice(invoice, actor=STAFF)
    assert overdue_now(invoice)
    assert fetch(Invoice, invoice).overdue_on == before
    assert len(mark()) == 1


def test_one_that_is_due_later_after_being_issued_again_is_marked_again(
    app: Any, make: Factory, time: Any
) -> None:
    make.settings(overdue_age=0)
    invoice = make.invoice()
    time.advance(days=2)
    assert len(mark()) == 1
    issue_again(invoice)
    assert not overdue_now(invoice)
    time.advance(days=2)
    assert len(mark()) == 2


def test_changed_settings_redate_what_is_owed(app: Any, make: Factory, time: Any) -> None:
    make.settings(overdue_age=0)
    due, plain, draft = due_invoice(make), make.invoice(), make.invoice(state="draft")
    changed = change_settings({"overdue_age": 7}, STAFF)
    assert changed.redated == 2
    assert fetch(Invoice, due).overdue_on == DUE + dt.timedelta(days=8)
    issued = fetch(Invoice, plain).issued_on
    assert fetch(Invoice, plain).overdue_on == issued + dt.timedelta(days=8)
    assert fetch(Invoice, draft).overdue_on is None


def test_redating_in_sql_and_in_python_agree(app: Any, make: Factory, time: Any) -> None:
    invoices = [due_invoice(make), make.invoice()]
    time.advance(days=3)
    issue_again(invoices[1])
    for age, basis in itertools.product((None, 0, 30), OverdueBasis):
        make.settings(overdue_age=age, overdue_basis=basis)
        with transaction() as session:
            settings = session.get_one(Settings, 1)
            overdue.recompute(session, settings)
            expected = [
                overdue.overdue_on(session.get_one(Invoice, number), settings)
                for number in invoices
            ]
        assert [fetch(Invoice, number).overdue_on for number in invoices] == expected


def test_an_age_that_makes_it_young_again_marks_it_again_later(
    app: Any, make: Factory, time: Any
) -> None:
    make.settings(overdue_age=0)
    invoice = make.invoice()
    time.advance(days=2)
    mark()
    change_settings({"overdue_age": 5}, STAFF)
    assert fetch(Invoice, invoice).overdue_marked_at is None
    time.advance(days=5)
    assert len(mark()) == 2
