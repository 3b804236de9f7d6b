"""Statements over many invoices lock them as everybody does: in the order of their ids."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest

from billing import overdue
from billing.database import lock, transaction
from billing.settings import change_settings
from models import Invoice
from tests.billing.conftest import POSTGRESQL
from tests.billing.helpers import together, wait_for_lock
from tests.support import STAFF, Factory, fetch

LONG_AGO = dt.date(2020, 1, 1)


def stored_backwards(make: Factory) -> list[int]:
    """Two invoices that are overdue; a scan of the table comes upon the second one first."""
    user = make.user()
    invoices = [make.invoice(user), make.invoice(user)]
    with transaction() as session:
        for number in reversed(invoices):
            lock(session, Invoice, number).overdue_on = LONG_AGO
            session.flush()
    return invoices


def unmark() -> Any:
    return change_settings({"overdue_age": ""}, STAFF)


@POSTGRESQL
@pytest.mark.parametrize("change", [overdue.mark_overdue, unmark])
def test_somebody_who_pays_both_is_not_in_each_others_way(
    app: Any, make: Factory, time: Any, change: Callable[[], Any]
) -> None:
    make.settings(overdue_age=0)
    first, second = stored_backwards(make)
    if change is unmark:
        assert overdue.mark_overdue() == 2
    locked = threading.Event()

    def payer() -> str:
        with transaction() as session:
            lock(session, Invoice, first)
            locked.set()
            wait_for_lock()
            lock(session, Invoice, second)
        return "both"

    def changer() -> Any:
        assert locked.wait(20)
        return change()

    paid, changed = together(app, [payer, changer])
    assert paid == "both"
    assert not isinstance(changed, Exception), changed
    marked = [fetch(Invoice, each).overdue_marked_at is not None for each in (first, second)]
    assert marked == [change is not unmark] * 2
