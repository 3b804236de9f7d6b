"""Charge customer in a real browser: the button follows the amount, and asks twice without script.

The served office, its browser and the signed-in page are those of the draft editor's test.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from models import Invoice
from tests.admin.test_drafting_browser import WIDER, browser, opened, served
from tests.billing.helpers import keep
from tests.conftest import Gateway
from tests.support import Factory, fetch, payments_of

__all__ = ["browser", "opened", "served"]

# Two clicks, the second while the first is under way, and time for it to show.
TWICE = """button => new Promise((done) => {
  button.click();
  setTimeout(() => { button.click(); setTimeout(done, 300); }, 300);
})"""


@pytest.fixture
def dialect() -> str:
    """What a browser does is the same on both databases."""
    return "sqlite"


@pytest.fixture
def charging(
    make: Factory, sandbox: Gateway, request: pytest.FixtureRequest
) -> Callable[..., tuple[Page, int]]:
    """``charging(width, **context)``: the page over an invoice of $99.00, and the invoice."""
    user = make.user()
    keep(user)
    invoice = make.invoice(user, total=9900)
    open_page = request.getfixturevalue("opened")
    address = request.getfixturevalue("served")

    def build(width: int = 1280, **context: Any) -> tuple[Page, int]:
        page = open_page(width, **context)
        page.goto(f"{address}/admin/invoice/charge/customer/?id={invoice}")
        return page, invoice

    return build


def test_the_button_says_what_is_typed_and_one_double_click_charges_it_once(
    charging: Callable[..., tuple[Page, int]],
) -> None:
    page, invoice = charging()
    amount = page.get_by_label("Amount")
    amount.fill("40.50")
    button = page.get_by_role("button", name="Charge $40.50")
    expect(button).to_be_visible()
    expect(page.locator(".asks")).to_contain_text("will be charged $40.50")
    amount.fill("40.505")
    expect(page.get_by_role("button", name="Charge $40.50")).to_be_visible()
    amount.fill("40.50")
    button.dblclick()
    expect(page.get_by_text("$40.50 was charged to Visa ending in 1111.")).to_be_visible()
    assert [payment.amount for payment in payments_of(invoice)] == [4050]
    assert fetch(Invoice, invoice).balance == 5850


def test_a_second_click_while_the_first_is_under_way_sends_nothing(
    charging: Callable[..., tuple[Page, int]],
) -> None:
    page, invoice = charging()
    held: list[Route] = []
    page.route("**/charge/customer/**", lambda route: held.append(route))
    button = page.get_by_role("button", name="Charge $99.00")
    button.evaluate(TWICE)
    for _ in range(400):
        if not held:
            page.wait_for_timeout(50)
    [only] = held
    only.continue_()
    expect(page.get_by_text("$99.00 was charged to Visa ending in 1111.")).to_be_visible()
    assert [payment.amount for payment in payments_of(invoice)] == [9900]


def test_without_script_another_amount_is_asked_once_more(
    charging: Callable[..., tuple[Page, int]],
) -> None:
    page, invoice = charging(390, java_script_enabled=False)
    page.get_by_label("Amount").fill("40.50")
    page.get_by_role("button", name="Charge $99.00").click()
    expect(page.get_by_text("nothing has been charged yet")).to_be_visible()
    assert payments_of(invoice) == []
    page.get_by_role("button", name="Charge $40.50").click()
    expect(page.get_by_text("$40.50 was charged to Visa ending in 1111.")).to_be_visible()
    assert [payment.amount for payment in payments_of(invoice)] == [4050]


def test_nothing_scrolls_sideways_on_a_phone(
    charging: Callable[..., tuple[Page, int]],
) -> None:
    page, _invoice = charging(390)
    assert page.evaluate(WIDER) == 0
