"""Paying an application's balance, by sign-in and by the letter's link: once, and honestly told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html

from billing import invoicing, reconciliation
from models import Application, Invoice, Payment
from models.states import FeeRule
from tests.applications.helpers import (
    apply,
    authorise,
    cash,
    dog_park,
    invoices_about,
    owed,
    set_fee,
    state_of,
)
from tests.portal.card import press
from tests.portal.reading import words
from tests.support import STAFF, Clock, Factory, all_of, emails, fetch, payments_of

Post = Callable[..., Any]
Open = Callable[[int], tuple[FlaskClient, str]]


def test_paid_online_is_pending_again(make: Factory, door: Open, post: Post, sandbox: Any) -> None:
    application = apply(make, state="rejected")
    client, path = door(application)
    response = press(post, client, path, 1500)
    (payment,) = all_of(Payment)
    assert response.headers["Location"] == f"{path}/payments/{payment.id}"
    said = words(client.get(response.headers["Location"]))
    assert "You paid $15.00" in said
    assert "Your application is pending" in said
    assert state_of(application) == "pending"
    assert owed(application) == 0
    assert len(emails("receipt")) == 1
    page = client.get(path)
    said = words(page)
    assert "Pending: the office is looking at it" in said
    assert "Outstanding $0.00" in said
    assert "pay-form" not in page.text
    assert "The address is wrong." not in said
    receipt = html.fromstring(page.text).xpath("//a[contains(@href, '/receipt')]/@href")[0]
    assert payment.reference in client.get(receipt).text


def test_paying_twice_charges_once(make: Factory, door: Open, post: Post, sandbox: Any) -> None:
    application = apply(make)
    client, path = door(application)
    press(post, client, path, 1500)
    again = press(post, client, path, 1500, nonce="fake-valid-visa-nonce")
    assert "Nothing is outstanding" in words(client.get(again.headers["Location"]))
    assert len(all_of(Payment)) == 1


@pytest.mark.parametrize("shown", ["1", "1499", "150000"])
def test_another_amount_than_shown_charges_nothing(
    make: Factory, door: Open, post: Post, sandbox: Any, shown: str
) -> None:
    client, path = door(apply(make))
    response = press(post, client, path, 0, shown_balance=shown)
    assert "The amount has changed" in words(client.get(response.headers["Location"]))
    assert all_of(Payment) == []


def test_fees_that_rose_meanwhile_are_not_charged_unseen(
    make: Factory, door: Open, post: Post, sandbox: Any
) -> None:
    application = apply(make)
    client, path = door(application)
    set_fee(fetch(Application, application).form_id, FeeRule.RESIDENT, 4000)
    post(client, f"{path}/answers", {"items": "2"})
    response = press(post, client, path, 1500)
    said = words(client.get(response.headers["Location"]))
    assert "The amount has changed: $85.00 is outstanding now. Nothing was charged." in said
    assert "Pay $85.00" in said
    assert all_of(Payment) == []


def test_declined_leaves_everything_payable(
    make: Factory, door: Open, post: Post, sandbox: Any
) -> None:
    form = dog_park()
    set_fee(form, FeeRule.RESIDENT, 200_000)
    application = apply(make, form=form, state="rejected")
    client, path = door(application)
    balance = owed(application)
    response = press(post, client, path, balance)
    page = client.get(response.headers["Location"])
    said = words(page)
    assert "Your card was declined" in said
    assert "Nothing was charged." in said
    assert state_of(application) == "rejected"
    again = html.fromstring(page.text).xpath("//a[.='Try another card']/@href")[0]
    assert again == f"{path}#pay"
    assert "pay-form" in client.get(path).text


def test_unknown_then_known(
    make: Factory, door: Open, post: Post, sandbox: Any, time: Clock
) -> None:
    application = apply(make, state="rejected")
    client, path = door(application)
    sandbox.fault("sale", "drop", "after")
    where = press(post, client, path, 1500).headers["Location"]
    assert "Please do not pay again." in words(client.get(where))
    assert client.get(f"{where}/standing").json == {"standing": "unknown"}
    page = client.get(path)
    assert "We are checking your payment." in words(page)
    assert "pay-form" not in page.text
    assert client.get(f"{path}/standing").json == {"standing": "checking"}
    assert client.get(f"{path}/card-fields").status_code == 409
    reconciliation.check_payment(all_of(Payment)[0].id)
    assert client.get(f"{where}/standing").json == {"standing": "paid"}
    assert client.get(f"{path}/standing").json == {"standing": "paid"}
    assert state_of(application) == "pending"


def test_while_staff_hold_a_card_nobody_else_pays(
    make: Factory, door: Open, post: Post, sandbox: Any
) -> None:
    application = apply(make)
    client, path = door(application)
    authorise(application, nonce="fake-valid-nonce")
    page = client.get(path)
    assert "Somebody is paying for this application right now." in words(page)
    assert "pay-form" not in page.text
    response = press(post, client, path, 1500, nonce="fake-valid-visa-nonce")
    said = words(client.get(response.headers["Location"]))
    assert "A payment is being processed already." in said
    assert "Staff" not in said
    assert len(all_of(Payment)) == 1


def test_card_fields_start(make: Factory, door: Open, sandbox: Any) -> None:
    client, path = door(apply(make))
    assert client.get(f"{path}/card-fields").get_json()["authorization"]


def test_approved_is_paid_by_its_invoice(
    make: Factory, door: Open, post: Post, sandbox: Any
) -> None:
    application = apply(make, state="approved")
    client, path = door(application)
    page = client.get(path)
    assert "an invoice comes separately" in words(page)
    assert "pay-form" not in page.text
    assert 'name="items"' not in page.text
    response = press(post, client, path, 1500)
    assert "paid by an invoice" in words(client.get(response.headers["Location"]))
    issued = invoicing.generate_invoice(
        application, description="Dog Park", due_on=None, actor=STAFF
    )
    said = words(client.get(path))
    assert "Please pay it by the open invoice below." in said
    assert str(fetch(Invoice, issued.invoice_id)) in said
    assert all_of(Payment) == []


def test_settled_by_staff_is_approved(make: Factory, door: Open, sandbox: Any) -> None:
    application = apply(make)
    client, path = door(application)
    cash(application)
    said = words(client.get(path))
    assert "Approved" in said
    assert "Paid −$15.00" in said
    assert "please contact the office" in said


def test_no_email_customers_pay_by_link_too(
    client: FlaskClient,
    make: Factory,
    application_link: Callable[[int], str],
    post: Post,
    sandbox: Any,
) -> None:
    user = make.user(email=None, no_email=True)
    application = apply(make, user=user)
    path = application_link(application)
    response = press(post, client, path, 1500)
    said = words(client.get(response.headers["Location"]))
    assert "You paid $15.00" in said
    assert "on its way" not in said
    assert emails() == []
    assert payments_of(invoices_about(application)[0].id)[0].amount == 1500
