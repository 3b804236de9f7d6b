"""`make verify` names every contradiction, when somebody writes one past the verbs."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from billing import in_person, proof, reconciliation, runtime
from billing.database import transaction
from models import Payment
from models.states import Tender
from tests.billing.disputing import say
from tests.billing.helpers import debit_pending, pay
from tests.support import STAFF, Factory, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture
def office(app: Any, make: Factory) -> dict[str, int]:
    """A small office in which everything is true."""
    application = make.application(fees=2000)
    paid = make.invoice(total=2000)
    pay(paid)
    partly = make.invoice(total=3000)
    cash = in_person.Manual(Tender.CASH, 1000)
    in_person.process_manual(partly, cash, shown_balance=3000, actor=STAFF)
    pending = debit_pending(make)
    assert proof.verify() == []
    return {
        "application": application,
        "paid": paid,
        "partly": partly,
        "pending": pending,
        "payment": payments_of(paid)[0].id,
        "cash": payments_of(partly)[0].id,
        "debit": payments_of(pending)[0].id,
    }


def broken_by(statement: str, ask_gateway: bool = False) -> set[str]:
    """Write ``statement`` past every verb and return the rules that do not hold any more."""
    with transaction() as session:
        session.execute(text(statement))
    return {fault.rule for fault in proof.verify(ask_gateway=ask_gateway)}


LIES = [
    (
        "UPDATE invoices SET retry_on = '2027-01-01' WHERE id = {paid}",
        "what is charged again by itself is owed, and its user may be charged",
    ),
    (
        "UPDATE invoices SET allocated = allocated + 1 WHERE id = {partly}",
        "an invoice's paid amount is the sum of its applied allocations",
    ),
    (
        "UPDATE invoices SET credited = 1 WHERE id = {partly}",
        "an invoice's credited amount is the sum of its credits",
    ),
    (
        "UPDATE payments SET allocated = allocated - 1 WHERE id = {cash}",
        "a payment's applied amount is the sum of its allocations",
    ),
    (
        "UPDATE payments SET refunded = 1, allocated = allocated - 1 WHERE id = {cash}",
        "a payment's refunded amount is the sum of its refunds",
    ),
    (
        "UPDATE payments SET state = 'declined' WHERE id = {cash}",
        "money on invoices comes from collected payments only",
    ),
    (
        "UPDATE payments SET state = 'failed' WHERE id = {debit}",
        "only a live attempt claims an invoice",
    ),
    (
        "UPDATE allocations SET state = 'released' WHERE payment_id = {debit}",
        "a pending invoice has a live attempt",
    ),
    (
        "UPDATE invoices SET total = allocated WHERE id = {partly}",
        "a paid invoice has no balance, an open one has some",
    ),
    (
        "UPDATE invoices SET number = number + 7 WHERE id = {pending}",
        "invoice numbers have no gap",
    ),
    (
        "UPDATE invoices SET billable_id = (SELECT billable_id FROM applications), total = 5000 "
        "WHERE id = {partly}",
        "an application's invoices are not more than its fees, unless these fell",
    ),
    (
        "UPDATE invoices SET state = 'failed' WHERE id = {partly}",
        "the history leads to each invoice's state",
    ),
    (
        "UPDATE applications SET state = 'rejected' WHERE id = {application}",
        "the history leads to each application's state",
    ),
    (
        "UPDATE payments SET state = 'settled' WHERE id = {payment}",
        "the history leads to each payment's state",
    ),
]


@pytest.mark.parametrize(("lie", "rule"), LIES, ids=[rule for _, rule in LIES])
def test_each_lie_is_named(app: Any, office: dict[str, int], lie: str, rule: str) -> None:
    assert rule in broken_by(lie.format(**office))


@pytest.mark.parametrize("lie", ["amount = 299", "state = 'won'"])
def test_what_went_without_a_lost_dispute_is_named(
    app: Any, office: dict[str, int], lie: str
) -> None:
    say(fetch(Payment, office["payment"]), 1, "lost", 300)
    assert proof.verify() == []
    rule = "disputes take no more of a payment than the lost ones were over"
    assert rule in broken_by(f"UPDATE disputes SET {lie}")


def test_a_payment_the_gateway_does_not_know_is_named(app: Any, office: dict[str, int]) -> None:
    lie = f"UPDATE payments SET gateway_id = 'nothing' WHERE id = {office['payment']}"
    assert broken_by(lie, ask_gateway=True) == {"the gateway knows each payment"}


def test_an_amount_the_gateway_has_otherwise_is_named(app: Any, office: dict[str, int]) -> None:
    lie = f"UPDATE payments SET amount = amount + 1 WHERE id = {office['payment']}"
    assert "the gateway agrees about amount and money" in broken_by(lie, ask_gateway=True)


def test_money_the_gateway_took_back_unseen_is_named_until_it_is_looked_up(
    app: Any, office: dict[str, int]
) -> None:
    payment = office["payment"]
    runtime.current().gateway.void(fetch(Payment, payment).gateway_id or "", "elsewhere")
    assert [fault.rule for fault in proof.verify()] == ["the gateway agrees about amount and money"]
    reconciliation.check_payment(payment)
    assert proof.verify() == []


def test_a_gateway_that_does_not_answer_is_a_fault_of_its_own(
    app: Any, office: dict[str, int], sandbox: Any
) -> None:
    sandbox.fault("find", "status", status=500)
    [fault] = proof.verify()
    assert "does not answer" in fault.rule
