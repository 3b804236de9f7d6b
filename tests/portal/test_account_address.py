"""Correcting an address: what changes is shown first, and fees follow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html

from models import Application, User
from models.states import FeeRule
from tests.applications.helpers import apply, delete_fees, owed, set_fee
from tests.portal.reading import words
from tests.support import Factory, fetch

SignedIn = Callable[[int], FlaskClient]
ADDRESS = {
    "street": "1 Far Road",
    "city": "Elsewhere",
    "region": "IL",
    "postal_code": "99999",
    "country": "",
}


def test_an_address_shows_what_changes_before_it_does(
    make: Factory, customer_client: SignedIn, post: Callable[..., Any]
) -> None:
    pending = apply(make, items=2)
    user = fetch(Application, pending).user_id
    apply(make, user=user, state="inactive")
    apply(make, user=user, state="draft")
    client = customer_client(user)
    assert 'value="12 Elm Street"' in client.get(f"/account/address/{user}").text
    asked = post(client, f"/account/address/{user}", ADDRESS)
    said = words(asked)
    assert "Your fees will change" in said
    assert "$25.00 $65.00" in said
    assert said.count("2027 Dog Park") == 1
    assert "Nothing is saved yet." in said
    assert fetch(User, user).postal_code == "62704"
    assert owed(pending) == 2500
    told = html.fromstring(asked.text).xpath("//input[@name='told']/@value")[0]
    done = post(
        client, f"/account/address/{user}", {**ADDRESS, "told": told}, follow_redirects=True
    )
    said = words(done)
    assert "The address is corrected." in said
    assert "the fees are now $65.00, before $25.00. $65.00 is outstanding." in said
    assert said.count("the fees are now") == 1
    assert fetch(User, user).postal_code == "99999"
    assert owed(pending) == 6500


def test_what_was_told_must_still_be_true(
    make: Factory, customer_client: SignedIn, post: Callable[..., Any]
) -> None:
    pending = apply(make)
    application = fetch(Application, pending)
    client = customer_client(application.user_id)
    path = f"/account/address/{application.user_id}"
    asked = post(client, path, ADDRESS)
    told = html.fromstring(asked.text).xpath("//input[@name='told']/@value")[0]
    set_fee(application.form_id, FeeRule.NON_RESIDENT, 9000)
    again = words(post(client, path, {**ADDRESS, "told": told}))
    assert "$15.00 $95.00" in again
    assert fetch(User, application.user_id).postal_code == "62704"


def test_an_address_without_fees_is_saved_at_once(
    make: Factory, customer_client: SignedIn, post: Callable[..., Any]
) -> None:
    user = make.user()
    client = customer_client(user)
    response = post(client, f"/account/address/{user}", ADDRESS, follow_redirects=True)
    assert "The address is corrected." in words(response)
    assert fetch(User, user).address == "1 Far Road\nElsewhere IL 99999"


def test_correcting_the_address_hands_in_again(
    make: Factory, customer_client: SignedIn, post: Callable[..., Any]
) -> None:
    rejected = apply(make, state="rejected")
    user = fetch(Application, rejected).user_id
    client = customer_client(user)
    told = f"{rejected}:1500:3500"
    post(client, f"/account/address/{user}", {**ADDRESS, "told": told})
    assert fetch(Application, rejected).state == "pending"
    assert owed(rejected) == 3500


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("street", ""),
        ("street", "   "),
        ("street", "s" * 201),
        ("city", ""),
        ("city", "c" * 121),
        ("postal_code", "9" * 21),
        ("country", "c" * 81),
    ],
)
def test_a_bad_address_changes_nothing(
    make: Factory,
    customer_client: SignedIn,
    post: Callable[..., Any],
    field: str,
    typed: str,
) -> None:
    user = make.user()
    client = customer_client(user)
    response = post(client, f"/account/address/{user}", {**ADDRESS, field: typed})
    assert response.status_code == 400
    assert f'aria-describedby="{field}-problem"' in response.text
    assert fetch(User, user).street == "12 Elm Street"


def test_fees_that_are_gone_refuse_the_address_kindly(
    make: Factory, customer_client: SignedIn, post: Callable[..., Any]
) -> None:
    pending = apply(make)
    application = fetch(Application, pending)
    delete_fees(application.form_id)
    client = customer_client(application.user_id)
    response = post(client, f"/account/address/{application.user_id}", ADDRESS)
    assert response.status_code == 409
    assert "has no fees any more" in words(response)
    assert fetch(User, application.user_id).postal_code == "62704"
