"""Paying a part of an invoice with a typed card, where the office allows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from billing import charging, clock, overdue, parts
from billing.attempts import Attempt
from models import Invoice
from tests.billing.helpers import (
    CUSTOMER,
    SOFT_DECLINE,
    VISA,
    charge,
    keep,
    only_refusals,
    pay,
    refusal_of,
    together,
)
from tests.support import Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def pay_part(invoice: int, amount: int, shown: int | None = None, nonce: str = VISA) -> Attempt:
    balance = fetch(Invoice, invoice).balance if shown is None else shown
    return charging.pay_invoice(
        invoice, nonce=nonce, shown_balance=balance, amount=amount, actor=CUSTOMER
    )


@pytest.fixture
def parts_allowed(make: Factory) -> None:
    make.settings(other_amounts=True)


@pytest.mark.usefixtures("parts_allowed")
def test_a_part_leaves_the_rest_open_and_gets_its_receipt(app: Any, make: Factory) -> None:
    invoice = make.invoice(total=10_000)
    attempt = pay_part(invoice, 4000)
    assert (attempt.outcome, attempt.sentence) == ("paid", "$40.00 has been paid. Thank you.")
    left = fetch(Invoice, invoice)
    assert (left.state, left.balance, left.paid_at) == ("sent", 6000, None)
    [payment] = payments_of(invoice)
    assert (payment.amount, payment.unapplied) == (4000, 0)
    assert [email.payment_id for email in emails("receipt")] == [payment.id]
    pay(invoice)
    assert fetch(Invoice, invoice).state == "paid"
    assert [each.amount for each in payments_of(invoice)] == [4000, 6000]
    assert len(emails("receipt")) == 2


@pytest.mark.usefixtures("parts_allowed")
@pytest.mark.parametrize("amount", [0, -1, -10_000, 10_001, 10**15])
def test_nothing_less_and_more_than_owed_are_refused(
    app: Any, make: Factory, sandbox: Any, amount: int
) -> None:
    invoice = make.invoice(total=10_000)
    refusal = refusal_of(lambda: pay_part(invoice, amount))
    assert refusal.code in ("amount_zero", "more_than_balance")
    assert refusal.field == parts.FIELD
    assert sandbox.transactions() == []


def test_where_the_office_takes_no_parts_only_the_whole_can_be_paid(
    app: Any, make: Factory, sandbox: Any
) -> None:
    invoice = make.invoice(total=10_000)
    assert refusal_of(lambda: pay_part(invoice, 9999)).code == "no_other_amounts"
    assert sandbox.transactions() == []
    assert pay_part(invoice, 10_000).outcome == "paid"
    assert fetch(Invoice, invoice).state == "paid"


@pytest.mark.usefixtures("parts_allowed")
def test_a_part_of_a_balance_that_changed_is_refused(app: Any, make: Factory) -> None:
    invoice = make.invoice(total=10_000)
    pay_part(invoice, 4000)
    assert refusal_of(lambda: pay_part(invoice, 5000, shown=10_000)).code == "amount_changed"


@pytest.mark.usefixtures("parts_allowed")
def test_an_overdue_invoice_stays_overdue_after_a_part(app: Any, make: Factory, time: Any) -> None:
    make.settings(overdue_age=0)
    invoice = make.invoice(total=10_000, due_on=clock.now().date())
    time.advance(days=2)
    assert overdue.mark_overdue() == 1
    pay_part(invoice, 4000)
    left = fetch(Invoice, invoice)
    assert overdue.is_overdue(left, clock.now().date())
    assert left.overdue_marked_at is not None
    assert overdue.mark_overdue() == 0
    pay(invoice)
    paid = fetch(Invoice, invoice)
    assert not overdue.is_overdue(paid, clock.now().date() + dt.timedelta(days=9))
    assert paid.overdue_marked_at is None


@pytest.mark.usefixtures("parts_allowed")
def test_a_declined_part_returns_the_invoice_to_where_it_was(
    app: Any, make: Factory, sandbox: Any
) -> None:
    invoice = make.invoice(total=SOFT_DECLINE + 5000)
    assert pay_part(invoice, SOFT_DECLINE).outcome == "declined"
    left = fetch(Invoice, invoice)
    assert (left.state, left.balance) == ("sent", SOFT_DECLINE + 5000)
    user = make.user()
    keep(user)
    failed = make.invoice(user, total=SOFT_DECLINE)
    charge(failed)
    assert pay_part(failed, 100_000).outcome == "paid"
    assert (fetch(Invoice, failed).state, fetch(Invoice, failed).balance) == ("sent", 100_000)


@pytest.mark.usefixtures("parts_allowed")
def test_two_parts_at_once_charge_one(
    app: Any, make: Factory, sandbox: Any, card: Callable[[], str]
) -> None:
    sandbox.control("settings", {"duplicate_checking": False})
    sandbox.fault("sale", "latency", "before", seconds=0.2, times=None)
    invoice = make.invoice(total=10_000)
    nonces = [card() for _ in range(4)]
    verbs = [lambda nonce=nonce: pay_part(invoice, 4000, 10_000, nonce) for nonce in nonces]
    refused = only_refusals(together(app, verbs))
    assert len(refused) == 3
    assert {refusal.code for refusal in refused} <= {"live", "amount_changed"}
    assert fetch(Invoice, invoice).balance == 6000
    assert len(sandbox.transactions()) == 1
