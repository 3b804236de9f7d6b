"""What can be done before a payment has settled: all of it is voided, no part is paid back."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest

from billing import attempts, in_person, reconciliation, runtime
from billing.actions import payment_actions
from billing.attempts import Attempt
from billing.braintree_gateway import BraintreeGateway
from billing.database import reading, transaction
from billing.errors import Refusal
from billing.gateway import Answer
from billing.voids import voided_condition, was_voided
from models import History, Invoice, Payment
from models.states import PaymentKind
from tests.billing.helpers import debit_pending, pay, refusal_of, rows_of
from tests.held import Held
from tests.paying_back import pay_back
from tests.support import STAFF, Factory, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def paid(make: Factory) -> tuple[int, int]:
    """Return a paid invoice and its payment, not yet settled."""
    invoice = make.invoice(total=2000)
    return invoice, pay(invoice).payment_id


def refund(payment: int, amount: int = 2000) -> Attempt:
    return pay_back(payment, amount=amount, then="reopen", reason="Paid twice", actor=STAFF)


def test_a_part_of_an_unsettled_payment_is_refused_and_nothing_is_sent(
    app: Any, make: Factory, sandbox: Any
) -> None:
    invoice, payment = paid(make)
    with pytest.raises(Refusal) as caught:
        refund(payment, 500)
    assert (caught.value.code, caught.value.field) == ("not_settled", "amount")
    assert [(row["type"], row["status"]) for row in sandbox.transactions()] == [
        ("sale", "submitted_for_settlement")
    ]
    assert rows_of(Payment, Payment.kind == PaymentKind.REFUND) == []
    assert fetch(Invoice, invoice).state == "paid"
    assert fetch(Payment, payment).refunded == 0


def test_a_part_of_what_settled_meanwhile_is_paid_back(
    app: Any, make: Factory, sandbox: Any
) -> None:
    invoice, payment = paid(make)
    sandbox.control(f"transactions/{fetch(Payment, payment).gateway_id}/settle")
    assert fetch(Payment, payment).state == "submitted"
    assert refund(payment, 500).outcome == "refunded"
    assert fetch(Payment, payment).state == "settled"
    assert fetch(Invoice, invoice).balance == 500


def test_a_part_of_what_is_settling_is_paid_back(app: Any, make: Factory, sandbox: Any) -> None:
    invoice, payment = paid(make)
    sandbox.control(f"transactions/{fetch(Payment, payment).gateway_id}/settle")
    with transaction() as session:
        session.get_one(Payment, payment).gateway_status = "settling"
    assert refund(payment, 500).outcome == "refunded"
    assert fetch(Invoice, invoice).balance == 500


def test_a_part_is_refused_while_the_gateway_does_not_answer(
    app: Any, make: Factory, sandbox: Any
) -> None:
    _invoice, payment = paid(make)
    sandbox.control(f"transactions/{fetch(Payment, payment).gateway_id}/settle")
    sandbox.fault("find", "drop", "before")
    with pytest.raises(Refusal) as caught:
        refund(payment, 500)
    assert caught.value.code == "not_settled"
    assert rows_of(Payment, Payment.kind == PaymentKind.REFUND) == []


def test_a_void_says_that_nobody_was_charged_and_is_not_asked_about_again(
    app: Any, make: Factory
) -> None:
    _invoice, payment = paid(make)
    assert not was_voided(fetch(Payment, payment))
    attempt = refund(payment)
    assert attempt.sentence == "The payment of $20.00 was voided; the customer was never charged."
    voided = fetch(Payment, payment)
    assert (voided.gateway_status, voided.check_at) == ("voided", None)
    assert was_voided(voided)
    [found] = rows_of(Payment, voided_condition())
    assert found.id == payment
    assert "was voided" in refusal_of(lambda: refund(payment)).sentence
    said = [row.sentence for row in rows_of(History, History.verb.in_(("collect", "reopen")))]
    assert "$20.00 voided before it was charged" in said
    assert "$20.00 voided before it was charged; open again" in said
    with reading() as session:
        names = [each.name for each in payment_actions(session, session.get_one(Payment, payment))]
    assert "check" not in names


def test_what_settles_while_it_is_voided_is_refunded_under_a_key_of_its_own(
    app: Any, make: Factory, sandbox: Any, held: Held
) -> None:
    sandbox.control("settings", {"api_request_keys": True})
    real: Any = runtime.current()
    keyed = BraintreeGateway(dataclasses.replace(real.gateway._account, request_keys=True))
    invoice, payment = paid(make)
    runtime.bind(dataclasses.replace(real, gateway=keyed))
    sandbox.fault("void", "latency", "before")
    outcomes = []

    def refunding() -> None:
        with app.app_context():
            outcomes.append(refund(payment).outcome)

    working = threading.Thread(target=refunding)
    try:
        working.start()
        assert held.begun.wait(20)
        sandbox.control(f"transactions/{fetch(Payment, payment).gateway_id}/settle")
    finally:
        held.released.set()
        working.join()
        runtime.bind(real)
    assert outcomes == ["refunded"]
    assert [row["type"] for row in sandbox.transactions()] == ["credit", "sale"]
    assert fetch(Invoice, invoice).state == "sent"


def test_an_answer_older_than_the_void_is_not_believed(
    app: Any, make: Factory, sandbox: Any
) -> None:
    """Process and release at the same moment: the void is answered and recorded first."""
    invoice = make.invoice(total=2000)
    hold = in_person.authorise_card(
        invoice, nonce="fake-valid-nonce", amount=2000, shown_balance=2000, actor=STAFF
    ).payment_id
    gateway, number = runtime.current().gateway, fetch(Payment, hold).gateway_id or ""

    def capture_while_it_is_released() -> Answer:
        captured = gateway.capture(number, 2000, "USD", "cf-capture")
        attempts.ask(hold, lambda: gateway.void(number, "cf-void"), STAFF)
        return captured

    attempt = attempts.ask(hold, capture_while_it_is_released, STAFF)
    assert attempt.outcome == "failed"
    payment, row = fetch(Payment, hold), fetch(Invoice, invoice)
    assert (payment.state, payment.gateway_status, payment.detached) == ("voided", "voided", False)
    assert (row.state, row.balance) == ("sent", 2000)
    assert payment.id in reconciliation.due_payments(), "it is looked up at once"
    assert not reconciliation.check_payment(hold)
    assert fetch(Payment, hold).check_at is None


def test_a_look_older_than_the_banks_no_is_not_believed(
    app: Any, make: Factory, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The debit was still pending when it was looked up; meanwhile its refusal is announced."""
    invoice = debit_pending(make)
    [payment] = payments_of(invoice)
    find = BraintreeGateway.find

    def overtaken(gateway: BraintreeGateway, gateway_id: str) -> Answer | None:
        answer = find(gateway, gateway_id)
        monkeypatch.setattr(BraintreeGateway, "find", find)
        sandbox.control(f"transactions/{gateway_id}/decline")
        assert reconciliation.check_payment(payment.id)
        return answer

    monkeypatch.setattr(BraintreeGateway, "find", overtaken)
    assert not reconciliation.check_payment(payment.id)
    assert fetch(Payment, payment.id).state == "declined"
    assert fetch(Invoice, invoice).state == "failed"
