"""The strip of a failed invoice: why, whether it may work later, and what comes next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import billing_choice, charging
from billing.reasons import reason_in_words
from models import Invoice, Payment
from models.states import BillingMethod, InvoiceState
from tests.admin.counter import text_of
from tests.admin.test_redraft_pending import eye
from tests.billing.helpers import HARD_DECLINE, SEPA, SOFT_DECLINE, charge, check_all, keep, pay
from tests.conftest import Gateway
from tests.support import STAFF, Factory, fetch, payments_of

Build = Callable[..., FlaskClient]


class TestFailed:
    @pytest.mark.parametrize(
        ("total", "outlook", "next_try"),
        [
            (SOFT_DECLINE, "It may work later", "It is charged again on "),
            (HARD_DECLINE, "It will not work again", "It is not charged again by itself."),
        ],
    )
    def test_why_and_what_next(
        self,
        make: Factory,
        sandbox: Gateway,
        staff_client: Build,
        total: int,
        outlook: str,
        next_try: str,
    ) -> None:
        user = make.user()
        keep(user)
        invoice = make.invoice(user, total=total)
        assert charge(invoice).outcome == "declined"
        strip = self._strip(staff_client(), invoice)
        [payment] = payments_of(invoice)
        words = reason_in_words(payment.code, soft=payment.soft)
        assert f"(code {payment.code})" in strip
        assert "could not be charged to Visa ending in 1111 on " in strip
        assert f"In words for the customer: “{words}”." in strip
        assert outlook in strip
        assert next_try in strip
        assert f"/admin/invoice/charge/customer/?id={invoice}" in strip

    def test_the_guard_says_why_it_cannot_be_charged_now(
        self, make: Factory, sandbox: Gateway, staff_client: Build
    ) -> None:
        user = make.user()
        keep(user)
        invoice = make.invoice(user, total=SOFT_DECLINE)
        charge(invoice)
        billing_choice.set_billing_method(user, BillingMethod.INVOICE, actor=STAFF)
        strip = self._strip(staff_client(), invoice)
        assert "billing method is invoice" in strip
        assert "It is not charged again by itself." in strip
        assert "/admin/invoice/charge/" not in strip
        looker = self._strip(staff_client(["invoices.view"]), invoice)
        assert "Charge customer" not in looker
        assert "/admin/payment/" not in looker

    def test_a_customers_own_declined_card_is_not_why(
        self, make: Factory, sandbox: Gateway, staff_client: Build
    ) -> None:
        user = make.user()
        keep(user)
        invoice = make.invoice(user, total=HARD_DECLINE)
        charge(invoice)
        pay(invoice)
        strip = self._strip(staff_client(), invoice)
        assert f"/admin/payment/details/?id={payments_of(invoice)[0].id}" in strip

    def test_a_returned_debit(
        self, make: Factory, sandbox: Gateway, staff_client: Build, time: Any
    ) -> None:
        user = make.user()
        keep(user, SEPA)
        invoice = make.invoice(user)
        payment = charge(invoice).payment_id
        sandbox.advance(days=4)
        time.advance(days=4)
        check_all()
        assert fetch(Invoice, invoice).state is InvoiceState.PAID
        gateway_id = fetch(Payment, payment).gateway_id
        sandbox.control(f"transactions/{gateway_id}/return")
        check_all()
        assert fetch(Invoice, invoice).state is InvoiceState.FAILED
        strip = self._strip(staff_client(), invoice)
        assert "came back from the bank on " in strip

    def test_only_failed_invoices_have_one(
        self, make: Factory, sandbox: Gateway, staff_client: Build
    ) -> None:
        user = make.user()
        keep(user)
        invoice = make.invoice(user)
        client = staff_client()
        assert 'aria-label="Why it failed"' not in text_of(client.get(eye("invoice", invoice)))
        charging.charge_customer(invoice, shown_balance=2000, actor=STAFF)
        assert 'aria-label="Why it failed"' not in text_of(client.get(eye("invoice", invoice)))

    def _strip(self, client: FlaskClient, invoice: int) -> str:
        page = text_of(client.get(eye("invoice", invoice)))
        return page.split('aria-label="Why it failed"')[1].split("</section>")[0]
