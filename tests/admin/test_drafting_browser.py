"""The editor of a draft in a real browser: a predefined charge, an edit, live sums, saving."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from billing import invoicing
from billing.database import transaction
from billing.items import Line
from models import Invoice, Item, PredefinedCharge
from tests.billing.helpers import rows_of
from tests.portal.conftest import browser, served
from tests.support import STAFF, Factory, fetch, sign_in

__all__ = ["browser", "served"]

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def dialect() -> str:
    """What a browser does is the same on both databases."""
    return "sqlite"


@pytest.fixture
def opened(
    app: Flask, browser: Browser, served: str, make: Factory
) -> Iterator[Callable[..., Page]]:
    """``opened(width, **context)``: a page of somebody who is signed in."""
    contexts: list[Any] = []

    def build(width: int = 1280, **more: Any) -> Page:
        client = app.test_client()
        sign_in(client, make.staff())
        cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
        assert cookie is not None
        context = browser.new_context(viewport={"width": width, "height": 844}, **more)
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": served}])
        contexts.append(context)
        page: Page = context.new_page()
        return page

    yield build
    for context in contexts:
        context.close()


def items_of(invoice: int) -> list[tuple[str, int]]:
    found = sorted(rows_of(Item, Item.invoice_id == invoice), key=lambda item: item.position)
    return [(item.description, item.gross) for item in found]


@pytest.fixture
def draft(make: Factory) -> int:
    invoice = make.invoice(state="draft")
    lines = [Line("Rent", 9900), Line("Key", 500)]
    invoicing.edit_draft(invoice, description="May", due_on=None, lines=lines, actor=STAFF)
    with transaction() as session:
        session.add(
            PredefinedCharge(
                name="Lock", unit_amount=1190, tax_rate=19, tax_inclusive=True, active=True
            )
        )
    return invoice


@pytest.mark.parametrize("width", [1280, 390])
def test_a_charge_is_added_edited_summed_and_saved(
    opened: Callable[..., Page], served: str, draft: int, width: int
) -> None:
    page = opened(width)
    page.goto(f"{served}/admin/invoice/items/edit/?id={draft}")
    rows = page.locator("[data-line]")
    expect(rows).to_have_count(2)
    page.locator("#offer").select_option(index=1)
    page.get_by_role("button", name="Add item").click()
    expect(rows).to_have_count(3)
    expect(page.locator("#lines-2-description")).to_have_value("Lock")
    expect(page.locator("#lines-2-price")).to_have_value("11.90")
    expect(page.locator("#lines-2-inclusive")).to_be_checked()
    expect(page.locator("#lines-2-quantity")).to_be_focused()
    expect(page.locator("#total")).to_have_text("$115.90")
    page.locator("#lines-2-quantity").fill("2")
    expect(page.locator("#total")).to_have_text("$127.80")
    expect(page.locator("#tax")).to_have_text("$3.80")
    expect(rows.nth(2).locator("output")).to_have_text("$23.80")
    page.locator("#lines-0-price").fill("x")
    expect(page.locator("#doubt")).to_have_text("Without 1 line that can't be worked out yet.")
    page.locator("#lines-0-price").fill("100")
    expect(page.locator("#total")).to_have_text("$128.80")
    assert items_of(draft) == [("Rent", 9900), ("Key", 500)]
    assert page.evaluate(WIDER) <= 0
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The draft is saved.")).to_be_visible()
    assert items_of(draft) == [("Rent", 10000), ("Key", 500), ("Lock", 2380)]
    assert fetch(Invoice, draft).total == 12880


def test_with_the_keyboard_alone(opened: Callable[..., Page], served: str, draft: int) -> None:
    page = opened()
    page.goto(f"{served}/admin/invoice/items/edit/?id={draft}")
    page.get_by_role("button", name="Move line 2 up").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#lines-0-description")).to_have_value("Key")
    expect(page.get_by_role("button", name="Remove line 1")).to_be_focused()
    page.get_by_role("button", name="Move line 1 down").focus()
    page.keyboard.press("Space")
    expect(page.locator("#lines-1-description")).to_have_value("Key")
    page.get_by_role("button", name="Remove line 1").press("Enter")
    expect(page.locator("[data-line]")).to_have_count(1)
    # Return in a field works the sums out; it neither saves nor moves a line.
    page.locator("#lines-0-quantity").fill("3")
    page.keyboard.press("Enter")
    expect(page.locator("#total")).to_have_text("$15.00")
    assert items_of(draft) == [("Rent", 9900), ("Key", 500)]
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(page.get_by_text("The draft is saved.")).to_be_visible()
    assert items_of(draft) == [("Key", 1500)]


def test_without_javascript(opened: Callable[..., Page], served: str, draft: int) -> None:
    page = opened(390, java_script_enabled=False)
    page.goto(f"{served}/admin/invoice/items/edit/?id={draft}")
    page.locator("#lines-2-description").fill("Extra")
    page.locator("#lines-2-price").fill("1")
    page.get_by_role("button", name="Work it out").last.click()
    expect(page.locator("#total")).to_have_text("$105.00")
    page.get_by_role("button", name="Move line 3 up").click()
    expect(page.locator("#lines-1-description")).to_have_value("Extra")
    page.locator("#offer").select_option(index=1)
    page.get_by_role("button", name="Add item").click()
    expect(page.locator("#lines-3-description")).to_have_value("Lock")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The draft is saved.")).to_be_visible()
    assert items_of(draft) == [("Rent", 9900), ("Extra", 100), ("Key", 500), ("Lock", 1190)]
