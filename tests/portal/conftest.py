"""What the portal's tests share: links to invoices, and counters that start at nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing.links import invoice_token
from models import Invoice
from portal.limits import limiter
from tests.support import fetch


@pytest.fixture(autouse=True)
def _fresh_counters(app: Flask) -> None:
    """One test's requests are not another one's flood."""
    limiter.reset()


@pytest.fixture
def link() -> Callable[[int], str]:
    """``link(invoice_id)`` is the path of the customer's page."""

    def path(invoice_id: int) -> str:
        return f"/i/{invoice_token(fetch(Invoice, invoice_id))}"

    return path


@pytest.fixture
def pay(link: Callable[[int], str], post: Callable[..., Any]) -> Callable[..., Any]:
    """``pay(client, invoice_id, **fields)`` presses Pay with a valid card unless told otherwise."""

    def press(client: FlaskClient, invoice_id: int, /, **fields: Any) -> Any:
        data = {
            "nonce": "fake-valid-nonce",
            "shown_balance": str(fetch(Invoice, invoice_id).balance),
            "holder": "Maria Alvarez",
            "postal_code": "62704",
            **fields,
        }
        return post(client, f"{link(invoice_id)}/pay", data)

    return press
