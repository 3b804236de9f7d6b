"""What the tests of the nightly run, its preview and its retries share."""

from __future__ import annotations

import datetime as dt
from typing import Any

from billing import clock, nightly
from billing.attempts import Attempt
from billing.database import lock, reading, transaction
from billing.nightly_plan import Preview, preview
from billing.retries import due_retries, retry_charge
from billing.rounds import Piece
from models import Invoice, PaymentMethod
from models.states import BillingTrigger
from tests.billing.helpers import SOFT_DECLINE, charge, keep, rows_of
from tests.support import Factory, fetch

MORNING = dt.datetime(2027, 3, 1, 15, 0, tzinfo=dt.UTC)
MARCH_4 = dt.date(2027, 3, 4)


def chargeable(make: Factory, total: int) -> int:
    """An open invoice of somebody with a card on file."""
    user = make.user()
    keep(user)
    return make.invoice(user, total=total)


def failed_on_1_march(make: Factory, time: Any) -> int:
    """An invoice that was declined softly on 1 March and is charged again on the 4th."""
    time.set(MORNING)
    invoice = chargeable(make, SOFT_DECLINE)
    assert charge(invoice).outcome == "declined"
    return invoice


def retry_all() -> list[Attempt | None]:
    return [retry_charge(invoice) for invoice in due_retries()]


def plan(invoice: int) -> tuple[dt.date | None, int]:
    found = fetch(Invoice, invoice)
    return found.retry_on, found.retries


def let_the_card_work(sandbox: Any) -> None:
    sandbox.control("settings", {"amounts": "plain"})


def automatic_user(make: Factory, method: bool = True, **values: Any) -> int:
    user = make.user(**{"billing_trigger": BillingTrigger.AUTOMATIC, **values})
    if method:
        keep(user)
    return user


def draft(make: Factory, user: int, total: int = 2000, **more: Any) -> int:
    return make.invoice(user, total=total, state="draft", **more)


def expire(user: int, on: dt.date = dt.date(2020, 1, 31)) -> None:
    for method in rows_of(PaymentMethod, PaymentMethod.user_id == user):
        with transaction() as session:
            lock(session, PaymentMethod, method.id).expires_on = on


def tonight() -> Piece:
    return nightly.run_nightly()


def look(**more: Any) -> Preview:
    with reading() as session:
        return preview(session, **more)


def states(*invoices: int) -> list[str]:
    return [fetch(Invoice, invoice).state.value for invoice in invoices]


def days_until_retry(invoice: int) -> int:
    """Return in how many days the invoice is charged again by itself."""
    due = fetch(Invoice, invoice).retry_on
    assert due is not None
    return (due - clock.now().date()).days
