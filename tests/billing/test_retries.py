"""Charging again: soft declines by the settings' days, hard ones never, and what stops it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from billing import crediting, runtime
from billing.braintree_gateway import BraintreeGateway
from billing.gateway import Account, Answer, Order
from billing.retries import due_retries, retry_charge
from models import History, Invoice
from tests.billing.helpers import (
    HARD_DECLINE,
    SOFT_DECLINE,
    charge,
    check_all,
    debit_pending,
    only_refusals,
    pay,
    reconcile,
    refusal_of,
    rows_of,
    together,
)
from tests.billing.nights import (
    MARCH_4,
    MORNING,
    chargeable,
    failed_on_1_march,
    let_the_card_work,
    plan,
    retry_all,
)
from tests.support import STAFF, Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


class Listener:
    """The real gateway, and what it was asked for."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.sources: list[str] = []

    def sale(self, order: Order) -> Answer:
        self.sources.append(order.source)
        answer: Answer = self._real.sale(order)
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.fixture
def gateway(app: Any) -> Iterator[Listener]:
    real = runtime.current()
    listener: Any = Listener(real.gateway)
    runtime.bind(dataclasses.replace(real, gateway=listener))
    yield listener
    runtime.bind(real)


@pytest.fixture
def failed(make: Factory, time: Any) -> int:
    return failed_on_1_march(make, time)


def test_a_soft_decline_is_planned_for_the_first_day_of_the_settings(failed: int) -> None:
    assert plan(failed) == (MARCH_4, 1)
    assert fetch(Invoice, failed).state == "failed"


def test_history_and_the_staffs_notice_say_when(make: Factory, time: Any) -> None:
    make.settings(email="office@example.org")
    time.set(MORNING)
    invoice = chargeable(make, SOFT_DECLINE)
    charge(invoice)
    [row] = rows_of(History, History.verb == "decline", History.record == "invoice")
    assert row.sentence.endswith("declined. Will be charged again on March 4, 2027")
    assert row.details == {"retry_on": "2027-03-04"}
    [notice] = emails("staff_notice")
    assert "Will be charged again on March 4, 2027." in notice.params["sentence"]


def test_the_customers_letter_can_read_it(failed: int) -> None:
    [letter] = emails("payment_failed")
    assert (letter.invoice_id, fetch(Invoice, failed).retry_on) == (failed, MARCH_4)


def test_a_hard_decline_is_never_tried_again(make: Factory, time: Any) -> None:
    invoice = chargeable(make, HARD_DECLINE)
    charge(invoice)
    assert plan(invoice) == (None, 0)
    [row] = rows_of(History, History.verb == "decline", History.record == "invoice")
    assert "again on" not in row.sentence
    assert row.details == {}


def test_a_decline_nobody_can_judge_is_not_tried_again(
    make: Factory, sandbox: Any, time: Any
) -> None:
    sandbox.control("settings", {"bank_outcome": "declined"})
    invoice = debit_pending(make)
    sandbox.advance(days=4)
    time.advance(days=4)
    reconcile()
    assert fetch(Invoice, invoice).state == "failed"
    assert plan(invoice) == (None, 0)


def test_without_days_in_the_settings_nothing_is_tried_again(make: Factory, time: Any) -> None:
    make.settings(retry_days=[])
    invoice = chargeable(make, SOFT_DECLINE)
    charge(invoice)
    assert plan(invoice) == (None, 0)


def test_the_day_decides_by_the_offices_date(make: Factory, failed: int, time: Any) -> None:
    make.settings(timezone="Pacific/Kiritimati")  # UTC+14
    time.set(dt.datetime(2027, 3, 3, 9, 59, tzinfo=dt.UTC))
    assert due_retries() == []
    assert refusal_of(lambda: retry_charge(failed)).code == "not_due"
    time.set(dt.datetime(2027, 3, 3, 10, 1, tzinfo=dt.UTC))
    assert due_retries() == [failed]


def test_the_retry_charges_the_balance_as_recurring_by_the_system(
    failed: int, sandbox: Any, gateway: Listener, time: Any
) -> None:
    let_the_card_work(sandbox)
    time.advance(days=3)
    [attempt] = retry_all()
    assert attempt is not None
    assert attempt.outcome == "paid"
    assert gateway.sources == ["recurring"]
    assert plan(failed) == (None, 0)
    assert payments_of(failed)[-1].initiated_by == "system"
    started = rows_of(History, History.verb == "charge")[-1]
    assert started.actor_kind == "system"


def test_a_charge_by_staff_is_unscheduled(make: Factory, gateway: Listener) -> None:
    charge(chargeable(make, 2000))
    assert gateway.sources == ["unscheduled"]
    assert rows_of(History, History.verb == "charge")[-1].actor_name == STAFF.name


def test_each_decline_waits_for_its_days_until_there_are_no_more(failed: int, time: Any) -> None:
    planned = [plan(failed)]
    for days in (3, 5, 7):
        time.advance(days=days)
        assert [attempt and attempt.outcome for attempt in retry_all()] == ["declined"]
        planned.append(plan(failed))
    second, third = dt.date(2027, 3, 9), dt.date(2027, 3, 16)
    assert planned == [(MARCH_4, 1), (second, 2), (third, 3), (None, 3)]
    time.advance(days=365)
    assert due_retries() == []
    assert len(payments_of(failed)) == 4


def test_twice_on_one_day_is_once(failed: int, sandbox: Any, time: Any) -> None:
    time.advance(days=3)
    retry_all()
    assert retry_all() == []
    assert refusal_of(lambda: retry_charge(failed)).code == "not_due"
    assert len(sandbox.transactions()) == 2


def test_four_at_once_charge_once(app: Any, failed: int, sandbox: Any, time: Any) -> None:
    let_the_card_work(sandbox)
    sandbox.control("settings", {"duplicate_checking": False})
    sandbox.fault("sale", "latency", "before", seconds=0.3, times=None)
    time.advance(days=3)
    results = together(app, [lambda: retry_charge(failed)] * 4)
    assert len(only_refusals(results)) == 3
    assert fetch(Invoice, failed).state == "paid"
    assert len(payments_of(failed)) == 2


def test_a_retry_missed_for_days_is_made_up_for(failed: int, sandbox: Any, time: Any) -> None:
    let_the_card_work(sandbox)
    time.advance(days=20)
    retry_all()
    assert fetch(Invoice, failed).state == "paid"


def test_after_a_part_was_credited_the_rest_is_charged(
    failed: int, sandbox: Any, time: Any
) -> None:
    let_the_card_work(sandbox)
    crediting.credit_invoice(
        failed, amount=50_000, shown_balance=SOFT_DECLINE, reason="x", actor=STAFF
    )
    time.advance(days=3)
    retry_all()
    assert payments_of(failed)[-1].amount == SOFT_DECLINE - 50_000
    assert fetch(Invoice, failed).state == "paid"


def test_a_timeout_is_no_decline(failed: int, sandbox: Any, time: Any) -> None:
    let_the_card_work(sandbox)
    time.advance(days=3)
    sandbox.fault("sale", "drop", "after")
    [attempt] = retry_all()
    assert attempt is not None
    assert attempt.outcome == "unknown"
    assert fetch(Invoice, failed).state == "pending"
    assert due_retries() == []
    assert len(emails("payment_failed")) == 1
    time.advance(minutes=6)
    reconcile()
    assert fetch(Invoice, failed).state == "paid"
    assert len(sandbox.transactions()) == 2


def test_a_gateway_that_is_down_costs_a_night_and_no_retry(
    failed: int, sandbox: Any, time: Any
) -> None:
    let_the_card_work(sandbox)
    time.advance(days=3)
    real = runtime.current()
    nowhere = Account("local", "m", "public", "private", url="http://127.0.0.1:9")
    runtime.bind(dataclasses.replace(real, gateway=BraintreeGateway(nowhere)))
    retry_all()
    runtime.bind(real)
    assert fetch(Invoice, failed).state == "failed"
    assert plan(failed) == (MARCH_4, 1)
    time.advance(days=1)
    retry_all()
    assert fetch(Invoice, failed).state == "paid"


def test_one_that_is_being_paid_waits_with_its_plan(failed: int, sandbox: Any, time: Any) -> None:
    time.advance(days=3)
    sandbox.fault("sale", "drop", "before")
    pay(failed)
    assert due_retries() == []
    for minutes in (11, 5):
        time.advance(minutes=minutes)
        check_all()
    assert fetch(Invoice, failed).state == "failed"
    assert due_retries() == [failed]
