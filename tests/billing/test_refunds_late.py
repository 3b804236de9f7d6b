"""Refunds that were given up because nobody knew of them, and took place after all."""

from __future__ import annotations

from typing import Any

import pytest

from billing import invoicing, reconciliation, runtime
from billing.proof import verify
from models import History, Invoice, Payment
from tests.billing.disputing import say
from tests.billing.helpers import check_all, pay, rows_of
from tests.paying_back import pay_back
from tests.support import STAFF, Factory, emails, fetch

pytestmark = pytest.mark.usefixtures("sandbox")
proven = pytest.mark.usefixtures("proven")


def paid(make: Factory, sandbox: Any, *, settled: bool = True) -> tuple[int, Payment]:
    """Return a paid invoice and its payment."""
    make.settings(email="office@example.org")
    invoice = make.invoice(total=2000)
    payment = pay(invoice).payment_id
    if settled:
        sandbox.control(f"transactions/{fetch(Payment, payment).gateway_id}/settle")
        reconciliation.check_payment(payment)
    return invoice, fetch(Payment, payment)


def give_up(payment: Payment, sandbox: Any, time: Any, then: str = "reopen") -> Payment:
    """Refund all of a payment; the request gets lost on its way until nobody waits for it."""
    sandbox.fault("void" if payment.state == "submitted" else "refund", "drop", "before")
    attempt = refund(payment, then)
    for minutes in (11, 5):
        time.advance(minutes=minutes)
        reconciliation.check_payment(attempt)
    lost = fetch(Payment, attempt)
    assert lost.state == "failed"
    return lost


def refund(payment: Payment, then: str = "reopen") -> int:
    attempt = pay_back(payment.id, amount=2000, then=then, reason="Paid twice", actor=STAFF)
    return attempt.payment_id


def arrive(payment: Payment, lost: Payment) -> None:
    """Let the gateway get the request now."""
    gateway, amount = runtime.current().gateway, lost.amount
    gateway.refund(payment.gateway_id or "", amount, lost.currency, lost.reference)


def told() -> list[str]:
    return [
        email.params["sentence"]
        for email in emails("staff_notice")
        if email.occasion.startswith("notice:refund-surfaced")
    ]


@proven
@pytest.mark.parametrize("then", ["reopen", "credit"])
def test_it_counts_and_staff_are_told(
    app: Any, make: Factory, sandbox: Any, time: Any, then: str
) -> None:
    invoice, payment = paid(make, sandbox)
    lost = give_up(payment, sandbox, time, then)
    arrive(payment, lost)
    assert reconciliation.check_payment(lost.id)
    assert fetch(Payment, lost.id).state == "submitted"
    assert fetch(Payment, payment.id).refunded == 2000
    found = fetch(Invoice, invoice)
    assert (found.state, found.balance) == (("sent", 2000) if then == "reopen" else ("paid", 0))
    assert told() == [
        "$20.00 was paid back although it had been given up. "
        "Look whether it was paid back in another way meanwhile."
    ]
    sandbox.advance(days=2)
    time.advance(days=2)
    check_all()
    assert fetch(Payment, lost.id).state == "settled"
    assert len(told()) == 1


@proven
@pytest.mark.parametrize("first", ["refund", "payment"])
def test_a_late_void_is_our_refund_and_no_loss(
    app: Any, make: Factory, sandbox: Any, time: Any, first: str
) -> None:
    invoice, payment = paid(make, sandbox, settled=False)
    lost = give_up(payment, sandbox, time)
    arrive(payment, lost)
    order = [lost.id, payment.id]
    for payment_id in order if first == "refund" else order[::-1]:
        reconciliation.check_payment(payment_id)
    assert fetch(Payment, lost.id).state == "settled"
    voided = fetch(Payment, payment.id)
    assert (voided.state, voided.refunded) == ("submitted", 2000)
    assert fetch(Invoice, invoice).state == "sent"
    assert emails("payment_returned") == []
    assert len(told()) == 1
    said = [row.sentence for row in rows_of(History, History.verb == "surface")]
    assert said == ["$20.00 voided before it was charged"]


@proven
def test_a_void_that_another_refund_carried_out_is_not_counted_twice(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    _invoice, payment = paid(make, sandbox, settled=False)
    lost = give_up(payment, sandbox, time)
    again = refund(payment)
    assert fetch(Payment, again).state == "settled"
    reconciliation.check_payment(lost.id)
    assert fetch(Payment, lost.id).state == "failed"
    assert fetch(Payment, payment.id).refunded == 2000
    assert told() == []


def test_no_payment_gives_more_than_it_brought(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    _invoice, payment = paid(make, sandbox)
    lost = give_up(payment, sandbox, time)
    say(payment, 1, "lost", 500)
    arrive(payment, lost)
    assert not reconciliation.check_payment(lost.id)
    assert fetch(Payment, lost.id).state == "failed"
    assert fetch(Payment, payment.id).refunded == 500
    [sentence] = told()
    assert "not recorded, because less than that was left of the payment" in sentence
    [fault] = verify()
    assert (fault.rule.startswith("the gateway agrees"), fault.records) == (True, [lost.id])


@proven
def test_an_unanswered_void_is_news_for_the_application_whoever_is_asked_first(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    application = make.application()
    invoice = invoicing.generate_invoice(
        application, description="x", due_on=None, actor=STAFF
    ).invoice_id
    payment = fetch(Payment, pay(invoice).payment_id)
    sandbox.fault("void", "drop", "after")
    refund(payment)
    time.advance(minutes=1)
    reconciliation.check_payment(payment.id)
    [owed] = rows_of(History, History.verb == "balance_open")
    assert (owed.record, owed.record_id) == ("application", application)
