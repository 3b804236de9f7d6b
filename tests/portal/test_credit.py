"""The customer's credit: said on the account and the invoice, used with one button."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html

from jobs.letters import render
from models import Invoice, OutgoingEmail, Payment, db
from tests.billing.helpers import debit_pending, give_credit, pay
from tests.portal.reading import words
from tests.support import Factory, emails, fetch, payments_of

Link = Callable[[int], str]
Post = Callable[..., Any]
SignedIn = Callable[[int], FlaskClient]


@pytest.fixture
def user(make: Factory) -> int:
    """Somebody who paid 20.00 more than was due."""
    made = make.user()
    give_credit(make, made, 2000)
    return made


def test_by_link_the_credit_pays_what_it_can(
    client: FlaskClient, make: Factory, user: int, link: Link, post: Post
) -> None:
    invoice = make.invoice(user, total=2500)
    page = client.get(link(invoice))
    said = words(page)
    assert "You have a credit of $20.00 with us." in said
    assert "It pays $20.00 of this invoice; $5.00 is left to pay then." in said
    [form] = html.fromstring(page.text).xpath("//form[@class='credit']")
    answer = post(client, form.get("action"), {"shown_balance": "2500"})
    assert answer.headers["Location"] == link(invoice)
    said = words(client.get(link(invoice)))
    assert "$20.00 of your credit was used" in said
    assert "$5.00 is left to pay." in said
    assert "You have a credit" not in said
    assert "Amount due $5.00" in said
    left = fetch(Invoice, invoice)
    assert (left.state, left.balance) == ("sent", 500)


def test_credit_that_covers_all_closes_the_invoice(
    client: FlaskClient, make: Factory, user: int, link: Link, post: Post
) -> None:
    invoice = make.invoice(user, total=1500)
    said = words(client.get(link(invoice)))
    assert "$15.00 of it pays all of this invoice." in said
    letters = len(emails())
    post(client, f"{link(invoice)}/credit", {"shown_balance": "1500"})
    said = words(client.get(link(invoice)))
    assert "It is paid in full." in said
    assert "This invoice has been paid." in said
    assert fetch(Invoice, invoice).state == "paid"
    assert len(emails()) == letters
    payment = payments_of(invoice)[0]
    assert payment.reference in client.get(f"{link(invoice)}/receipt").text


@pytest.mark.parametrize("shown", ["", "x", "-1", "2499", "9" * 20])
def test_another_balance_than_was_shown_uses_nothing(
    client: FlaskClient, make: Factory, user: int, link: Link, post: Post, shown: str
) -> None:
    invoice = make.invoice(user, total=2500)
    post(client, f"{link(invoice)}/credit", {"shown_balance": shown})
    assert "No credit was used." in words(client.get(link(invoice)))
    assert fetch(Invoice, invoice).balance == 2500


def test_without_credit_nothing_is_offered_and_nothing_is_used(
    client: FlaskClient, make: Factory, user: int, link: Link, post: Post
) -> None:
    stranger = make.invoice(total=2500)
    assert "credit" not in words(client.get(link(stranger)))
    post(client, f"{link(stranger)}/credit", {"shown_balance": "2500"})
    assert "There is no credit to use." in words(client.get(link(stranger)))
    assert fetch(Invoice, stranger).balance == 2500


def test_doors(
    app: Flask, client: FlaskClient, make: Factory, user: int, link: Link, customer_client: SignedIn
) -> None:
    invoice = make.invoice(user, total=2500)
    assert client.post(f"{link(invoice)}/credit", data={"shown_balance": "2500"}).status_code == 400
    assert client.get(f"{link(invoice)}/credit").status_code == 405
    signed_in = customer_client(user)
    fields = {"shown_balance": "2500", "invoice": str(invoice)}
    assert signed_in.post("/account/credit", data=fields).status_code == 400
    assert fetch(Invoice, invoice).balance == 2500


def test_the_account_says_it_and_uses_it_for_what_is_most_urgent(
    make: Factory, user: int, customer_client: SignedIn, post: Post
) -> None:
    client = customer_client(user)
    assert "You have a credit of $20.00 with us." in words(client.get("/account"))
    later, first = (make.invoice(user, total=total) for total in (9000, 500))
    del later
    page = client.get("/account")
    [form] = html.fromstring(page.text).xpath("//form[@class='credit']")
    assert form.xpath(".//input[@name='invoice']/@value") == [str(first)]
    name = str(fetch(Invoice, first)).lower()
    assert f"$5.00 of it pays all of {name}." in words(page)
    post(client, "/account/credit", {"invoice": str(first), "shown_balance": "500"})
    said = words(client.get("/account"))
    assert f"$5.00 of your credit was used for {name}. It is paid in full." in said
    assert "You have a credit of $15.00 with us." in said


def test_other_peoples_invoices_are_not_found(
    make: Factory, user: int, customer_client: SignedIn, client: FlaskClient, post: Post
) -> None:
    theirs = make.invoice()
    mine = customer_client(user)
    fields = {"invoice": str(theirs), "shown_balance": "2000"}
    assert post(mine, "/account/credit", fields).status_code == 404
    answer = post(client, "/account/credit", fields)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert fetch(Invoice, theirs).balance == 2000


def test_an_invoice_that_is_being_paid_offers_no_credit(
    client: FlaskClient, make: Factory, link: Link, post: Post, sandbox: Any
) -> None:
    invoice = debit_pending(make)
    give_credit(make, fetch(Invoice, invoice).user_id, 500)
    assert "You have a credit" not in words(client.get(link(invoice)))
    post(client, f"{link(invoice)}/credit", {"shown_balance": "2000"})
    assert "A payment is being processed already." in words(client.get(link(invoice)))
    assert fetch(Invoice, invoice).allocated == 0


def test_the_receipt_says_that_too_much_was_paid(app: Flask, make: Factory, sandbox: Any) -> None:
    user = make.user()
    give_credit(make, user, 2000)
    [letter] = emails("receipt")
    said = render(db.session.get_one(OutgoingEmail, letter.id), db.session())
    for text in (said.html, said.text):
        assert "You paid $20.00 more than was due." in text
    pay(make.invoice(user))
    exact = emails("receipt")[-1]
    said = render(db.session.get_one(OutgoingEmail, exact.id), db.session())
    assert "more than was due" not in said.text + said.html
    assert all(payment.unapplied >= 0 for payment in db.session.query(Payment))
