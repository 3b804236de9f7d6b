"""Debits the bank takes back after they settled: reopened once, told once, never re-closed."""

from __future__ import annotations

from typing import Any

import pytest

from billing import in_person
from models import Invoice, Payment
from models.states import Tender
from tests.billing.helpers import SEPA, charge, check_all, keep, pay, reconcile
from tests.paying_back import pay_back
from tests.support import STAFF, Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def settled_debit(make: Factory, sandbox: Any, time: Any, total: int = 2000) -> tuple[int, int]:
    """Return an invoice and the direct debit that paid it."""
    user = make.user()
    keep(user, SEPA)
    invoice = make.invoice(user, total=total)
    payment = charge(invoice).payment_id
    sandbox.advance(days=4)
    time.advance(days=4)
    reconcile()
    assert fetch(Invoice, invoice).state == "paid"
    return invoice, payment


def give_back(payment: int, sandbox: Any) -> None:
    sandbox.control(f"transactions/{fetch(Payment, payment).gateway_id}/return")


def test_a_returned_debit_reopens_the_invoice(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    invoice, payment = settled_debit(make, sandbox, time)
    give_back(payment, sandbox)
    time.advance(days=2)
    reconcile()
    reopened = fetch(Invoice, invoice)
    assert (reopened.state, reopened.balance, reopened.paid_at) == ("failed", 2000, None)
    assert fetch(Payment, payment).state == "returned"


def test_customer_and_office_hear_of_it_once(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    make.settings(email="office@example.org")
    _invoice, payment = settled_debit(make, sandbox, time)
    give_back(payment, sandbox)
    for _ in range(3):
        time.advance(days=2)
        check_all()
    assert len(emails("payment_returned")) == 1
    assert [email.occasion for email in emails("staff_notice")] == [f"notice:taken-back:{payment}"]


def test_looking_again_never_closes_it_again(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    invoice, payment = settled_debit(make, sandbox, time)
    give_back(payment, sandbox)
    check_all()
    check_all()
    assert fetch(Invoice, invoice).state == "failed"
    assert pay(invoice).outcome == "paid"
    check_all()
    assert fetch(Invoice, invoice).state == "paid"
    assert len(emails("receipt")) == 2


def test_a_settled_debit_is_watched_as_long_as_it_can_come_back(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    _invoice, payment = settled_debit(make, sandbox, time)
    assert fetch(Payment, payment).check_at is not None
    time.advance(days=61)
    reconcile()
    assert fetch(Payment, payment).check_at is None


def test_a_return_after_a_part_was_paid_back_takes_what_was_left(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    invoice, payment = settled_debit(make, sandbox, time)
    pay_back(payment, amount=500, then="reopen", reason="Too much", actor=STAFF)
    give_back(payment, sandbox)
    check_all()
    reopened = fetch(Invoice, invoice)
    assert (reopened.state, reopened.allocated, reopened.balance) == ("failed", 0, 2000)
    assert fetch(Payment, payment).allocated == 0


def test_a_return_of_one_part_keeps_the_other(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    user = make.user()
    keep(user, SEPA)
    invoice = make.invoice(user, total=3000)
    manual = in_person.Manual(Tender.CASH, 1000)
    in_person.process_manual(invoice, manual, shown_balance=3000, actor=STAFF)
    payment = charge(invoice).payment_id
    sandbox.advance(days=4)
    time.advance(days=4)
    reconcile()
    give_back(payment, sandbox)
    check_all()
    reopened = fetch(Invoice, invoice)
    assert (reopened.state, reopened.allocated, reopened.balance) == ("failed", 1000, 2000)


def test_a_return_while_another_debit_is_under_way_leaves_the_invoice_pending(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    user = make.user()
    keep(user, SEPA)
    invoice = make.invoice(user, total=3000)
    first = charge(invoice, amount=1000).payment_id
    sandbox.advance(days=4)
    time.advance(days=4)
    reconcile()
    assert charge(invoice).outcome == "pending"
    give_back(first, sandbox)
    check_all()
    pending = fetch(Invoice, invoice)
    assert (pending.state, pending.balance) == ("pending", 3000)
    assert [payment.state for payment in payments_of(invoice)] == ["returned", "pending"]
