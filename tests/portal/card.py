"""Paying with a card: typed into the gateway's own fields, or sent as what they make of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

VISA = "4111111111111111"


def type_card(page: Page, number: str = VISA) -> None:
    expect(page.locator("#pay-loading")).to_be_hidden()
    for place, text in (("card-number", number), ("card-expiry", "1230"), ("card-code", "123")):
        page.frame_locator(f"#{place} iframe").locator("input:visible").first.fill(text)


def press(post: Callable[..., Any], client: FlaskClient, path: str, shown: int, **more: Any) -> Any:
    """Press Pay on an application's page with a valid card unless told otherwise."""
    data = {
        "nonce": "fake-valid-nonce",
        "shown_balance": str(shown),
        "holder": "Maria Alvarez",
        "postal_code": "62704",
        **more,
    }
    return post(client, f"{path}/pay", data)
