"""Amounts in a real browser: its scripts read what is typed as the server does, in any locale."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from billing.money import format_amount
from billing.typed_numbers import notation
from models import Invoice
from tests.admin.test_drafting_browser import browser, opened, served
from tests.architecture.sources import ROOT
from tests.billing.helpers import keep
from tests.billing.typed_table import TABLE
from tests.conftest import Gateway
from tests.support import Factory, fetch, payments_of

__all__ = ["browser", "opened", "served"]

READ = """([amounts, typed]) => {
  const place = document.createElement("p");
  place.dataset.amounts = JSON.stringify(amounts);
  const { minor, inWords } = window.typedAmounts(place);
  return typed.map((text) => [minor(text), minor(text) === null ? "" : inWords(minor(text))]);
}"""


@pytest.fixture
def dialect() -> str:
    """What a browser does is the same on both databases."""
    return "sqlite"


def test_the_script_reads_as_the_server_does(browser: Browser) -> None:
    page = browser.new_page()
    page.add_script_tag(path=ROOT / "static/admin/amounts.js")
    for locale, currency, typed in TABLE:
        way = notation(currency, locale).for_script()
        amounts = {**way, "currency": currency, "locale": locale.replace("_", "-")}
        found = page.evaluate(READ, [amounts, list(typed)])
        for (text, meant), (read, _said) in zip(typed.items(), found, strict=True):
            # Nothing at all is an amount to the script; the server knows where it may be.
            wanted = 0 if meant == "amount_zero" else meant
            assert read == (wanted if isinstance(wanted, int) else None), (locale, currency, text)
    page.close()


def test_a_button_writes_amounts_as_the_page_does(browser: Browser) -> None:
    page = browser.new_page()
    page.add_script_tag(path=ROOT / "static/admin/amounts.js")
    for locale, currency in (
        ("en_US", "USD"),
        ("de_DE", "EUR"),
        ("fr_FR", "EUR"),
        ("en_US", "JPY"),
    ):
        way = notation(currency, locale).for_script()
        amounts = {**way, "currency": currency, "locale": locale.replace("_", "-")}
        [[units, said]] = page.evaluate(READ, [amounts, ["1234"]])
        assert said == format_amount(units, currency, locale)
    page.close()


def test_charging_in_german_names_what_is_typed_and_charges_it(
    make: Factory, sandbox: Gateway, opened: Callable[..., Page], served: str
) -> None:
    make.settings(locale="de_DE", currency="EUR")
    user = make.user()
    keep(user)
    invoice = make.invoice(user, total=250_000)
    page = opened()
    page.goto(f"{served}/admin/invoice/charge/customer/?id={invoice}")
    amount = page.get_by_label("Amount")
    expect(amount).to_have_value("2500,00")
    for typed, said in (
        ("40,50", "40,50"),
        ("40.50", "40,50"),
        ("1.234,56", "1.234,56"),
        ("1.234", "1.234,00"),
    ):
        amount.fill(typed)
        expect(page.get_by_role("button", name=f"Charge {said} €")).to_be_visible()
        expect(page.locator(".asks")).to_contain_text(f"will be charged {said}\xa0€")
    # What can't be read changes nothing, here as there.
    amount.fill("1,234.50")
    button = page.get_by_role("button", name="Charge 1.234,00 €")
    button.click()
    expect(page.get_by_text("Enter an amount such as 20,00.")).to_be_visible()
    expect(amount).to_have_value("1,234.50")
    assert payments_of(invoice) == []
    amount.fill("1.234,56")
    page.get_by_role("button", name="Charge 1.234,56 €").click()
    expect(page.get_by_text("was charged to Visa ending in 1111.")).to_be_visible()
    assert [payment.amount for payment in payments_of(invoice)] == [123_456]
    assert fetch(Invoice, invoice).balance == 250_000 - 123_456


def test_the_counter_gives_change_in_german(
    make: Factory, sandbox: Gateway, opened: Callable[..., Page], served: str
) -> None:
    make.settings(locale="de_DE", currency="EUR")
    invoice = make.invoice(total=125_000)
    page = opened()
    page.goto(f"{served}/admin/invoice/in-person/?id={invoice}")
    expect(page.get_by_label("Amount")).to_have_value("1250,00")
    page.get_by_label("Amount").fill("1.249,50")
    expect(page.get_by_text("Authorize card for 1.249,50 €")).to_be_attached()
    page.get_by_label("Cash", exact=True).check()
    page.get_by_label("Cash received").fill("1.250")
    expect(page.locator("#change")).to_contain_text("0,50 €")
    page.locator("#process").click()
    expect(page.get_by_text("Change due: 0,50 €")).to_be_visible()
    assert [payment.amount for payment in payments_of(invoice)] == [124_950]


def test_an_amount_typed_before_the_script_came_is_named_all_the_same(
    make: Factory, opened: Callable[..., Page], served: str
) -> None:
    user = make.user()
    keep(user)
    invoice = make.invoice(user, total=250_000)
    page, waiting = opened(), list[Route]()
    page.route("**/charging.js*", lambda route: waiting.append(route))
    page.goto(f"{served}/admin/invoice/charge/customer/?id={invoice}", wait_until="commit")
    page.get_by_label("Amount").fill("40.50")
    assert page.get_by_role("button", name="Charge $2,500.00").is_visible()
    while not waiting:
        page.wait_for_timeout(50)
    waiting[0].continue_()
    expect(page.get_by_role("button", name="Charge $40.50")).to_be_visible()
