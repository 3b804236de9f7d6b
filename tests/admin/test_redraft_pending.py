"""Set back to draft in the browser while a debit is on its way, and what becomes of its money."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import billing_choice, own_method
from billing.database import transaction
from models import Invoice, Payment, User
from models.states import BillingMethod, InvoiceState, PaymentState
from tests.admin.counter import at_counter, paying, text_of
from tests.billing.helpers import (
    CUSTOMER,
    SEPA,
    SOFT_DECLINE,
    charge,
    check_all,
    debit_pending,
    everything,
    keep,
)
from tests.conftest import Gateway
from tests.support import STAFF, Factory, fetch, payments_of

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]
REASON = "They pay by check"
ON_ITS_WAY = "A debit of $20.00 that could not be stopped is still on its way."
ARRIVED = "A debit of $20.00 that could not be stopped has arrived."


def at(invoice_id: Any) -> str:
    return f"/admin/invoice/do/redraft/?id={invoice_id}"


def eye(kind: str, record_id: int) -> str:
    return f"/admin/{kind}/details/?id={record_id}"


def refunding(payment_id: int) -> str:
    return f"/admin/payment/do/refund/?id={payment_id}"


def applying(payment_id: int) -> str:
    return f"/admin/payment/do/apply/?id={payment_id}"


@pytest.fixture
def pending(make: Factory, sandbox: Gateway) -> int:
    """An invoice whose direct debit is with the bank."""
    return debit_pending(make)


def set_back(client: FlaskClient, post: Post, invoice: int) -> Any:
    ticked = {"reason": REASON, "switch_billing_method": "y", "confirmed": "y"}
    answer = post(client, at(invoice), ticked)
    assert answer.status_code == 303
    return answer


class TestForm:
    def test_it_says_that_the_bank_has_it_and_asks_nobody(
        self, pending: int, staff_client: Build, sandbox: Gateway
    ) -> None:
        client = staff_client()
        sandbox.fault("*", "drop", "before", times=50)
        before = everything()
        page = text_of(client.get(at(pending)))
        assert "A payment of $20.00 is on its way." in page
        assert "it probably can’t be stopped any more" in page
        assert 'name="confirmed"' not in page
        switch = page.split('name="switch_billing_method"')[0].rsplit("<input", 1)[1]
        assert "checked" in switch + page.split('name="switch_billing_method"')[1].split(">")[0]
        assert everything() == before

    def test_it_says_that_a_void_will_probably_do(self, pending: int, staff_client: Build) -> None:
        [payment] = payments_of(pending)
        with transaction() as session:
            session.get_one(Payment, payment.id).gateway_status = "submitted_for_settlement"
        page = text_of(staff_client().get(at(pending)))
        assert "It can probably still be stopped: the gateway is asked to void it first." in page

    def test_it_counts_the_other_charges_that_stop(
        self, pending: int, make: Factory, staff_client: Build
    ) -> None:
        user = fetch(Invoice, pending).user_id
        keep(user)
        other = make.invoice(user, total=SOFT_DECLINE)
        assert charge(other).outcome == "declined"
        page = text_of(staff_client().get(at(pending)))
        assert "That also stops 1 planned charge of this user." in page

    def test_without_the_right_to_switch_it_says_who_can(
        self, pending: int, staff_client: Build, post: Post
    ) -> None:
        client = staff_client(["invoices.view", "invoices.redraft"])
        page = text_of(client.get(at(pending)))
        assert "Somebody who may change how customers are billed" in page
        assert 'name="switch_billing_method"' not in page
        ticked = {"reason": REASON, "switch_billing_method": "y", "confirmed": "y"}
        answer = post(client, at(pending), ticked)
        assert answer.status_code == 422
        assert "still charges. Set it to invoice as well." in text_of(answer)
        assert fetch(Invoice, pending).state is InvoiceState.PENDING
        user = fetch(Invoice, pending).user_id
        assert fetch(User, user).billing_method is BillingMethod.GATEWAY
        billing_choice.set_billing_method(user, BillingMethod.INVOICE, actor=STAFF)
        answer = post(client, at(pending), {"reason": REASON, "confirmed": "y"})
        assert answer.status_code == 303


class TestSettingBack:
    def test_what_was_voided_is_said_to_be_stopped(
        self, pending: int, sandbox: Gateway, staff_client: Build, post: Post
    ) -> None:
        sandbox.control("settings", {"bank_debits_voidable": True})
        client = staff_client()
        typed = {"reason": REASON, "switch_billing_method": "y"}
        answer = post(client, at(pending), typed)
        assert answer.status_code == 303
        page = text_of(client.get(answer.location))
        assert "The payment of $20.00 was stopped; nothing is charged." in page
        assert ON_ITS_WAY not in page
        assert payments_of(pending)[0].state is PaymentState.VOIDED

    def test_it_asks_once_more_and_keeps_what_was_typed(
        self, pending: int, staff_client: Build, post: Post
    ) -> None:
        client = staff_client()
        typed = {"reason": REASON, "switch_billing_method": "y"}
        answer = post(client, at(pending), typed)
        assert answer.status_code == 422
        page = text_of(answer)
        assert "It can’t be stopped any more." in page
        assert "Set back all the same" in page
        assert 'name="confirmed"' in page
        assert REASON in page
        assert fetch(Invoice, pending).state is InvoiceState.PENDING

    def test_afterwards_the_draft_offers_the_manual_payment(
        self, pending: int, staff_client: Build, post: Post
    ) -> None:
        client = staff_client()
        answer = set_back(client, post, pending)
        page = text_of(client.get(answer.location))
        assert "could not be stopped; you are told if it arrives" in page
        assert "This invoice is a draft again." in page
        strip = page.split('aria-label="A draft again"')[1].split("</section>")[0]
        assert at_counter(pending) in strip
        assert ON_ITS_WAY in page
        assert refunding(payments_of(pending)[0].id) not in page

    def test_a_new_draft_says_nothing_of_the_kind(self, make: Factory, staff_client: Build) -> None:
        page = text_of(staff_client().get(eye("invoice", make.invoice(state="draft"))))
        assert "is a draft again" not in page


def test_debit_pending_back_to_draft_cash_the_debit_arrives_and_is_refunded(
    pending: int, sandbox: Gateway, staff_client: Build, post: Post, time: Any
) -> None:
    client = staff_client()
    set_back(client, post, pending)
    cash = paying(pending, "cash", received="20.00")
    assert post(client, at_counter(pending), cash).status_code == 303
    assert fetch(Invoice, pending).state is InvoiceState.PAID
    sandbox.advance(days=4)
    time.advance(days=4)
    check_all()
    late = payments_of(pending)[0]
    assert late.unapplied == 2000
    for page in (
        eye("invoice", pending),
        eye("payment", late.id),
        eye("user", late.user_id),
    ):
        shown = text_of(client.get(page))
        assert refunding(late.id) in shown
        assert applying(late.id) in shown
    assert ARRIVED in text_of(client.get(eye("invoice", pending)))
    assert eye("payment", late.id) in text_of(client.get("/admin/"))
    form = {"amount": "20.00", "shown_left": "2000", "reason": "Paid twice"}
    answer = post(client, refunding(late.id), form)
    assert answer.status_code == 303
    for page in (eye("invoice", pending), eye("user", late.user_id)):
        assert refunding(late.id) not in text_of(client.get(page))
    assert fetch(Invoice, pending).state is InvoiceState.PAID


def test_the_debit_that_arrives_can_be_applied_to_the_invoice_again(
    pending: int, sandbox: Gateway, staff_client: Build, post: Post, time: Any
) -> None:
    client = staff_client()
    set_back(client, post, pending)
    sandbox.advance(days=4)
    time.advance(days=4)
    check_all()
    assert post(client, f"/admin/invoice/do/send/?id={pending}").status_code == 303
    late = payments_of(pending)[0]
    form = {"invoice": str(pending), "amount": "20.00", "shown_left": "2000"}
    assert post(client, applying(late.id), form).status_code == 303
    assert fetch(Invoice, pending).state is InvoiceState.PAID
    assert ARRIVED not in text_of(client.get(eye("invoice", pending)))


def test_of_a_debit_over_several_only_the_share_of_this_invoice_is_given_up(
    make: Factory, sandbox: Gateway, time: Any, staff_client: Build, post: Post
) -> None:
    user = make.user()
    keep(user, SEPA)
    first, second = make.invoice(user, total=2000), make.invoice(user, total=500)
    own_method.pay_with_method([first, second], shown_total=2500, actor=CUSTOMER)
    client = staff_client()
    set_back(client, post, first)
    assert ON_ITS_WAY in text_of(client.get(eye("invoice", first)))
    assert "could not be stopped" not in text_of(client.get(eye("invoice", second)))
    sandbox.advance(days=4)
    time.advance(days=4)
    check_all()
    assert ARRIVED in text_of(client.get(eye("invoice", first)))
    assert "could not be stopped" not in text_of(client.get(eye("invoice", second)))
    assert fetch(Invoice, second).state is InvoiceState.PAID


def test_who_may_not_see_payments_is_told_nothing_of_them(
    pending: int, staff_client: Build, post: Post
) -> None:
    set_back(staff_client(), post, pending)
    looker = staff_client(["invoices.view", "users.view"])
    assert ON_ITS_WAY not in text_of(looker.get(eye("invoice", pending)))
