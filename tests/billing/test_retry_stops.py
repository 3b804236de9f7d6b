"""What takes a planned charge away, and what leaves it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from billing import clock, crediting, invoicing, own_method
from billing.billing_choice import set_billing_method
from billing.database import lock, transaction
from billing.redraft import set_back_to_draft
from billing.retries import due_retries, retry_charge
from models import History, Invoice, PaymentMethod, User
from models.states import BillingMethod
from tests.billing.helpers import (
    CUSTOMER,
    SOFT_DECLINE,
    charge,
    keep,
    pay,
    refusal_of,
    rows_of,
)
from tests.billing.nights import (
    MARCH_4,
    chargeable,
    failed_on_1_march,
    let_the_card_work,
    plan,
    retry_all,
)
from tests.support import STAFF, Factory, fetch

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


@pytest.fixture
def failed(make: Factory, time: Any) -> int:
    return failed_on_1_march(make, time)


def _add_a_card(invoice: int) -> None:
    keep(fetch(Invoice, invoice).user_id, "fake-valid-mastercard-nonce")


def _bill_by_invoice(invoice: int) -> None:
    set_billing_method(fetch(Invoice, invoice).user_id, BillingMethod.INVOICE, actor=STAFF)


def _pay_it(invoice: int) -> None:
    assert pay(invoice).outcome == "paid"


def _write_it_off(invoice: int) -> None:
    crediting.credit_invoice(
        invoice, amount=SOFT_DECLINE, shown_balance=SOFT_DECLINE, reason="x", actor=STAFF
    )


def _set_it_back(invoice: int) -> None:
    set_back_to_draft(invoice, reason="x", actor=STAFF)


def _delete_it(invoice: int) -> None:
    _set_it_back(invoice)
    invoicing.delete_invoice(invoice, actor=STAFF)


def _charge_it_by_hand(invoice: int) -> None:
    assert charge(invoice).outcome == "paid"


@pytest.mark.parametrize(
    "stop",
    [
        _add_a_card,
        _bill_by_invoice,
        _pay_it,
        _write_it_off,
        _set_it_back,
        _delete_it,
        _charge_it_by_hand,
    ],
    ids=lambda stop: stop.__name__.strip("_"),
)
def test_it_is_not_charged_again_after(
    failed: int, sandbox: Any, time: Any, stop: Callable[[int], None]
) -> None:
    let_the_card_work(sandbox)
    stop(failed)
    assert plan(failed) == (None, 0)
    before = len(sandbox.transactions())
    time.advance(days=30)
    assert due_retries() == []
    assert refusal_of(lambda: retry_charge(failed)).code == "not_due"
    assert len(sandbox.transactions()) == before


def test_a_new_card_says_why_in_the_invoices_history(failed: int) -> None:
    _add_a_card(failed)
    [row] = rows_of(History, History.verb == "stop_retry")
    assert (row.record, row.record_id, row.reason) == (
        "invoice",
        failed,
        "A payment method was added.",
    )
    assert row.details == {"changes": {"retry_on": ["2027-03-04", None]}}


def test_staff_who_charge_by_hand_and_are_declined_go_on_with_the_count(
    failed: int, time: Any
) -> None:
    time.advance(days=1)
    charge(failed)
    assert plan(failed) == (dt.date(2027, 3, 7), 2)


def test_a_typed_card_that_is_declined_changes_no_plan(
    failed: int, sandbox: Any, time: Any
) -> None:
    let_the_card_work(sandbox)
    assert pay(failed, "fake-processor-declined-visa-nonce").outcome == "declined"
    assert plan(failed) == (MARCH_4, 1)
    assert fetch(Invoice, failed).state == "failed"


def test_a_customers_own_try_with_the_method_uses_up_none(failed: int, time: Any) -> None:
    attempt = own_method.pay_with_method([failed], shown_total=SOFT_DECLINE, actor=CUSTOMER)
    assert attempt.outcome == "declined"
    assert plan(failed) == (MARCH_4, 1)


def _remove_the_card(user: int) -> None:
    for method in rows_of(PaymentMethod, PaymentMethod.user_id == user):
        with transaction() as session:
            lock(session, PaymentMethod, method.id).removed_at = clock.now()


def _let_the_card_expire(user: int) -> None:
    for method in rows_of(PaymentMethod, PaymentMethod.user_id == user):
        with transaction() as session:
            lock(session, PaymentMethod, method.id).expires_on = dt.date(2027, 2, 28)


def _bill_by_invoice_past_the_verb(user: int) -> None:
    with transaction() as session:
        lock(session, User, user).billing_method = BillingMethod.INVOICE


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_remove_the_card, "This user has no payment method on file."),
        (
            _let_the_card_expire,
            "The card on file expired on February 28, 2027; ask the customer for a new one.",
        ),
        (
            _bill_by_invoice_past_the_verb,
            "This user's billing method is invoice: nothing is charged to a registered method.",
        ),
    ],
)
def test_what_can_never_be_charged_loses_its_plan_and_says_why(
    failed: int, sandbox: Any, time: Any, change: Callable[[int], None], why: str
) -> None:
    change(fetch(Invoice, failed).user_id)
    time.advance(days=3)
    assert retry_all() == [None]
    assert fetch(Invoice, failed).retry_on is None
    [row] = rows_of(History, History.verb == "stop_retry")
    assert row.reason == why
    assert len(sandbox.transactions()) == 1


def test_a_card_is_good_until_the_end_of_the_offices_day(
    make: Factory, sandbox: Any, time: Any
) -> None:
    make.settings(timezone="America/Chicago")
    time.set(dt.datetime(2027, 3, 1, 5, 59, tzinfo=dt.UTC))
    good, ended = chargeable(make, 2000), chargeable(make, 2100)
    for invoice in (good, ended):
        _let_the_card_expire(fetch(Invoice, invoice).user_id)
    assert charge(good).outcome == "paid"
    time.advance(minutes=2)
    refusal = refusal_of(lambda: charge(ended))
    assert refusal.code == "method_expired"
    assert "ask the customer for a new one" in refusal.sentence
    assert len(sandbox.transactions()) == 1
