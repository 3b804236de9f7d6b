"""Paying with the registered payment method, at the customer's own wish."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from billing import charging, clock, own_method, reconciliation
from billing.attempts import Attempt
from billing.database import lock, reading, transaction
from jobs.letters import render
from models import History, Invoice, OutgoingEmail, PaymentMethod, db
from models.states import BillingMethod
from tests.billing.helpers import (
    CUSTOMER,
    HARD_DECLINE,
    SEPA,
    SOFT_DECLINE,
    charge,
    keep,
    only_refusals,
    pay,
    reconcile,
    refusal_of,
    rows_of,
    together,
)
from tests.support import STAFF, Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def pay_own(*invoices: int, shown: int | None = None, method: int | None = None) -> Attempt:
    total = sum(fetch(Invoice, invoice).balance for invoice in invoices)
    return own_method.pay_with_method(
        invoices,
        shown_total=total if shown is None else shown,
        method_id=method,
        actor=CUSTOMER,
    )


def failed_invoices(make: Factory, sandbox: Any, user: int, count: int = 2) -> list[int]:
    """Return invoices of 2,000.00 each whose charge the bank declined; it says yes from now on."""
    invoices = [make.invoice(user, total=SOFT_DECLINE) for _ in range(count)]
    for invoice in invoices:
        assert charge(invoice).outcome == "declined"
    sandbox.control("settings", {"amounts": "plain"})
    return invoices


def test_one_charge_pays_all_that_failed_with_one_receipt(
    app: Any, make: Factory, sandbox: Any
) -> None:
    user = make.user()
    method = keep(user)
    invoices = failed_invoices(make, sandbox, user)
    attempt = pay_own(*invoices, method=method)
    assert (attempt.outcome, attempt.sentence) == ("paid", "$4,000.00 has been paid. Thank you.")
    assert [fetch(Invoice, invoice).state for invoice in invoices] == ["paid", "paid"]
    assert len(emails("receipt")) == 1
    [payment] = [each for each in payments_of(invoices[0]) if each.state == "submitted"]
    assert (payment.amount, payment.payment_method_id) == (2 * SOFT_DECLINE, method)
    assert (payment.initiated_by, payment.returns_to) == ("customer", "failed")
    started = rows_of(History, History.record == "invoice", History.verb == "pay")
    assert {row.sentence for row in started} == {
        "Payment of $2,000.00 with Visa ending in 1111 started"
    }
    assert {row.actor_kind for row in started} == {"customer"}


def test_a_direct_debit_leaves_them_pending_until_the_bank_has_answered(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    user = make.user()
    keep(user, SEPA)
    invoices = [make.invoice(user, total=2000), make.invoice(user, total=500)]
    attempt = pay_own(*invoices)
    assert (attempt.outcome, attempt.sentence) == ("pending", "The bank has been asked for $25.00.")
    assert [fetch(Invoice, invoice).state for invoice in invoices] == ["pending", "pending"]
    assert emails("receipt") == []
    assert refusal_of(lambda: pay_own(invoices[0], shown=2000)).code == "live"
    assert refusal_of(lambda: pay(invoices[1], shown=500)).code == "live"
    sandbox.advance(days=4)
    time.advance(days=4)
    reconcile()
    assert [fetch(Invoice, invoice).state for invoice in invoices] == ["paid", "paid"]
    assert len(emails("receipt")) == 1


@pytest.mark.parametrize("amount", [SOFT_DECLINE, HARD_DECLINE])
def test_a_decline_makes_them_failed_and_a_typed_card_still_pays(
    app: Any, make: Factory, sandbox: Any, amount: int
) -> None:
    user = make.user()
    keep(user)
    sent = make.invoice(user, total=amount)
    assert pay_own(sent).outcome == "declined"
    assert fetch(Invoice, sent).state == "failed"
    assert [email.invoice_id for email in emails("payment_failed")] == [sent]
    sandbox.control("settings", {"amounts": "plain"})
    assert pay(sent).outcome == "paid"


def test_a_decline_over_several_writes_one_letter(app: Any, make: Factory) -> None:
    user = make.user()
    keep(user)
    invoices = [make.invoice(user, total=SOFT_DECLINE - 500), make.invoice(user, total=500)]
    assert pay_own(*invoices).outcome == "declined"
    assert [fetch(Invoice, invoice).state for invoice in invoices] == ["failed", "failed"]
    [letter] = emails("payment_failed")
    with reading() as session:
        said = render(session.get_one(OutgoingEmail, letter.id), session)
    db.session.remove()
    numbers = " and ".join(f"#{fetch(Invoice, invoice).number}" for invoice in invoices)
    for text in (said.html, said.text):
        assert f"for 2 invoices, $2,000.00 in all: {numbers}. It paid none of them." in text


def test_whoever_pays_by_invoice_is_not_charged(app: Any, make: Factory, sandbox: Any) -> None:
    user = make.user(billing_method=BillingMethod.INVOICE)
    keep(user)
    invoice = make.invoice(user)
    refusal = refusal_of(lambda: pay_own(invoice))
    assert refusal.code == "billing_method_invoice"
    assert "You can pay with a card" in refusal.sentence
    assert sandbox.transactions() == []
    assert pay(invoice).outcome == "paid"


def test_without_a_method_or_with_an_expired_one_nothing_is_asked(
    app: Any, make: Factory, sandbox: Any
) -> None:
    user = make.user()
    invoice = make.invoice(user)
    assert refusal_of(lambda: pay_own(invoice)).code == "no_payment_method"
    method = keep(user)
    with transaction() as session:
        yesterday = clock.now().date() - dt.timedelta(days=2)
        lock(session, PaymentMethod, method).expires_on = yesterday
    assert refusal_of(lambda: pay_own(invoice)).code == "method_expired"
    assert sandbox.transactions() == []


def test_another_method_than_the_page_showed_is_refused(app: Any, make: Factory) -> None:
    user = make.user()
    first = keep(user)
    invoice = make.invoice(user)
    second = keep(user, "fake-valid-mastercard-nonce")
    refusal = refusal_of(lambda: pay_own(invoice, method=first))
    assert refusal.code == "method_changed"
    by_staff = partial(charging.charge_customer, invoice, shown_balance=2000, actor=STAFF)
    assert refusal_of(lambda: by_staff(method_id=first)).code == "method_changed"
    assert pay_own(invoice, method=second).outcome == "paid"


@pytest.mark.parametrize("shown", [0, 1, 3999, 4001])
def test_another_sum_than_the_page_showed_is_refused(app: Any, make: Factory, shown: int) -> None:
    user = make.user()
    keep(user)
    invoices = [make.invoice(user), make.invoice(user)]
    assert refusal_of(lambda: pay_own(*invoices, shown=shown)).code == "amount_changed"


def test_nothing_drafts_paid_ones_and_other_people_are_refused(app: Any, make: Factory) -> None:
    user, other = make.user(), make.user()
    keep(user)
    keep(other)
    mine, draft, theirs = make.invoice(user), make.invoice(user, state="draft"), make.invoice(other)
    paid = make.invoice(user)
    pay(paid)
    assert refusal_of(pay_own).code == "nothing_chosen"
    assert refusal_of(lambda: pay_own(mine, draft)).code == "not_open"
    assert refusal_of(lambda: pay_own(mine, paid)).code == "already_paid"
    assert refusal_of(lambda: pay_own(mine, theirs)).code == "other_user"
    verb = partial(own_method.pay_with_method, [10**9], shown_total=1, actor=CUSTOMER)
    assert refusal_of(verb).code == "not_found"


def test_so_many_declines_an_hour_count_here_too(app: Any, make: Factory, time: Any) -> None:
    make.settings(max_declines=2)
    user = make.user()
    keep(user)
    invoice = make.invoice(user, total=SOFT_DECLINE)
    for _ in range(2):
        assert pay_own(invoice).outcome == "declined"
    assert refusal_of(lambda: pay_own(invoice)).code == "too_many_declines"
    time.advance(minutes=61)
    assert pay_own(invoice).outcome == "declined"


def test_an_answer_that_never_came_is_looked_up(app: Any, make: Factory, sandbox: Any) -> None:
    user = make.user()
    keep(user)
    invoice = make.invoice(user)
    sandbox.fault("sale", "drop", "after")
    assert pay_own(invoice).outcome == "unknown"
    assert fetch(Invoice, invoice).state == "pending"
    assert refusal_of(lambda: pay_own(invoice, shown=2000)).code == "live"
    reconciliation.check_payment(payments_of(invoice)[0].id)
    assert fetch(Invoice, invoice).state == "paid"
    assert len(sandbox.transactions()) == 1


def test_pressed_by_many_at_once_beside_staff_it_charges_once(
    app: Any, make: Factory, sandbox: Any, card: Callable[[], str]
) -> None:
    sandbox.control("settings", {"duplicate_checking": False})
    sandbox.fault("sale", "latency", "before", seconds=0.2, times=None)
    user = make.user()
    keep(user)
    invoices = [make.invoice(user), make.invoice(user)]
    staff = partial(charging.charge_customer, invoices[1], shown_balance=2000, actor=STAFF)
    verbs: list[Callable[[], Any]] = [lambda: pay_own(*invoices, shown=4000)] * 4
    results = together(app, [*verbs, staff])
    only_refusals(results)
    money = sum(int(float(row["amount"]) * 100) for row in sandbox.transactions())
    owed = sum(fetch(Invoice, invoice).balance for invoice in invoices)
    assert money + owed == 4000
    assert money in (2000, 4000)
