"""Process Invoice In-Person with a card: authorize first, then process, by whoever is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import reconciliation
from models import Invoice, Payment
from models.states import InvoiceState, PaymentState
from tests.admin.counter import (
    VISA,
    at_counter,
    hold_on,
    newest_payment,
    paying,
    step,
    text_of,
)
from tests.support import Factory, emails, fetch, payments_of

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


def test_authorizing_shows_the_hold_and_processing_captures_it(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    invoice = make.invoice(make.user(email="maria@example.org"))
    client = staff_client()
    hold = hold_on(post, client, invoice)
    assert (hold.state, hold.amount) == (PaymentState.AUTHORISED, 2000)
    assert fetch(Invoice, invoice).state is InvoiceState.SENT
    page = text_of(client.get(f"{at_counter(invoice)}&attempt={hold.id}"))
    for words in ("$20.00 is on hold", "1111", "Sam Staff", "Expires", "Release hold"):
        assert words in page
    assert 'name="send_receipt" value="y" checked' in page
    answer = post(client, at_counter(invoice), step(hold, "capture", send_receipt="y"))
    assert answer.location == f"/admin/invoice/details/?id={invoice}"
    told = text_of(client.get(answer.location))
    assert "$20.00 by card was recorded. The receipt is e-mailed to maria@example.org." in told
    assert fetch(Invoice, invoice).state is InvoiceState.PAID
    assert len(emails("receipt")) == 1
    [sale] = sandbox.transactions(hold.reference)
    assert sale["status"] == "submitted_for_settlement"


def test_process_without_a_hold_is_refused_by_the_server(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    invoice, other = make.invoice(), make.invoice()
    client = staff_client()
    elsewhere = hold_on(post, client, other)
    for form in (
        paying(invoice, "card", nonce=VISA),
        {"do": "capture"},
        {"do": "capture", "hold": "x"},
        step(elsewhere, "capture"),
    ):
        answer = post(client, at_counter(invoice), form)
        assert answer.status_code == 422
        assert "Authorize the card first." in text_of(answer)
    released = post(client, at_counter(invoice), step(elsewhere, "release"))
    assert "There is no card hold to release." in text_of(released)
    assert payments_of(invoice) == []
    assert fetch(Payment, elsewhere.id).state is PaymentState.AUTHORISED


def test_a_declined_card_says_why_with_the_code_and_keeps_the_amount(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    # The sandbox declines by amount: 2,001.00 is "insufficient funds".
    invoice = make.invoice(total=250_000)
    client = staff_client()
    form = paying(invoice, "card", "2001.00", do="authorise", nonce=VISA)
    answer = post(client, at_counter(invoice), form)
    assert answer.status_code == 303
    page = text_of(client.get(answer.location))
    declined = newest_payment()
    assert declined.state is PaymentState.DECLINED
    assert f"The card was declined: {declined.message} (code {declined.code})." in page
    assert "Nothing was charged." in page
    assert declined.code == "2001"
    assert 'value="2001.00"' in page
    assert fetch(Invoice, invoice).state is InvoiceState.SENT
    assert hold_on(post, client, invoice, amount="10").state is PaymentState.AUTHORISED


def test_an_unknown_outcome_is_checked_by_a_page_that_looks_again(
    make: Factory, staff_client: Build, post: Post, sandbox: Any, time: Any
) -> None:
    invoice = make.invoice()
    client = staff_client()
    sandbox.fault("sale", "drop", "after")
    form = paying(invoice, "card", do="authorise", nonce=VISA)
    answer = post(client, at_counter(invoice), form)
    [payment] = payments_of(invoice)
    assert payment.state is PaymentState.STARTED
    page = text_of(client.get(answer.location))
    assert "We are checking this payment with the bank." in page
    again = f"/admin/invoice/in-person/?id={invoice}&attempt={payment.id}"
    assert f'content="4; url={again}"' in page
    reconciliation.check_payment(payment.id)
    assert "$20.00 is on hold" in text_of(client.get(again))


def test_a_capture_nobody_answered_is_checked_and_ends_paid(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    invoice = make.invoice()
    client = staff_client()
    hold = hold_on(post, client, invoice)
    sandbox.fault("capture", "drop", "after")
    answer = post(client, at_counter(invoice), step(hold, "capture", send_receipt="y"))
    page = text_of(client.get(answer.location))
    assert "We are checking this payment with the bank." in page
    twice = post(client, at_counter(invoice), step(hold, "capture"))
    assert twice.status_code == 422
    reconciliation.check_payment(hold.id)
    ended = client.get(answer.location)
    assert ended.location == f"/admin/invoice/details/?id={invoice}"
    assert fetch(Invoice, invoice).state is InvoiceState.PAID
    assert len(emails("receipt")) == len(payments_of(invoice)) == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"amount": "0"}, "The amount must be more than zero."),
        ({"amount": "20.01"}, "Only $20.00 is left to pay."),
        ({"shown_balance": "1500"}, "The amount has changed: $20.00 is to pay now."),
        ({"nonce": ""}, "The card details did not arrive."),
        ({"nonce": "x" * 256}, "The card details did not arrive."),
    ],
)
def test_refusals_of_an_authorization_keep_the_page(
    make: Factory,
    staff_client: Build,
    post: Post,
    sandbox: Any,
    typed: dict[str, str],
    sentence: str,
) -> None:
    invoice = make.invoice()
    form = paying(invoice, "card", "12.50", do="authorise", nonce=VISA)
    answer = post(staff_client(), at_counter(invoice), {**form, **typed})
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert typed.get("amount", "12.50") in text_of(answer)
    assert payments_of(invoice) == []


def test_a_used_up_card_says_that_nothing_was_charged(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    invoice = make.invoice()
    client = staff_client()
    form = paying(invoice, "card", do="authorise", nonce="fake-consumed-nonce")
    page = text_of(client.get(post(client, at_counter(invoice), form).location))
    assert "The card was not charged:" in page
    assert "Form of payment" in page


def test_a_part_on_hold_leaves_the_rest(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    invoice = make.invoice()
    client = staff_client()
    hold = hold_on(post, client, invoice, amount="7.50")
    assert post(client, at_counter(invoice), step(hold, "capture")).status_code == 303
    paid = fetch(Invoice, invoice)
    assert (paid.state, paid.balance) == (InvoiceState.SENT, 1250)


def test_the_card_fields_get_what_they_start_with_or_a_plain_no(
    make: Factory, staff_client: Build, sandbox: Any
) -> None:
    invoice = make.invoice()
    client = staff_client()
    address = f"/admin/invoice/in-person/card-fields/?id={invoice}"
    answer = client.get(address)
    assert len(answer.get_json()["authorization"]) > 20
    assert answer.headers["Cache-Control"] == "no-store"
    page = client.get(at_counter(invoice))
    assert f'data-fields="{address}"' in text_of(page)
    assert 'nonce="' in text_of(page)
    assert "script-src 'self' http://127.0.0.1" in page.headers["Content-Security-Policy"]
    sandbox.fault("client_token", "status", "before", status=503)
    assert client.get(address).status_code == 503
