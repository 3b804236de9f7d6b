"""A card hold at the counter: seen, processed or released by whoever is there, until it expires."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import crediting, in_person, runtime
from billing.braintree_gateway import BraintreeGateway
from billing.errors import Refusal
from billing.gateway import Account
from config import SANDBOX_ACCOUNT
from jobs import sweeps
from models import Invoice, Payment
from models.states import InvoiceState, PaymentState
from tests.admin.counter import (
    at_counter,
    hold_on,
    paying,
    step,
    text_of,
)
from tests.billing.helpers import pay, rows_of
from tests.support import STAFF, Factory, emails, fetch, payments_of, sign_in

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


@pytest.fixture
def second(app: Any, make: Factory) -> FlaskClient:
    """Another member of staff."""
    client: FlaskClient = app.test_client()
    sign_in(client, make.staff(name="Robin Second"))
    return client


def test_a_second_member_of_staff_sees_and_processes_the_hold(
    make: Factory, staff_client: Build, post: Post, second: FlaskClient, sandbox: Any
) -> None:
    invoice = make.invoice()
    first = staff_client()
    hold = hold_on(post, first, invoice)
    eye = text_of(second.get(f"/admin/invoice/details/?id={invoice}"))
    assert f'href="{at_counter(invoice)}"' in eye
    page = text_of(second.get(at_counter(invoice)))
    assert "$20.00 is on hold" in page
    assert "Sam Staff" in page
    refused = post(second, at_counter(invoice), paying(invoice, "cash"))
    assert refused.status_code == 422
    assert "$20.00 is on hold" in text_of(refused)
    assert post(second, at_counter(invoice), step(hold, "capture")).status_code == 303
    late = post(first, at_counter(invoice), step(hold, "capture"))
    assert late.status_code == 303
    assert "was processed already" in text_of(first.get(late.location))
    assert [p.state for p in payments_of(invoice)] == [PaymentState.SUBMITTED]
    assert emails("receipt") == []


def test_after_the_sign_in_expired_the_hold_is_still_there(
    make: Factory, staff_client: Build, post: Post, client: FlaskClient, sandbox: Any
) -> None:
    invoice = make.invoice()
    hold = hold_on(post, staff_client(), invoice)
    sent = post(client, at_counter(invoice), step(hold, "capture"))
    assert "/admin/login" in sent.location
    assert fetch(Payment, hold.id).state is PaymentState.AUTHORISED
    back = staff_client()
    eye = text_of(back.get(f"/admin/invoice/details/?id={invoice}"))
    assert "$20.00 is on hold on Visa ending in 1111" in eye
    assert "Process or release it" in eye
    assert post(back, at_counter(invoice), step(hold, "capture")).status_code == 303


def test_released_by_somebody_else_it_can_be_paid_otherwise(
    make: Factory, staff_client: Build, post: Post, second: FlaskClient, sandbox: Any
) -> None:
    invoice = make.invoice()
    first = staff_client()
    hold = hold_on(post, first, invoice)
    answer = post(second, at_counter(invoice), step(hold, "release"))
    assert answer.location == at_counter(invoice)
    assert "The hold was released. Nothing was charged." in text_of(second.get(answer.location))
    assert sandbox.transactions(hold.reference)[0]["status"] == "voided"
    late = post(first, at_counter(invoice), step(hold, "capture"))
    assert late.status_code == 422
    assert "Authorize the card first." in text_of(late)
    assert post(first, at_counter(invoice), paying(invoice, "cash")).status_code == 303
    assert fetch(Invoice, invoice).state is InvoiceState.PAID


def test_an_expired_hold_is_refused_and_can_only_be_released(
    make: Factory, staff_client: Build, post: Post, sandbox: Any, time: Any
) -> None:
    invoice = make.invoice()
    client = staff_client()
    hold = hold_on(post, client, invoice)
    time.advance(days=40)
    page = text_of(client.get(at_counter(invoice)))
    assert "The hold on the card has expired. Authorize again." in page
    answer = post(client, at_counter(invoice), step(hold, "capture"))
    assert answer.status_code == 422
    assert "The hold on the card has expired." in text_of(answer)
    assert fetch(Invoice, invoice).state is InvoiceState.SENT
    assert post(client, at_counter(invoice), step(hold, "release")).status_code == 303
    assert "Form of payment" in text_of(client.get(at_counter(invoice)))


def test_a_hold_keeps_the_invoice_as_it_is(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    invoice = make.invoice()
    hold_on(post, staff_client(), invoice)
    with pytest.raises(Refusal, match=r"Sam Staff has a card on hold for \$20.00"):
        crediting.credit_invoice(
            invoice, amount=100, shown_balance=2000, reason="Kindness", actor=STAFF
        )


def test_the_customers_payment_is_refused_while_a_hold_waits(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    invoice = make.invoice()
    hold_on(post, staff_client(), invoice)
    with pytest.raises(Refusal, match="is being processed already"):
        pay(invoice)
    assert len(rows_of(Payment)) == 1


def test_an_unreachable_gateway_keeps_the_hold(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    invoice = make.invoice()
    client = staff_client()
    hold = hold_on(post, client, invoice)
    real = runtime.current()
    nowhere = Account("local", *SANDBOX_ACCOUNT, url="http://127.0.0.1:9")
    runtime.bind(dataclasses.replace(real, gateway=BraintreeGateway(nowhere)))
    try:
        answer = post(client, at_counter(invoice), step(hold, "capture"))
    finally:
        runtime.bind(real)
    page = text_of(answer)
    assert answer.status_code == 422
    assert "It could not be processed: Gateway not reachable. The hold is still there." in page
    assert "$20.00 is on hold" in page
    assert fetch(Payment, hold.id).state is PaymentState.AUTHORISED


def test_the_job_releases_what_nobody_processed(
    make: Factory, staff_client: Build, post: Post, sandbox: Any, time: Any
) -> None:
    make.settings(hold_minutes=30)
    invoice = make.invoice()
    client = staff_client()
    hold = hold_on(post, client, invoice)
    time.advance(minutes=31)
    assert in_person.stale_holds() == [hold.id]
    sweeps.release_holds([])
    page = text_of(client.get(f"{at_counter(invoice)}&attempt={hold.id}"))
    assert "The hold was released. Nothing was charged." in page
