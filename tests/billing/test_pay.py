"""Pay: what each verdict of the gateway does, and what is refused before it is asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from billing import charging, in_person
from models import History, Invoice, Payment
from models.states import Tender
from tests.billing.helpers import (
    CUSTOMER,
    HARD_DECLINE,
    SOFT_DECLINE,
    debit_pending,
    pay,
    refusal_of,
    rows_of,
)
from tests.support import STAFF, Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def test_a_paid_card_pays_the_invoice(app: Any, make: Factory, sandbox: Any) -> None:
    invoice = make.invoice(total=2000)
    attempt = pay(invoice)
    assert attempt.outcome == "paid"
    assert "$20.00" in attempt.sentence
    paid = fetch(Invoice, invoice)
    assert (paid.state, paid.balance, paid.allocated) == ("paid", 0, 2000)
    assert paid.paid_at is not None


def test_the_gateway_got_one_sale_with_our_reference(app: Any, make: Factory, sandbox: Any) -> None:
    invoice = make.invoice(total=2000)
    pay(invoice)
    [payment] = payments_of(invoice)
    [transaction] = sandbox.transactions()
    assert transaction["order_id"] == payment.reference
    assert transaction["id"] == payment.gateway_id
    assert (transaction["amount"], transaction["status"]) == ("20.00", "submitted_for_settlement")


def test_the_receipt_is_queued_once(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    pay(invoice)
    [receipt] = emails("receipt")
    [payment] = payments_of(invoice)
    assert (receipt.payment_id, receipt.invoice_id) == (payment.id, invoice)


def test_the_payment_keeps_who_and_with_what(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    pay(invoice)
    [payment] = payments_of(invoice)
    assert (payment.initiated_by, payment.client_ip) == ("customer", CUSTOMER.ip)
    assert (payment.tender, payment.state) == ("card", "submitted")
    assert payment.instrument == "Visa ending in 1111"


def test_history_tells_the_payment_without_a_name(app: Any, make: Factory) -> None:
    invoice = make.invoice(make.user("Unmistakable Name"), total=2000)
    pay(invoice)
    story = [row.sentence for row in rows_of(History, History.record_id == invoice)]
    assert any("Paid in full" in sentence for sentence in story)
    assert not any("Unmistakable" in sentence for sentence in story)


@pytest.mark.parametrize(
    ("total", "code", "soft"), [(SOFT_DECLINE, "2000", True), (HARD_DECLINE, "2015", False)]
)
def test_a_decline_leaves_the_invoice_where_it_was(
    app: Any, make: Factory, total: int, code: str, soft: bool
) -> None:
    invoice = make.invoice(total=total)
    attempt = pay(invoice)
    assert attempt.outcome == "declined"
    assert code not in attempt.sentence
    assert fetch(Invoice, invoice).state == "sent"
    [payment] = payments_of(invoice)
    assert (payment.state, payment.code, payment.soft) == ("declined", code, soft)
    assert emails("receipt") == []


def test_after_a_decline_another_card_pays(app: Any, make: Factory, sandbox: Any) -> None:
    sandbox.control("settings", {"amounts": "plain"})
    invoice = make.invoice()
    assert pay(invoice, "fake-processor-declined-visa-nonce").outcome == "declined"
    assert pay(invoice).outcome == "paid"


@pytest.mark.parametrize("nonce", ["fake-consumed-nonce", "never-heard-of-it"])
def test_a_used_or_unknown_nonce_charges_nothing(
    app: Any, make: Factory, sandbox: Any, nonce: str
) -> None:
    invoice = make.invoice()
    attempt = pay(invoice, nonce)
    assert attempt.outcome == "failed"
    assert "enter the card again" in attempt.sentence
    assert fetch(Invoice, invoice).state == "sent"
    assert sandbox.transactions() == []
    [payment] = payments_of(invoice)
    assert payment.state == "failed"
    assert payment.code


def test_a_nonce_pays_only_once(app: Any, make: Factory, card: Callable[[], str]) -> None:
    nonce = card()
    assert pay(make.invoice(), nonce).outcome == "paid"
    assert pay(make.invoice(), nonce).outcome == "failed"


def test_no_nonce_is_refused(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    for nonce in ("", "x" * 256):
        assert refusal_of(partial(pay, invoice, nonce)).code == "no_nonce"


def test_a_changed_amount_is_refused_before_the_gateway(
    app: Any, make: Factory, sandbox: Any
) -> None:
    invoice = make.invoice(total=2000)
    refusal = refusal_of(lambda: pay(invoice, shown=1))
    assert refusal.code == "amount_changed"
    assert "$20.00" in refusal.sentence
    assert sandbox.transactions() == []


def test_paying_twice_says_already_paid(app: Any, make: Factory, sandbox: Any) -> None:
    invoice = make.invoice()
    pay(invoice)
    assert refusal_of(lambda: pay(invoice, shown=2000)).code == "already_paid"
    assert len(sandbox.transactions()) == 1


def test_an_invoice_whose_debit_is_under_way_is_not_payable(app: Any, make: Factory) -> None:
    invoice = debit_pending(make)
    refusal = refusal_of(lambda: pay(invoice))
    assert refusal.code == "live"
    assert refusal.sentence == "A payment is being processed already. Please do not pay again."


def test_an_invoice_with_a_card_on_hold_is_not_payable(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    in_person.authorise_card(
        invoice, nonce="fake-valid-nonce", amount=2000, shown_balance=2000, actor=STAFF
    )
    assert refusal_of(lambda: pay(invoice)).code == "live"


def test_too_many_declines_pause_the_invoice_for_an_hour(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    make.settings(max_declines=2)
    invoice = make.invoice(total=SOFT_DECLINE)
    for _ in range(2):
        pay(invoice)
    assert refusal_of(lambda: pay(invoice)).code == "too_many_declines"
    assert len(sandbox.transactions()) == 2
    assert pay(make.invoice(total=2000)).outcome == "paid"
    time.advance(minutes=61)
    assert pay(invoice).outcome == "declined"


def test_a_remainder_is_what_the_customer_pays(app: Any, make: Factory) -> None:
    invoice = make.invoice(total=2000)
    manual = in_person.Manual(Tender.CASH, 500)
    in_person.process_manual(invoice, manual, shown_balance=2000, actor=STAFF)
    assert pay(invoice).outcome == "paid"
    assert [payment.amount for payment in payments_of(invoice)] == [500, 1500]


def test_staff_who_type_a_card_say_so_to_the_gateway(app: Any, make: Factory, sandbox: Any) -> None:
    invoice = make.invoice()
    nonce = "fake-valid-nonce"
    attempt = charging.pay_invoice(
        invoice, nonce=nonce, shown_balance=2000, actor=STAFF, holder="Zoë 王", postal_code="62704"
    )
    assert attempt.outcome == "paid"
    assert fetch(Payment, attempt.payment_id).initiated_by == "staff"


def test_the_same_amount_on_the_same_card_within_seconds_is_not_a_repetition_of_ours(
    app: Any, make: Factory, sandbox: Any
) -> None:
    first, second = make.invoice(), make.invoice()
    assert (pay(first).outcome, pay(second).outcome) == ("paid", "paid")
