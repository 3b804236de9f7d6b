"""Settings that take the flag off an invoice say so in its history."""

from __future__ import annotations

import datetime as dt
from typing import Any

from billing import clock
from billing.settings import change_settings
from models import History, Invoice
from tests.billing.helpers import rows_of
from tests.billing.test_overdue import DUE, MINUTE, due_invoice, mark, midnight_after, overdue_now
from tests.support import STAFF, Factory, fetch


def told(*invoices: int) -> list[list[str]]:
    """What the history of each says about being overdue, the oldest first."""
    rows = rows_of(History, History.record == "invoice", History.verb.like("%overdue"))
    return [[row.sentence for row in rows if row.record_id == each] for each in invoices]


def test_an_age_that_takes_a_flag_off_says_so_in_the_history(
    app: Any, make: Factory, time: Any
) -> None:
    make.settings(overdue_age=7)
    gone, young = make.invoice(), make.invoice(due_on=DUE + dt.timedelta(days=3650))
    staying = make.invoice(due_on=clock.now().date() - dt.timedelta(days=60))
    time.advance(days=12)
    mark()
    change_settings({"overdue_age": 30}, STAFF)
    went = "No longer overdue: the overdue age was changed"
    assert told(gone, young, staying) == [["Became overdue", went], [], ["Became overdue"]]
    [row] = rows_of(History, History.verb == "not_overdue")
    assert (row.actor_name, row.user_id) == (STAFF.name, fetch(Invoice, gone).user_id)
    change_settings({"overdue_age": 3}, STAFF)
    mark()
    assert told(gone) == [["Became overdue", went, "Became overdue"]]
    change_settings({"overdue_age": ""}, STAFF)
    assert told(gone, staying) == [
        ["Became overdue", went, "Became overdue", went],
        ["Became overdue", went],
    ]


def test_another_time_zone_takes_a_flag_off_and_says_so(app: Any, make: Factory, time: Any) -> None:
    make.settings(overdue_age=0, timezone="Pacific/Kiritimati")
    invoice = due_invoice(make)
    time.set(midnight_after(DUE, "Pacific/Kiritimati") + MINUTE)
    assert len(mark()) == 1
    change_settings({"timezone": "UTC"}, STAFF)
    assert not overdue_now(invoice)
    assert told(invoice)[0][1:] == ["No longer overdue: the office's time zone was changed"]
    time.set(midnight_after(DUE, "UTC") + MINUTE)
    assert len(mark()) == 2
