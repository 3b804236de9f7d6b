"""All at once: settle, generate, pay online. One debt is collected once, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from applications import deciding
from billing import in_person, invoicing
from models import Application, Payment
from models.states import COLLECTED_PAYMENT_STATES, Tender
from tests.applications.helpers import (
    apply,
    authorise,
    cash,
    invoices_about,
    owed,
    pay_online,
    state_of,
)
from tests.billing.helpers import only_refusals, rows_of, together
from tests.support import STAFF, Factory, fetch

pytestmark = pytest.mark.usefixtures("proven")


def generate(application: int) -> Any:
    return invoicing.generate_invoice(application, description="Fees", due_on=None, actor=STAFF)


def collected() -> int:
    paid = rows_of(Payment, Payment.state.in_(COLLECTED_PAYMENT_STATES))
    return sum(payment.amount for payment in paid)


def test_staff_settle_while_the_customer_pays_twice(app: Any, make: Factory, sandbox: Any) -> None:
    application = apply(make)
    verbs = [
        lambda: cash(application, 1500),
        lambda: cash(application, 1500),
        lambda: pay_online(application, shown=1500),
        lambda: pay_online(application, shown=1500),
        lambda: authorise(application, shown=1500),
    ]
    results = together(app, verbs)
    refusals = only_refusals(results)
    assert len(refusals) == len(verbs) - 1
    assert collected() <= 1500
    assert len(sandbox.transactions()) <= 1
    live = [row for row in invoices_about(application) if row.state != "deleted"]
    assert sum(row.total for row in live) == 1500


def test_many_payments_at_the_same_moment_charge_exactly_once(
    app: Any, make: Factory, sandbox: Any
) -> None:
    application = apply(make, state="rejected")
    results = together(app, [lambda: pay_online(application, shown=1500)] * 4)
    assert len(only_refusals(results)) == 3
    assert (len(sandbox.transactions()), collected()) == (1, 1500)
    assert state_of(application) == "pending"


def test_settling_and_generating_collect_one_debt_once(app: Any, make: Factory) -> None:
    application = apply(make, state="approved")
    verbs = [lambda: generate(application), lambda: cash(application, 1500)] * 3
    results = together(app, verbs)
    only_refusals(results)
    assert collected() == 1500
    assert owed(application) == 0
    assert [row.total for row in invoices_about(application)] == [1500]
    assert fetch(Application, application).invoiced == 1500


def test_settling_while_its_invoice_is_paid_in_person(app: Any, make: Factory) -> None:
    application = apply(make, state="approved")
    invoice = generate(application).invoice_id
    manual = in_person.Manual(Tender.CASH, 1500)

    def at_the_counter() -> Any:
        return in_person.process_manual(invoice, manual, shown_balance=1500, actor=STAFF)

    results = together(app, [at_the_counter, lambda: cash(application, 1500)] * 2)
    assert len(only_refusals(results)) == 3
    assert collected() == 1500


def test_rejecting_while_the_customer_pays_loses_no_money(
    app: Any, make: Factory, sandbox: Any
) -> None:
    application = apply(make)
    results = together(
        app,
        [
            lambda: pay_online(application, shown=1500),
            lambda: deciding.reject(application, reason="The map is missing.", actor=STAFF),
        ],
    )
    assert only_refusals(results) == []
    assert (owed(application), collected()) == (0, 1500)
    assert state_of(application) in ("pending", "rejected")


def test_fees_change_while_they_are_settled(app: Any, make: Factory) -> None:
    application = apply(make)
    results = together(
        app,
        [
            lambda: cash(application, 1500),
            lambda: deciding.change_answers(application, {"items": 2}, actor=STAFF),
        ],
    )
    only_refusals(results)
    record = fetch(Application, application)
    assert record.fees_total == 2500
    assert record.outstanding_balance == 2500 - collected()
