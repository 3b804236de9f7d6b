"""A gateway that hangs keeps no worker: what it would have said is asked for by later sweeps."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from billing import notifications, reconciliation
from jobs import sweeps
from models import Payment
from sandbox.server import Server
from tests.billing.helpers import pay, rows_of, signed_news
from tests.billing.test_notifications import announce
from tests.support import Clock, Factory

pytestmark = pytest.mark.usefixtures("sandbox")

SEVEN = 7


@pytest.fixture
def paid(app: Any, make: Factory, time: Clock) -> list[Payment]:
    """Payments the gateway has, whose next look is due."""
    for number in range(SEVEN):
        assert pay(make.invoice(total=2000 + number)).outcome == "paid"
    time.advance(days=3)
    assert len(reconciliation.due_payments()) == SEVEN
    return rows_of(Payment)


@pytest.fixture
def news(paid: list[Payment], sandbox_server: Server) -> list[int]:
    """News about each of them, which nobody has acted on."""
    kept = []
    for payment in paid:
        announce(sandbox_server, str(payment.gateway_id), "transaction_settled")
        kept.append(notifications.receive(*signed_news(sandbox_server, payment.gateway_id)))
    return kept


def test_payments_are_left_after_five_without_an_answer(paid: list[Payment], sandbox: Any) -> None:
    sandbox.fault("find", "status", status=500, times=5)
    assert sweeps.reconcile([]) == "0 of 7 payments changed"
    left = reconciliation.due_payments()
    assert left == [payment.id for payment in paid][5:]
    sweeps.reconcile([])
    assert reconciliation.due_payments() == []


def test_one_answer_in_between_begins_the_count_anew(paid: list[Payment], sandbox: Any) -> None:
    gone, there = [each.id for each in paid[:4]], paid[4].id
    sandbox.fault("find", "status", status=500, times=4)
    sweeps.check_payments([*gone, there])
    sandbox.fault("find", "status", status=500, times=4)
    sweeps.check_payments([each.id for each in paid])
    looked = {payment.id: payment.checks for payment in rows_of(Payment)}
    assert [looked[each.id] for each in paid] == [2] * 5 + [1] * 2


def test_news_is_left_after_five_without_an_answer(news: list[int], sandbox: Any) -> None:
    sandbox.fault("find", "status", status=500, times=5)
    assert sweeps.sweep_notifications([]) == "0 of 7 notifications processed"
    sandbox.control("faults", method="DELETE")
    assert notifications.waiting_notifications() == news
    assert sweeps.sweep_notifications([]) == "7 of 7 notifications processed"


@pytest.mark.parametrize("sweep", [sweeps.reconcile, sweeps.sweep_notifications])
def test_a_sweep_ends_when_its_time_is_up(
    news: list[int], monkeypatch: pytest.MonkeyPatch, sweep: Any
) -> None:
    monkeypatch.setattr(sweeps, "PIECE", dt.timedelta(0))
    before = len(reconciliation.due_payments()), len(notifications.waiting_notifications())
    sweep([])
    after = len(reconciliation.due_payments()), len(notifications.waiting_notifications())
    assert sum(before) - sum(after) in (1, 2)
    assert before != after


def test_one_that_breaks_on_our_side_stops_no_other(
    paid: list[Payment], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = reconciliation.check_payment
    broken = [payment.id for payment in paid[:6]]

    def check(payment_id: int) -> bool:
        if payment_id in broken:
            raise ValueError("out of paper")
        return real(payment_id)

    monkeypatch.setattr(reconciliation, "check_payment", check)
    sweeps.reconcile([])
    assert reconciliation.due_payments() == broken
