"""What the tests of cards and accounts on file share: both ways in, a filled-in mandate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from lxml import html

from billing.method_links import method_url
from models import PaymentMethod, User
from sandbox.server import Server
from tests.support import all_of, fetch

CustomerClient = Callable[[int], FlaskClient]
Post = Callable[..., Any]
MASTERCARD = "fake-valid-mastercard-nonce"
HARD = 201_500


@pytest.fixture
def letter_link() -> Callable[[int], str]:
    """``letter_link(user_id)`` is the path that a letter to this person leads to."""
    return lambda user: urlsplit(method_url(fetch(User, user))).path


@pytest.fixture(params=["signed in", "by link"])
def door(
    request: pytest.FixtureRequest,
    client: FlaskClient,
    customer_client: CustomerClient,
    letter_link: Callable[[int], str],
) -> Callable[[int], tuple[FlaskClient, str, str]]:
    """Both ways in: a browser, and the paths of the card's and the account's page."""

    def opened(user: int) -> tuple[FlaskClient, str, str]:
        if request.param == "by link":
            path = letter_link(user)
            return client, path, f"{path}/bank"
        card, bank = f"/account/methods/card/{user}", f"/account/methods/bank/{user}"
        return customer_client(user), card, bank

    return opened


def us_nonce(server: Server, number: str = "1000000000") -> str:
    return server.desk.store.create_bank_nonce(
        account_number=number, routing_number="021000021", account_holder_name="Zoë Martin"
    ).nonce


def hidden(page: Any, name: str) -> str:
    (field,) = html.fromstring(page.get_data(as_text=True)).xpath(f"//input[@name='{name}']")
    return str(field.get("value"))


def agree(page: Any, fresh: str, **changes: str) -> dict[str, str]:
    """What the account's page sends when everything was filled in."""
    return {
        "nonce": fresh,
        "mandate": hidden(page, "mandate"),
        "last_four": "0000",
        "account_kind": "savings",
        "holder": "Zoë Martin",
        "agreed": "yes",
        **changes,
    }


def on_file(user: int) -> list[str]:
    return [str(one) for one in all_of(PaymentMethod) if one.user_id == user and not one.removed_at]
