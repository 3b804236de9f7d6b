"""Staff, a second member of staff and the customer at the same invoice in the same moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from applications import settling
from billing import in_person, invoicing
from billing.attempts import Attempt
from billing.errors import Refusal
from billing.in_person import Manual
from models import Invoice, Payment
from models.states import COLLECTED_PAYMENT_STATES, Tender
from tests.applications.helpers import apply, invoices_about, owed, pay_online, state_of
from tests.billing.conftest import POSTGRESQL
from tests.billing.helpers import only_refusals, pay, rows_of, together
from tests.support import STAFF, Factory, emails, fetch, payments_of

pytestmark = [POSTGRESQL, pytest.mark.usefixtures("proven")]
ROUNDS = range(3)
Verb = Callable[[], Any]


def by_card(invoice: int, nonce: str) -> Attempt:
    """Both steps of a card at the counter."""
    held = in_person.authorise_card(
        invoice, nonce=nonce, amount=2000, shown_balance=2000, actor=STAFF
    )
    return in_person.process_hold(held.payment_id, actor=STAFF)


def by_check(invoice: int) -> Attempt:
    check = Manual(Tender.CHECK, 2000, check_number="7")
    return in_person.process_manual(invoice, check, shown_balance=2000, actor=STAFF)


def one_payment(invoice: int, sandbox: Any) -> None:
    """Exactly one payment brought money, for the gateway too, and one receipt went out."""
    brought = [p for p in payments_of(invoice) if p.state in COLLECTED_PAYMENT_STATES]
    assert [payment.amount for payment in brought] == [2000]
    assert (fetch(Invoice, invoice).state, fetch(Invoice, invoice).balance) == ("paid", 0)
    charged = [
        sale
        for sale in sandbox.transactions()
        if sale["status"] in ("submitted_for_settlement", "settling", "settled")
    ]
    assert len(charged) == (1 if brought[0].tender is Tender.CARD else 0)
    assert len(emails("receipt")) == 1


@pytest.mark.parametrize("turn", ROUNDS)
def test_staff_customer_and_second_staff_end_in_one_payment(
    app: Any, make: Factory, sandbox: Any, card: Callable[[], str], turn: int
) -> None:
    invoice = make.invoice()
    first, second = card(), card()
    verbs: list[Verb] = [
        lambda: by_card(invoice, first),
        lambda: pay(invoice, second, shown=2000),
        lambda: by_check(invoice),
        lambda: by_check(invoice),
    ]
    results = together(app, verbs[turn:] + verbs[:turn])
    assert len(only_refusals(results)) == 3
    one_payment(invoice, sandbox)


def test_process_and_release_of_one_hold_leave_one_of_both(
    app: Any, make: Factory, sandbox: Any, card: Callable[[], str]
) -> None:
    invoice = make.invoice()
    hold = in_person.authorise_card(
        invoice, nonce=card(), amount=2000, shown_balance=2000, actor=STAFF
    ).payment_id
    results = together(
        app,
        [
            lambda: in_person.process_hold(hold, actor=STAFF),
            lambda: in_person.release_hold(hold, actor=STAFF),
        ],
    )
    only_refusals(results)
    payment, row = fetch(Payment, hold), fetch(Invoice, invoice)
    if payment.state in COLLECTED_PAYMENT_STATES:
        assert (row.state, row.balance) == ("paid", 0)
    else:
        assert (payment.state, row.balance) == ("voided", 2000)


@pytest.mark.parametrize("turn", ROUNDS)
def test_settle_by_two_and_online_collect_a_debt_once(
    app: Any, make: Factory, sandbox: Any, card: Callable[[], str], turn: int
) -> None:
    application = apply(make)
    balance, nonce = owed(application), card()
    cash = Manual(Tender.CASH, balance)

    def settle() -> Attempt:
        return settling.settle_manual(application, cash, shown_balance=balance, actor=STAFF)

    verbs: list[Verb] = [settle, settle, lambda: pay_online(application, nonce, shown=balance)]
    results = together(app, verbs[turn:] + verbs[:turn])
    assert len(only_refusals(results)) == 2
    brought = [p for p in rows_of(Payment) if p.state in COLLECTED_PAYMENT_STATES]
    assert [payment.amount for payment in brought] == [balance]
    assert (owed(application), len(emails("receipt"))) == (0, 1)


def test_settle_and_generate_at_once_ask_for_a_debt_once(app: Any, make: Factory) -> None:
    application = apply(make, state="approved")
    balance = owed(application)
    cash = Manual(Tender.CASH, balance)
    verbs: list[Verb] = [
        lambda: settling.settle_manual(application, cash, shown_balance=balance, actor=STAFF),
        lambda: invoicing.generate_invoice(
            application, description="Dogs", due_on=None, actor=STAFF
        ),
    ]
    results = together(app, verbs)
    refused = [result for result in results if isinstance(result, Refusal)]
    assert len(only_refusals(results)) == len(refused) <= 1
    assert sum(invoice.total for invoice in invoices_about(application)) == balance
    assert state_of(application) == "approved"
