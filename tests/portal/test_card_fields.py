"""The page in a real browser, with the gateway's own card fields in their frames."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from billing import charging, reconciliation
from models import Invoice
from tests.portal.card import VISA, type_card
from tests.support import STAFF, Clock, Factory, fetch, payments_of


@pytest.fixture
def dialect() -> str:
    """What a browser does is the same on both databases."""
    return "sqlite"


def test_pay_is_there_once_the_card_is_valid_and_pays_once(
    page: Page, served: str, make: Factory, link: Callable[[int], str], sandbox: object
) -> None:
    invoice_id = make.invoice()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    page.goto(served + link(invoice_id))
    button = page.locator("#pay-button")
    expect(button).to_be_disabled()
    type_card(page, "4111111111111112")
    page.get_by_label("Name on card").focus()
    expect(page.get_by_text("Please check the card number.")).to_be_visible()
    expect(button).to_be_disabled()
    type_card(page)
    expect(page.get_by_text("Please check the card number.")).to_be_hidden()
    page.get_by_label("Name on card").fill("")
    expect(button).to_be_disabled()
    page.get_by_label("Name on card").fill("Maria Alvarez")
    expect(button).to_be_enabled()
    button.evaluate("button => { button.click(); button.click(); button.form.requestSubmit(); }")
    expect(page.get_by_text("This invoice has been paid.")).to_be_visible()
    assert len([one for one in asked if one.startswith("POST") and one.endswith("/pay")]) == 1
    assert len(payments_of(invoice_id)) == 1
    assert {urlsplit(one.split(" ")[1]).hostname for one in asked} == {"127.0.0.1"}
    assert fetch(Invoice, invoice_id).viewed_at is not None


def test_enter_in_a_card_field_pays(
    page: Page, served: str, make: Factory, link: Callable[[int], str], sandbox: object
) -> None:
    page.goto(served + link(make.invoice()))
    type_card(page)
    expect(page.locator("#pay-button")).to_be_enabled()
    page.frame_locator("#card-code iframe").locator("input:visible").first.press("Enter")
    expect(page.get_by_text("This invoice has been paid.")).to_be_visible()


def test_the_card_number_never_comes_to_the_server(
    page: Page, served: str, make: Factory, link: Callable[[int], str], sandbox: object
) -> None:
    sent: list[str] = []
    page.on(
        "request",
        lambda request: (
            sent.append(request.url + (request.post_data or ""))
            if request.url.startswith(served)
            else None
        ),
    )
    page.goto(served + link(make.invoice()))
    type_card(page)
    page.locator("#pay-button").click()
    expect(page.get_by_text("This invoice has been paid.")).to_be_visible()
    assert sent
    assert not [one for one in sent if VISA in one.replace(" ", "")]


@pytest.mark.parametrize("missing", ["**/client.js", "**/hosted-fields.js", "**/card-fields"])
def test_without_the_gateway_the_page_says_what_to_do(
    page: Page, served: str, make: Factory, link: Callable[[int], str], missing: str
) -> None:
    make.settings(phone="(360) 555-0142")
    page.route(missing, lambda route: route.abort())
    page.goto(served + link(make.invoice()))
    notice = page.locator("#pay-impossible")
    expect(notice).to_be_visible()
    expect(notice).to_contain_text("Card payment isn’t possible at the moment.")
    expect(notice).to_contain_text("call us at (360) 555-0142")
    expect(page.locator("#pay-form")).to_be_hidden()
    expect(page.locator(".amount-sum")).to_have_text("$20.00")


def test_a_script_of_ours_that_does_not_come_leaves_a_way(
    page: Page, served: str, make: Factory, link: Callable[[int], str]
) -> None:
    page.route("**/pay.js", lambda route: route.abort())
    page.goto(served + link(make.invoice()))
    told = page.locator(".without-script", has_text="Paying by card here needs JavaScript")
    expect(told).to_have_css("animation-delay", "4s")
    expect(told).to_be_visible()


def test_without_javascript_everything_but_the_card_fields_is_there(
    browser: Browser, served: str, make: Factory, link: Callable[[int], str]
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served + link(make.invoice()))
    expect(page.locator(".amount-sum")).to_have_text("$20.00")
    expect(page.get_by_text("Paying by card here needs JavaScript")).to_be_visible()
    expect(page.locator("#pay-form")).to_be_hidden()
    expect(page.get_by_role("link", name="Invoice as PDF")).to_be_visible()
    page.goto(f"{served}/i/nonsense")
    page.get_by_role("button", name="Send me a fresh one").click()
    expect(page.get_by_text("Please look in your e-mail")).to_be_visible()
    context.close()


def test_a_waiting_page_shows_the_end_by_itself(
    page: Page, served: str, make: Factory, link: Callable[[int], str], sandbox: object, time: Clock
) -> None:
    invoice_id = make.invoice()
    sandbox.fault("sale", "drop", "after")  # type: ignore[attr-defined]
    charging.pay_invoice(invoice_id, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF)
    page.goto(served + link(invoice_id))
    expect(page.get_by_text("Please do not pay again.")).to_be_visible()
    reconciliation.check_payment(payments_of(invoice_id)[0].id)
    expect(page.get_by_text("This invoice has been paid.")).to_be_visible()


def test_nothing_sticks_out_on_a_small_phone(
    browser: Browser, served: str, make: Factory, link: Callable[[int], str]
) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 640})
    page = context.new_page()
    page.goto(
        served + link(make.invoice(make.user("N" * 160), total=10**10, description="D" * 900))
    )
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) <= 0
    context.close()
