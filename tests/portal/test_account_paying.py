"""Several invoices at once: the server's sum, one charge, and an outcome that lists each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html

from billing import charging, reconciliation
from models import Invoice, Payment
from tests.portal.reading import words
from tests.support import STAFF, Clock, Factory, all_of, emails, fetch, payments_of

SignedIn = Callable[[int], FlaskClient]
Post = Callable[..., Any]


def press(post: Post, client: FlaskClient, chosen: list[Any], total: int, **more: Any) -> Any:
    data = {
        "invoice": [str(number) for number in chosen],
        "nonce": "fake-valid-nonce",
        "shown_balance": str(total),
        "holder": "Maria Alvarez",
        "postal_code": "62704",
        **more,
    }
    return post(client, "/account/pay", data)


@pytest.fixture
def two(make: Factory) -> tuple[int, int, int]:
    """A user and two open invoices of theirs, of 20.00 and 35.00."""
    user = make.user()
    return user, make.invoice(user, total=2000), make.invoice(user, total=3500)


def test_the_page_lists_them_and_their_sum(
    two: tuple[int, int, int], customer_client: SignedIn
) -> None:
    user, first, second = two
    page = customer_client(user).get(f"/account/pay?invoice={second}&invoice={first}")
    said = words(page)
    assert "Pay 2 invoices" in said
    assert "Together $55.00" in said
    assert "Pay $55.00" in said
    source = html.fromstring(page.text)
    chosen = source.xpath("//form[@id='pay-form']//input[@name='invoice']/@value")
    assert sorted(chosen) == [str(first), str(second)]
    assert source.xpath("//input[@name='shown_balance']/@value") == ["5500"]
    assert source.get_element_by_id("pay-button").get("disabled") is not None
    assert source.get_element_by_id("postal-code").get("value") == "62704"


def test_one_charge_pays_all_and_the_outcome_lists_each(
    two: tuple[int, int, int], customer_client: SignedIn, post: Post, sandbox: Any
) -> None:
    user, first, second = two
    client = customer_client(user)
    response = press(post, client, [first, second], 5500)
    (payment,) = all_of(Payment)
    assert response.headers["Location"] == f"/account/payments/{payment.id}"
    page = client.get(response.headers["Location"])
    said = words(page)
    assert "You paid $55.00" in said
    for number in (first, second):
        invoice = fetch(Invoice, number)
        assert invoice.state == "paid"
        assert str(invoice) in said
    assert said.count("Paid in full") == 2
    assert len(emails("receipt")) == 1
    for link in html.fromstring(page.text).xpath("//a[contains(@href, '/receipt')]/@href"):
        assert payment.reference in client.get(link).text
    assert "Nothing is to pay." in words(client.get("/account"))


def test_amounts_of_the_browser_are_ignored(
    two: tuple[int, int, int], customer_client: SignedIn, post: Post, sandbox: Any
) -> None:
    user, first, second = two
    client = customer_client(user)
    for total in ("1", "5499", "2000"):
        response = press(post, client, [first, second], 0, shown_balance=total)
        said = words(client.get(response.headers["Location"]))
        assert "The amount has changed" in said
    assert all_of(Payment) == []
    press(post, client, [first, second], 5500, amount="0.01", currency="JPY")
    (payment,) = all_of(Payment)
    assert (payment.amount, payment.currency) == (5500, "USD")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"nonce": ""}, "Your card details did not reach us."),
        ({"shown_balance": "-5"}, "The page was not complete."),
        ({"holder": ""}, "Please enter the name on the card."),
        ({"postal_code": "9" * 21}, "Please check the billing postal code."),
        ({"street": "9" * 201}, "Please shorten the billing street."),
    ],
)
def test_bad_input_charges_nothing(
    two: tuple[int, int, int],
    customer_client: SignedIn,
    post: Post,
    fields: dict[str, str],
    sentence: str,
) -> None:
    user, first, second = two
    client = customer_client(user)
    response = press(post, client, [first, second], 5500, **fields)
    assert f"{sentence} Nothing was charged." in words(client.get(response.headers["Location"]))
    assert all_of(Payment) == []


@pytest.mark.parametrize("numbers", [[], ["x"], ["-1"], ["٣"], ["9" * 30], ["1"] * 101])
def test_odd_choices(
    make: Factory, customer_client: SignedIn, post: Post, numbers: list[str]
) -> None:
    client = customer_client(make.user())
    response = client.get("/account/pay", query_string={"invoice": numbers})
    if numbers:
        assert response.status_code == 404
        assert press(post, client, numbers, 100).status_code == 404
    else:
        assert "Please tick what you want to pay." in words(
            client.get(response.headers["Location"])
        )
        assert press(post, client, [], 0).status_code == 303
    assert all_of(Payment) == []


def test_what_was_paid_meanwhile_is_not_paid_again(
    two: tuple[int, int, int], customer_client: SignedIn, post: Post, sandbox: Any
) -> None:
    user, first, second = two
    client = customer_client(user)
    charging.pay_invoice(first, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF)
    response = press(
        post, client, [first, second], 5500, nonce="fake-valid-visa-nonce", follow_redirects=True
    )
    said = words(client.get(response.headers["Location"], follow_redirects=True))
    assert "already been paid" in said
    assert payments_of(second) == []
    assert len(payments_of(first)) == 1
    page = client.get(f"/account/pay?invoice={first}&invoice={second}", follow_redirects=True)
    assert f"{fetch(Invoice, first)} can’t be paid at the moment." in words(page)


def test_people_pay_for_one_at_a_time(
    make: Factory, customer_client: SignedIn, post: Post, sandbox: Any
) -> None:
    anna = make.user("Anna", email="family@example.org")
    ben = make.user("Ben", email="family@example.org")
    chosen = [make.invoice(anna), make.invoice(ben)]
    client = customer_client(anna)
    page = client.get("/account/pay", query_string={"invoice": chosen}, follow_redirects=True)
    assert "Please pay for one person at a time." in words(page)
    response = press(post, client, chosen, 4000)
    assert "different people" in words(
        client.get(response.headers["Location"], follow_redirects=True)
    )
    assert all_of(Payment) == []


def test_declined_says_so_and_offers_another_try(
    make: Factory, customer_client: SignedIn, post: Post, sandbox: Any
) -> None:
    user = make.user()
    chosen = [make.invoice(user, total=200_000), make.invoice(user, total=100)]
    client = customer_client(user)
    response = press(post, client, chosen, 200_100)
    page = client.get(response.headers["Location"])
    said = words(page)
    assert "Your card was declined" in said
    assert "Nothing was charged." in said
    assert said.count("Not paid") == 2
    again = html.fromstring(page.text).xpath("//a[.='Try another card']/@href")[0]
    assert "Pay $2,001.00" in words(client.get(again))


def test_unknown_asks_to_wait_and_then_knows(
    two: tuple[int, int, int], customer_client: SignedIn, post: Post, sandbox: Any, time: Clock
) -> None:
    user, first, second = two
    client = customer_client(user)
    sandbox.fault("sale", "drop", "after")
    response = press(post, client, [first, second], 5500)
    where = response.headers["Location"]
    page = client.get(where)
    assert "Please do not pay again." in words(page)
    assert f'data-wait="{where}/standing"' in page.text
    assert client.get(f"{where}/standing").json == {"standing": "unknown"}
    account = client.get("/account")
    assert words(account).count("We are checking a payment.") == 2
    assert 'type="checkbox"' not in account.text
    reconciliation.check_payment(payments_of(first)[0].id)
    assert client.get(f"{where}/standing").json == {"standing": "paid"}
    assert "You paid $55.00" in words(client.get(where))


def test_the_gateway_away(
    two: tuple[int, int, int], customer_client: SignedIn, post: Post, sandbox: Any
) -> None:
    client = customer_client(two[0])
    assert client.get("/account/card-fields").get_json()["authorization"]
    sandbox.fault("client_token", "status", status=500, times=None)
    answer = client.get("/account/card-fields")
    assert answer.status_code == 503
    assert "isn't possible" in answer.get_json()["problem"]


def test_without_the_forms_token_nothing_is_charged(
    two: tuple[int, int, int], customer_client: SignedIn, sandbox: Any
) -> None:
    user, first, _second = two
    data = {"invoice": str(first), "nonce": "fake-valid-nonce", "shown_balance": "2000"}
    response = customer_client(user).post("/account/pay", data={**data, "holder": "M"})
    assert response.status_code == 400
    assert all_of(Payment) == []


def test_pressing_pay_is_limited(
    two: tuple[int, int, int], customer_client: SignedIn, post: Post
) -> None:
    client = customer_client(two[0])
    statuses = [press(post, client, [two[1]], 1, nonce="").status_code for _ in range(31)]
    assert statuses == [303] * 30 + [429]
