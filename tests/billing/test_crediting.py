"""Write off / credit: what it takes off, when it closes the invoice, and when it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from billing import in_person, invoicing, receipts
from billing.crediting import credit_invoice
from models import Application, Credit, History, Invoice
from models.states import InvoiceState, Tender
from tests.applications.helpers import apply
from tests.billing.conftest import POSTGRESQL
from tests.billing.helpers import (
    SOFT_DECLINE,
    VISA,
    only_refusals,
    pay,
    refusal_of,
    rows_of,
    together,
)
from tests.support import STAFF, Factory, emails, fetch

pytestmark = pytest.mark.usefixtures("proven")


def credit(invoice: int, amount: int, shown: int | None = None, reason: str = "Kindness") -> int:
    balance = fetch(Invoice, invoice).balance if shown is None else shown
    return credit_invoice(invoice, amount=amount, shown_balance=balance, reason=reason, actor=STAFF)


def test_a_part_leaves_the_rest_to_pay(make: Factory) -> None:
    invoice = make.invoice()
    assert credit(invoice, 500) == 1500
    row = fetch(Invoice, invoice)
    assert (row.state, row.balance, row.credited) == (InvoiceState.SENT, 1500, 500)
    [given] = rows_of(Credit)
    assert (given.amount, given.reason) == (500, "Kindness")
    last = rows_of(History, History.record == "invoice")[-1]
    assert (last.sentence, last.reason) == ("$5.00 credited; $15.00 left to pay", "Kindness")


def test_all_of_it_closes_the_invoice_without_a_receipt(make: Factory) -> None:
    invoice = make.invoice()
    assert credit(invoice, 2000) == 0
    row = fetch(Invoice, invoice)
    assert (row.state, row.balance) == (InvoiceState.PAID, 0)
    assert row.paid_at is not None
    assert emails("receipt") == []


def test_a_part_paid_and_the_rest_credited_closes_it(make: Factory) -> None:
    invoice = make.invoice()
    manual = in_person.Manual(Tender.CASH, 1500)
    in_person.process_manual(invoice, manual, shown_balance=2000, actor=STAFF)
    credit(invoice, 500)
    assert fetch(Invoice, invoice).state is InvoiceState.PAID


def test_it_takes_the_debt_off_the_application_too(make: Factory) -> None:
    application = apply(make, state="approved")
    invoice = invoicing.generate_invoice(
        application, description="Dogs", due_on=None, actor=STAFF
    ).invoice_id
    credit(invoice, 1500)
    assert fetch(Application, application).outstanding_balance == 0


@pytest.mark.parametrize(
    ("amount", "shown", "reason", "code"),
    [
        (0, 2000, "x", "amount_zero"),
        (-1, 2000, "x", "amount_zero"),
        (2001, 2000, "x", "more_than_balance"),
        (10**12, 2000, "x", "more_than_balance"),
        (500, 1999, "x", "amount_changed"),
        (500, 2000, " \0 ", "no_reason"),
        (500, 2000, "x" * 1001, "too_long"),
    ],
)
def test_refusals_change_nothing(
    make: Factory, amount: int, shown: int, reason: str, code: str
) -> None:
    invoice = make.invoice()
    assert refusal_of(lambda: credit(invoice, amount, shown, reason)).code == code


def test_only_an_open_invoice_nobody_is_paying(make: Factory, sandbox: Any) -> None:
    draft, paid, held = make.invoice(state="draft"), make.invoice(), make.invoice()
    pay(paid)
    in_person.authorise_card(held, nonce=VISA, amount=2000, shown_balance=2000, actor=STAFF)
    assert refusal_of(lambda: credit(draft, 100)).code == "draft"
    assert refusal_of(lambda: credit(paid, 100, 0)).code == "not_open"
    assert refusal_of(lambda: credit(held, 100)).code == "live"
    assert refusal_of(lambda: credit(10**9, 100, 0)).code == "not_found"


@POSTGRESQL
def test_a_credit_and_a_payment_at_once_never_pay_too_much(
    app: Any, make: Factory, sandbox: Any, card: Callable[[], str]
) -> None:
    invoice = make.invoice()
    nonce = card()
    results = together(
        app, [lambda: pay(invoice, nonce, shown=2000), lambda: credit(invoice, 500, 2000)]
    )
    assert len(only_refusals(results)) == 1
    row = fetch(Invoice, invoice)
    assert row.allocated + row.credited in (500, 2000)


def test_a_receipt_goes_again_only_where_there_is_one(make: Factory, sandbox: Any) -> None:
    payment = pay(make.invoice()).payment_id
    receipts.resend_receipt(payment, actor=STAFF)
    assert len(emails("receipt")) == 2
    silent = pay(make.invoice(make.user(email=None, no_email=True))).payment_id
    assert refusal_of(lambda: receipts.resend_receipt(silent, actor=STAFF)).code == "no_email"
    declined = pay(make.invoice(total=SOFT_DECLINE)).payment_id
    assert (
        refusal_of(lambda: receipts.resend_receipt(declined, actor=STAFF)).code == "not_collected"
    )
