"""Run now: what it asks about, what it leaves to midnight, and what waits for a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from billing import clock
from billing.database import transaction
from billing.nightly import run_nightly
from billing.rounds import Result
from models import Invoice, PaymentMethod
from tests.admin.counter import text_of
from tests.admin.test_nightly_page import PAGE, Build, automatic, rows, shown
from tests.billing.helpers import SOFT_DECLINE, charge, keep
from tests.billing.nights import days_until_retry
from tests.conftest import Gateway
from tests.support import Factory, fetch

__all__ = ["automatic"]


def test_run_now_asks_about_today_and_the_page_tells_of_midnight(
    make: Factory, sandbox: Gateway, staff_client: Build, automatic: Callable[..., int]
) -> None:
    """A card that ends today is charged by a run now, and not by the one at midnight."""
    user = automatic("Ada Able")
    card = keep(user)
    with transaction() as session:
        session.get_one(PaymentMethod, card).expires_on = clock.today("UTC")
    make.invoice(user, total=7700, state="draft")
    client = staff_client()
    assert "To charge $0.00 0 invoices" in shown(client)
    assert "Charge 1 draft of $77.00 and send 0 invoices now?" in text_of(client.get(PAGE))
    assert run_nightly().tally[Result.CHARGED] == 1
    assert "Run now" not in shown(client)


def test_run_now_says_that_it_charges_nothing_again(
    make: Factory,
    sandbox: Gateway,
    staff_client: Build,
    automatic: Callable[..., int],
    time: Any,
) -> None:
    user = automatic("Ada Able")
    keep(user)
    declined = make.invoice(user, total=SOFT_DECLINE)
    charge(declined)
    due = fetch(Invoice, declined).retry_on
    time.advance(days=days_until_retry(declined))
    said = "“Run now” leaves these for midnight."
    client = staff_client()
    assert said not in shown(client)
    make.invoice(user, total=100, state="draft")
    assert said in shown(client)
    assert said not in shown(staff_client(["invoices.charge"]))
    run_nightly()
    assert fetch(Invoice, declined).retry_on == due


def test_what_the_gateway_would_not_charge_is_left_and_says_why(
    make: Factory, sandbox: Gateway, staff_client: Build, automatic: Callable[..., int]
) -> None:
    user = automatic("Ada Able")
    make.payment_method(user, "the-gateway-forgot-it")
    make.invoice(user, total=9900, state="draft")
    run_nightly()
    client = staff_client()
    assert "Of these, can’t be charged $99.00 1 invoice" in shown(client)
    [row] = rows(client, "skip")
    assert "The gateway would not charge this payment method: a person decides" in row
    assert "Run now" not in shown(client)
