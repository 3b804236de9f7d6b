"""Paying through the page's form: the server's amount, once, and an honest page for each end."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html

from billing import in_person, reconciliation, runtime
from billing.database import transaction
from config import Config
from models import Credit, Invoice, Payment, db
from tests.billing.helpers import SEPA, keep
from tests.support import STAFF, Clock, Factory, all_of, emails, fetch, payments_of
from wsgi import create_app

Link = Callable[[int], str]
Pay = Callable[..., Any]


def follow(client: FlaskClient, response: Any) -> str:
    """The page a POST leads to, by GET."""
    assert response.status_code == 303
    return " ".join(client.get(response.headers["Location"]).get_data(as_text=True).split())


def test_paid(client: FlaskClient, make: Factory, link: Link, pay: Pay, sandbox: Any) -> None:
    invoice_id = make.invoice()
    page = follow(client, pay(client, invoice_id))
    assert "This invoice has been paid." in page
    assert "You paid $20.00" in page
    assert "View Receipt" in page
    assert "A receipt is on its way to" in page
    assert fetch(Invoice, invoice_id).state == "paid"
    assert len(emails("receipt")) == 1
    receipt = client.get(f"{link(invoice_id)}/receipt").get_data(as_text=True)
    payment = payments_of(invoice_id)[0]
    assert payment.reference in receipt
    assert "Visa ending in" in receipt
    for paper in ("invoice.pdf", f"receipt/{payment.id}.pdf"):
        file = client.get(f"{link(invoice_id)}/{paper}")
        assert file.mimetype == "application/pdf"
        assert file.data.startswith(b"%PDF-")


def test_amount_currency_and_invoice_of_the_browser_are_ignored(
    client: FlaskClient, make: Factory, pay: Pay, sandbox: Any
) -> None:
    other = make.invoice(total=100)
    invoice_id = make.invoice(total=2000)
    tampered = {"amount": "0.01", "currency": "JPY", "invoice_id": str(other), "total": "1"}
    follow(client, pay(client, invoice_id, **tampered))
    payment = payments_of(invoice_id)[0]
    assert (payment.amount, payment.currency) == (2000, "USD")
    (charged,) = sandbox.transactions(payment.reference)
    assert str(charged["amount"]) in ("20.00", "20.0", "20")
    assert payments_of(other) == []


def test_the_billing_address_goes_to_the_gateway(
    client: FlaskClient, make: Factory, pay: Pay, sandbox: Any
) -> None:
    invoice_id = make.invoice()
    follow(client, pay(client, invoice_id, street="12 Elm Street", postal_code="62704"))
    sdk = runtime.current().gateway._own()  # type: ignore[attr-defined]
    kept = sdk.transaction.find(payments_of(invoice_id)[0].gateway_id).billing_details
    assert (kept.street_address, kept.postal_code) == ("12 Elm Street", "62704")


@pytest.mark.parametrize("shown", ["1", "1999", "200000"])
def test_another_amount_than_shown_charges_nothing(
    client: FlaskClient, make: Factory, pay: Pay, sandbox: Any, shown: str
) -> None:
    invoice_id = make.invoice()
    page = follow(client, pay(client, invoice_id, shown_balance=shown))
    assert "The amount has changed" in page
    assert "Pay $20.00" in page
    assert all_of(Payment) == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"nonce": ""}, "Your card details did not reach us."),
        ({"nonce": "n" * 256}, "Your card details did not reach us."),
        ({"shown_balance": ""}, "The page was not complete."),
        ({"shown_balance": "-1"}, "The page was not complete."),
        ({"shown_balance": "1e3"}, "The page was not complete."),
        ({"shown_balance": "٣"}, "The page was not complete."),
        ({"shown_balance": "9" * 40}, "The page was not complete."),
        ({"holder": ""}, "Please enter the name on the card."),
        ({"holder": "n" * 161}, "Please shorten the name on the card."),
        ({"postal_code": "9" * 21}, "Please check the billing postal code."),
        ({"street": "9" * 201}, "Please shorten the billing street."),
    ],
)
def test_bad_input_gets_a_sentence_and_changes_nothing(
    client: FlaskClient,
    make: Factory,
    pay: Pay,
    sandbox: Any,
    fields: dict[str, str],
    sentence: str,
) -> None:
    invoice_id = make.invoice()
    page = follow(client, pay(client, invoice_id, **fields))
    assert f"{sentence} Nothing was charged." in page
    assert all_of(Payment) == []
    assert fetch(Invoice, invoice_id).state == "sent"


def test_without_its_token_the_form_does_nothing(
    client: FlaskClient, make: Factory, link: Link, sandbox: Any
) -> None:
    invoice_id = make.invoice()
    data = {"nonce": "fake-valid-nonce", "shown_balance": "2000", "holder": "M"}
    response = client.post(f"{link(invoice_id)}/pay", data=data)
    assert response.status_code == 400
    assert "nothing was charged" in response.get_data(as_text=True)
    assert "Back to the invoice" in response.get_data(as_text=True)
    assert client.post(f"{link(invoice_id)}/viewed").status_code == 400
    assert all_of(Payment) == []
    assert fetch(Invoice, invoice_id).viewed_at is None


def test_without_cookies_the_form_does_nothing(
    app: Flask, client: FlaskClient, make: Factory, link: Link, sandbox: Any
) -> None:
    invoice_id = make.invoice()
    token = html.fromstring(client.get(link(invoice_id)).text).xpath(
        "//input[@name='csrf_token']/@value"
    )[0]
    data = {
        "csrf_token": token,
        "nonce": "fake-valid-nonce",
        "shown_balance": "2000",
        "holder": "M",
    }
    response = app.test_client(use_cookies=False).post(f"{link(invoice_id)}/pay", data=data)
    assert response.status_code == 400
    assert "only with cookies switched on" in response.text
    assert all_of(Payment) == []
    assert sandbox.transactions() == []


def test_a_bank_account_is_no_card(
    client: FlaskClient, make: Factory, pay: Pay, sandbox: Any
) -> None:
    make.settings(direct_debit=True)
    invoice_id = make.invoice()
    page = follow(client, pay(client, invoice_id, nonce=SEPA))
    assert "Only cards can be used here. Nothing was charged." in page
    assert "Pay $20.00" in page
    assert sandbox.transactions() == []
    assert fetch(Invoice, invoice_id).state == "sent"


def test_who_else_is_paying_is_not_told(
    client: FlaskClient, make: Factory, pay: Pay, sandbox: Any
) -> None:
    invoice_id = make.invoice()
    in_person.authorise_card(
        invoice_id, nonce="fake-valid-nonce", amount=1500, shown_balance=2000, actor=STAFF
    )
    page = follow(client, pay(client, invoice_id))
    assert "A payment is being processed already. Please do not pay again." in page
    assert STAFF.name not in page
    assert "15.00" not in page


def test_a_link_shows_its_invoice_and_nothing_else_to_whoever_is_signed_in(
    make: Factory, link: Link, customer_client: Callable[[int], FlaskClient], sandbox: Any
) -> None:
    me = make.user("Zoë Someone", email="zoe@example.org")
    keep(me)
    mine, theirs = make.invoice(me, total=7700), make.invoice(make.user("Maria Alvarez"))
    client = customer_client(me)
    page = client.get(link(theirs)).text
    assert str(fetch(Invoice, theirs)) in page
    assert "Maria Alvarez" in page
    for private in ("Zoë", "zoe@example.org", "77.00", str(fetch(Invoice, mine)), "own-method"):
        assert private not in page


def test_paying_over_https_needs_no_referrer(
    client: FlaskClient, make: Factory, link: Link, post: Callable[..., Any], sandbox: Any
) -> None:
    """The page sends none, and Flask-WTF would by default refuse every payment for that."""
    invoice_id = make.invoice()
    data = {"nonce": "fake-valid-nonce", "shown_balance": "2000", "holder": "M"}
    response = post(client, f"{link(invoice_id)}/pay", data, base_url="https://localhost")
    assert response.status_code == 303
    assert fetch(Invoice, invoice_id).state == "paid"


def test_declined(client: FlaskClient, make: Factory, pay: Pay, sandbox: Any) -> None:
    invoice_id = make.invoice(total=200_100)
    page = follow(client, pay(client, invoice_id))
    assert "Your card was declined" in page
    assert "Nothing was charged." in page
    assert "Try another card" in page
    payment = payments_of(invoice_id)[0]
    assert payment.code == "2001"
    assert payment.message
    assert payment.message not in page
    assert "2001" not in page.replace("$2,001.00", "").split("<main")[1].split("</main>")[0]
    assert fetch(Invoice, invoice_id).state == "sent"


def test_unknown_then_known(
    client: FlaskClient, make: Factory, link: Link, pay: Pay, sandbox: Any, time: Clock
) -> None:
    invoice_id = make.invoice()
    sandbox.fault("sale", "drop", "after")
    response = pay(client, invoice_id)
    page = follow(client, response)
    assert "We are checking your payment" in page
    assert "Please do not pay again." in page
    again = follow(client, pay(client, invoice_id, nonce="fake-valid-visa-nonce"))
    assert "We are checking your payment. Please do not pay again." in again
    (payment,) = payments_of(invoice_id)
    assert len(sandbox.transactions(payment.reference)) == 1
    time.advance(hours=1)
    reconciliation.check_payment(payment.id)
    assert "You paid $20.00" in follow(client, response)
    assert "This invoice has been paid." in client.get(link(invoice_id)).get_data(as_text=True)


def test_gateway_not_reached(
    config: Config, make: Factory, link: Link, post: Callable[..., Any], client: FlaskClient
) -> None:
    invoice_id = make.invoice()
    path = link(invoice_id)
    cut_off = create_app(dataclasses.replace(config, gateway_url="http://127.0.0.1:9"))
    elsewhere = cut_off.test_client()
    elsewhere.get(path)
    with elsewhere.session_transaction() as session:
        raw = session["csrf_token"]
    with client.session_transaction() as session:
        session["csrf_token"] = raw
    data = {"nonce": "fake-valid-nonce", "shown_balance": "2000", "holder": "M"}
    response = post(elsewhere, f"{path}/pay", data)
    page = follow(elsewhere, response)
    assert "The payment did not take place" in page
    assert "Nothing was charged." in page
    assert fetch(Invoice, invoice_id).state == "sent"
    with cut_off.app_context():
        db.engine.dispose()


def test_paying_twice_charges_once(
    client: FlaskClient, make: Factory, pay: Pay, sandbox: Any
) -> None:
    invoice_id = make.invoice()
    pay(client, invoice_id)
    page = follow(
        client, pay(client, invoice_id, nonce="fake-valid-visa-nonce", shown_balance="2000")
    )
    assert "This invoice has been paid." in page
    assert 'role="alert"' in page
    assert len(payments_of(invoice_id)) == 1
    assert len(emails("receipt")) == 1


def test_credits_are_shown(client: FlaskClient, make: Factory, link: Link) -> None:
    invoice_id = make.invoice(total=5000)
    with transaction() as session:
        invoice = session.get_one(Invoice, invoice_id)
        invoice.credited = 1000
        session.add(
            Credit(
                invoice_id=invoice_id, amount=1000, reason="Goodwill", given_at=invoice.created_at
            )
        )
    source = " ".join(client.get(link(invoice_id)).get_data(as_text=True).split())
    assert "−$10.00" in source
    assert "Pay $40.00" in source
    assert "Goodwill" not in source


def test_no_receipt_before_a_payment(client: FlaskClient, make: Factory, link: Link) -> None:
    page = client.get(f"{link(make.invoice())}/receipt").get_data(as_text=True)
    assert "No receipt yet" in page


def test_pressing_pay_is_limited(
    client: FlaskClient, make: Factory, link: Link, post: Callable[..., Any]
) -> None:
    path = f"{link(make.invoice())}/pay"
    statuses = [post(client, path).status_code for _ in range(31)]
    assert statuses == [303] * 30 + [429]
