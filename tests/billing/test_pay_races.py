"""Many who pay at once, in threads and in processes, and processes that die: one charge."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from billing import in_person, notifications, reconciliation
from billing.attempts import Attempt
from config import ROOT, Config
from models import GatewayNotification, Invoice, Payment
from models.states import Tender
from tests.billing.conftest import POSTGRESQL
from tests.billing.helpers import (
    debit_pending,
    only_refusals,
    pay,
    reconcile,
    refusal_of,
    rows_of,
    signed_news,
    together,
)
from tests.support import STAFF, Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")
CROWD = 20


@pytest.fixture
def easy_to_charge_twice(sandbox: Any) -> Any:
    """A gateway that would not notice a repetition, and takes its time."""
    sandbox.control("settings", {"duplicate_checking": False})
    sandbox.fault("sale", "latency", "before", seconds=0.3, times=None)
    return sandbox


def _one_charge(invoice: int, sandbox: Any) -> None:
    assert len(sandbox.transactions()) == 1
    charged = [payment for payment in payments_of(invoice) if payment.state != "failed"]
    assert [payment.state for payment in charged] == ["submitted"]
    assert len(emails("receipt")) == 1
    paid = fetch(Invoice, invoice)
    assert (paid.state, paid.allocated) == ("paid", paid.total)


def test_twenty_threads_with_twenty_nonces_make_one_charge(
    app: Any, make: Factory, easy_to_charge_twice: Any, card: Callable[[], str]
) -> None:
    invoice = make.invoice()
    nonces = [card() for _ in range(CROWD)]
    results = together(app, [partial(pay, invoice, nonce, 2000) for nonce in nonces])
    assert len(only_refusals(results)) == CROWD - 1
    assert {refusal.code for refusal in only_refusals(results)} <= {"live", "already_paid"}
    _one_charge(invoice, easy_to_charge_twice)


def _process(
    config: Config, invoice: int, nonces: Sequence[str], die: str = ""
) -> subprocess.Popen[str]:
    order = {
        "database": config.database_url,
        "gateway": config.gateway_url,
        "clock": str(config.clock_file),
        "invoice": invoice,
        "nonces": list(nonces),
        "shown": 2000,
        "die": die,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.billing.pay_process", json.dumps(order)],
        cwd=Path(ROOT),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _start_together(processes: Sequence[subprocess.Popen[str]]) -> list[list[str]]:
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=120)[0].split("\n")[:-1] for process in processes]


@POSTGRESQL
def test_twenty_nonces_in_four_processes_make_one_charge(
    app: Any,
    config: Config,
    make: Factory,
    easy_to_charge_twice: Any,
    card: Callable[[], str],
) -> None:
    invoice = make.invoice()
    processes = [_process(config, invoice, [card() for _ in range(5)]) for _ in range(4)]
    said = [line for lines in _start_together(processes) for line in lines]
    assert len(said) == CROWD
    assert said.count("paid") == 1
    assert set(said) <= {"paid", "refused live", "refused already_paid"}
    _one_charge(invoice, easy_to_charge_twice)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_killed_around_the_charge_ends_right(
    app: Any,
    config: Config,
    make: Factory,
    sandbox: Any,
    time: Any,
    card: Callable[[], str],
    when: str,
) -> None:
    invoice = make.invoice()
    process = _process(config, invoice, [card()], die=when)
    _start_together([process])
    assert process.returncode == -9
    assert fetch(Invoice, invoice).state == "pending"
    assert refusal_of(lambda: pay(invoice)).code == "live"
    for _ in range(4):
        time.advance(minutes=6)
        reconcile()
    if when == "before":
        assert fetch(Invoice, invoice).state == "sent"
        assert pay(invoice).outcome == "paid"
    _one_charge(invoice, sandbox)


def test_staff_and_customer_at_once_end_with_one_payment(
    app: Any, make: Factory, easy_to_charge_twice: Any
) -> None:
    invoice = make.invoice()
    cash = in_person.Manual(Tender.CASH, 2000)
    verbs: list[Callable[[], Any]] = [
        lambda: pay(invoice, shown=2000),
        lambda: in_person.process_manual(invoice, cash, shown_balance=2000, actor=STAFF),
    ] * 3
    results = together(app, verbs)
    assert len(only_refusals(results)) == 5
    assert len([result for result in results if isinstance(result, Attempt)]) == 1
    assert fetch(Invoice, invoice).state == "paid"
    assert len(emails("receipt")) == len(payments_of(invoice)) == 1


def test_two_captures_of_one_hold_capture_once(app: Any, make: Factory, sandbox: Any) -> None:
    invoice = make.invoice()
    hold = in_person.authorise_card(
        invoice, nonce="fake-valid-nonce", amount=2000, shown_balance=2000, actor=STAFF
    )
    verbs = [lambda: in_person.process_hold(hold.payment_id, actor=STAFF)] * 4
    assert len(only_refusals(together(app, verbs))) == 3
    _one_charge(invoice, sandbox)


@pytest.mark.parametrize("order", ["webhook first", "reconciler first", "at once"])
def test_webhook_and_reconciler_book_a_settled_debit_once(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Any, time: Any, order: str
) -> None:
    invoice = debit_pending(make)
    [payment] = payments_of(invoice)
    sandbox.advance(days=4)
    time.advance(days=4)
    sandbox.transactions()
    news = notifications.receive(*signed_news(sandbox_server, payment.gateway_id))
    steps: list[Callable[[], Any]] = [
        lambda: notifications.process(news),
        lambda: reconciliation.check_payment(payment.id),
    ]
    if order == "at once":
        only_refusals(together(app, steps * 4))
    for step in steps if order == "webhook first" else steps[::-1]:
        step()
    assert fetch(Invoice, invoice).state == "paid"
    assert len(emails("receipt")) == len(rows_of(Payment)) == 1
    [row] = rows_of(GatewayNotification)
    assert (row.payment_id, row.kind) == (payment.id, "transaction_settled")


def test_reconciler_and_request_at_once_book_a_card_once(
    app: Any, make: Factory, sandbox: Any, card: Callable[[], str]
) -> None:
    sandbox.fault("sale", "latency", "after", seconds=0.5)
    invoice = make.invoice()

    def look() -> None:
        for _ in range(20):
            for payment in rows_of(Payment):
                reconciliation.check_payment(payment.id)

    only_refusals(together(app, [lambda: pay(invoice, card(), shown=2000), look, look]))
    _one_charge(invoice, sandbox)
