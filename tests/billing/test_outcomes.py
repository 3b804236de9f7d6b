"""When the gateway is down, slow, silent, broken or late: money is counted once, or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

import pytest

from billing import clock, reconciliation, runtime
from billing.braintree_gateway import BraintreeGateway
from billing.errors import GatewayError
from billing.gateway import Account
from models import Invoice, Payment
from tests.billing.helpers import (
    SOFT_DECLINE,
    charge,
    check_all,
    debit_pending,
    keep,
    pay,
    reconcile,
    refusal_of,
    rows_of,
)
from tests.held import Held
from tests.support import Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


@pytest.fixture
def gateway_down(app: Any) -> Iterator[Any]:
    """A gateway at an address where nobody listens; call it to bring the real one back."""
    real = runtime.current()
    account = Account("local", "m", "public", "private", url="http://127.0.0.1:9")
    runtime.bind(dataclasses.replace(real, gateway=BraintreeGateway(account)))
    yield lambda: runtime.bind(real)
    runtime.bind(real)


def test_a_gateway_that_is_down_charges_nothing_and_hands_the_invoice_back(
    app: Any, make: Factory, gateway_down: Any
) -> None:
    invoice = make.invoice()
    attempt = pay(invoice)
    assert attempt.outcome == "failed"
    assert fetch(Invoice, invoice).state == "sent"
    [payment] = payments_of(invoice)
    assert (payment.state, payment.message) == ("failed", "Gateway not reachable")
    gateway_down()
    assert pay(invoice).outcome == "paid"


def test_reconciliation_of_a_gateway_that_is_down_only_waits(
    app: Any, make: Factory, time: Any, gateway_down: Any
) -> None:
    gateway_down()
    invoice = debit_pending(make)
    runtime.bind(
        dataclasses.replace(
            runtime.current(),
            gateway=BraintreeGateway(Account("local", "m", "p", "q", url="http://127.0.0.1:9")),
        )
    )
    time.advance(days=4)
    reconcile()
    [payment] = payments_of(invoice)
    assert (payment.state, payment.checks) == ("pending", 1)
    assert fetch(Invoice, invoice).state == "pending"


@pytest.mark.parametrize(
    "fault",
    [("drop", {}), ("status", {"status": 500}), ("html", {})],
    ids=["silence", "500", "html"],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_that_never_came_is_unknown_and_then_found_out(
    app: Any, make: Factory, sandbox: Any, time: Any, fault: tuple[str, Any], when: str
) -> None:
    invoice = make.invoice()
    sandbox.fault("sale", fault[0], when, **fault[1])
    attempt = pay(invoice)
    assert attempt.outcome == "unknown"
    assert "do not pay again" in attempt.sentence
    assert fetch(Invoice, invoice).state == "pending"
    assert refusal_of(lambda: pay(invoice)).code == "live"
    for _ in range(4):
        time.advance(minutes=6)
        reconcile()
    charged = when == "after"
    assert fetch(Invoice, invoice).state == ("paid" if charged else "sent")
    assert len(sandbox.transactions()) == len(emails("receipt")) == int(charged)


@contextmanager
def _impatient() -> Iterator[None]:
    """Let the SDK give up after half a second; it reads the timeout when it is first used."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("billing.braintree_gateway.TIMEOUT", (20, 0.5))
        patch.setattr(runtime.current().gateway, "_sdk", {})
        yield


def test_a_slow_gateway_is_unknown_not_declined(
    app: Any, make: Factory, sandbox: Any, held: Held, time: Any
) -> None:
    invoice = make.invoice()
    sandbox.fault("sale", "latency", "after")
    with _impatient():
        assert pay(invoice).outcome == "unknown"
    assert held.begun.wait(20)
    time.advance(minutes=2)
    reconcile()
    assert fetch(Invoice, invoice).state == "paid"
    assert len(sandbox.transactions()) == len(emails("receipt")) == 1


def test_not_found_counts_only_well_past_the_timeout_and_twice(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    invoice = make.invoice()
    sandbox.fault("sale", "drop", "before")
    payment = pay(invoice).payment_id
    states = []
    for minutes in (2, 9, 1, 4):
        time.advance(minutes=minutes)
        reconciliation.check_payment(payment)
        states.append(fetch(Payment, payment).state.value)
    assert states == ["started", "started", "started", "failed"]
    assert pay(invoice).outcome == "paid"


def test_an_answer_in_between_starts_the_count_anew(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    invoice = make.invoice()
    sandbox.fault("sale", "drop", "before")
    payment = pay(invoice).payment_id
    time.advance(minutes=11)
    reconciliation.check_payment(payment)
    sandbox.fault("search", "status", status=500)
    time.advance(minutes=5)
    with pytest.raises(GatewayError):
        reconciliation.check_payment(payment)
    assert fetch(Payment, payment).state == "started"
    assert fetch(Payment, payment).check_at > clock.now()


def test_money_that_surfaces_after_it_was_given_up_is_the_users_credit(
    app: Any, make: Factory, sandbox: Any, held: Held, time: Any
) -> None:
    make.settings(email="office@example.org")
    sandbox.fault("sale", "latency", "before")
    invoice = make.invoice(total=2000)
    with _impatient():
        payment_id = pay(invoice).payment_id
    _not_found_twice(payment_id, time)
    assert held.begun.wait(20)
    held.released.set()
    assert _in_time(sandbox.transactions)
    assert pay(invoice).outcome == "paid"
    reconciliation.check_payment(payment_id)
    late = fetch(Payment, payment_id)
    assert (late.state, late.unapplied, late.detached) == ("submitted", 2000, True)
    assert fetch(Invoice, invoice).allocated == 2000
    [notice] = [email for email in emails("staff_notice") if "unapplied" in email.occasion]
    assert notice.params["sentence"] == (
        f"Payment {payment_id}, a card payment of $20.00, arrived late, although it had been given "
        "up. Apply it to an invoice or pay it back."
    )
    assert notice.params["path"] == f"/admin/payment/details/?id={payment_id}"
    assert notice.params["user_path"] == f"/admin/user/details/?id={late.user_id}"


def _in_time(true: Callable[[], object]) -> bool:
    """Whether it comes to be so within twenty seconds."""
    for _ in range(200):
        if true():
            return True
        sleep(0.1)
    return False


def _not_found_twice(payment_id: int, time: Any) -> None:
    for minutes in (11, 5):
        time.advance(minutes=minutes)
        reconciliation.check_payment(payment_id)
    assert fetch(Payment, payment_id).state == "failed"


def test_a_given_up_reference_is_watched_for_a_day(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    sandbox.fault("sale", "drop", "before")
    payment = pay(make.invoice()).payment_id
    _not_found_twice(payment, time)
    assert fetch(Payment, payment).check_at is not None
    time.advance(days=1)
    reconcile()
    assert fetch(Payment, payment).check_at is None


def test_a_card_is_watched_until_it_settles(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    invoice = make.invoice()
    pay(invoice)
    sandbox.advance(days=2)
    time.advance(days=2)
    reconcile()
    [payment] = payments_of(invoice)
    assert (payment.state, payment.check_at) == ("settled", None)


def test_a_card_that_does_not_settle_reopens_the_invoice(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    invoice = make.invoice()
    pay(invoice)
    [payment] = payments_of(invoice)
    sandbox.control(f"transactions/{payment.gateway_id}/decline")
    time.advance(days=1)
    reconcile()
    assert fetch(Payment, payment.id).state == "declined"
    reopened = fetch(Invoice, invoice)
    assert (reopened.state, reopened.balance, reopened.paid_at) == ("failed", 2000, None)
    assert len(emails("payment_returned")) == 1


def test_a_debit_is_pending_until_it_settles(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    invoice = debit_pending(make)
    assert emails("receipt") == []
    sandbox.advance(days=4)
    time.advance(days=4)
    reconcile()
    assert fetch(Invoice, invoice).state == "paid"
    assert len(emails("receipt")) == 1


def test_a_debit_the_bank_declines_fails_the_invoice_and_tells_everybody(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    make.settings(email="office@example.org")
    sandbox.control("settings", {"bank_outcome": "declined"})
    invoice = debit_pending(make)
    sandbox.advance(days=4)
    time.advance(days=4)
    reconcile()
    assert fetch(Invoice, invoice).state == "failed"
    assert len(emails("payment_failed")) == 1
    assert len(emails("staff_notice")) == 1


def test_looking_again_and_again_changes_nothing(app: Any, make: Factory, sandbox: Any) -> None:
    invoice = make.invoice()
    pay(invoice)
    for _ in range(3):
        check_all()
    assert len(rows_of(Payment)) == len(emails("receipt")) == 1
    assert fetch(Invoice, invoice).state == "paid"


def test_a_declined_registered_card_fails_the_invoice_with_the_reason(
    app: Any, make: Factory, sandbox: Any
) -> None:
    user = make.user()
    keep(user)
    invoice = make.invoice(user, total=SOFT_DECLINE)
    assert charge(invoice).outcome == "declined"
    assert fetch(Invoice, invoice).state == "failed"
    [email] = emails("payment_failed")
    assert email.invoice_id == invoice
