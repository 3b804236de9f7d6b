"""Adding a card, a US account and a SEPA account with the gateway's own components."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from billing.method_links import method_url
from models import PaymentMethod, User
from models.states import Tender
from tests.billing.helpers import charge
from tests.portal.card import type_card
from tests.support import Factory, all_of, fetch

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
EURO = {"direct_debit": True, "currency": "EUR", "creditor_id": "DE98ZZZ09999999999"}


@pytest.fixture
def dialect() -> str:
    """What a browser does is the same on both databases."""
    return "sqlite"


@pytest.fixture
def link(served: str) -> Callable[[int], str]:
    """``link(user_id)`` is the address a letter leads to."""
    return lambda user: served + urlsplit(method_url(fetch(User, user))).path


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser complained of: a script that failed, something its policy forbids."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    return found


def kept() -> PaymentMethod:
    (method,) = all_of(PaymentMethod)
    return method


def fill_us(page: Page, account: str = "1000000000") -> None:
    expect(page.locator("#bank-form")).to_be_visible()
    page.get_by_label("Routing number").fill("021000021")
    page.get_by_label("Account number").fill(account)
    page.get_by_label("State").fill("IL")


def test_a_card_by_the_link_in_a_letter(
    page: Page, link: Callable[[int], str], make: Factory, sandbox: Any, complaints: list[str]
) -> None:
    page.goto(link(make.user()))
    type_card(page)
    expect(page.get_by_role("button", name="Save this card")).to_be_enabled()
    assert page.evaluate(WIDER) <= 0
    page.keyboard.press("Enter")
    expect(page.get_by_text("Thank you. Visa ending in 1111 is saved.")).to_be_visible()
    assert page.evaluate(WIDER) <= 0
    assert (kept().last_four, kept().holder, complaints) == ("1111", "Maria Alvarez", [])


def test_a_card_the_bank_refuses_says_why_and_can_be_tried_again(
    page: Page, link: Callable[[int], str], make: Factory, sandbox: Any
) -> None:
    page.goto(link(make.user()))
    type_card(page, "4000111111111115")
    page.get_by_role("button", name="Save this card").click()
    expect(page.get_by_role("alert").first).to_contain_text("The bank did not accept it")
    type_card(page)
    page.get_by_role("button", name="Save this card").click()
    expect(page.get_by_text("Thank you.")).to_be_visible()


def test_a_us_account_with_the_published_component(
    page: Page, link: Callable[[int], str], make: Factory, sandbox: Any, complaints: list[str]
) -> None:
    make.settings(direct_debit=True)
    user = make.user()
    page.goto(link(user))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.url} {request.post_data}"))
    page.get_by_role("link", name="Use a bank account instead").click()
    fill_us(page)
    page.get_by_text("Savings").click()
    expect(page.locator("#mandate")).to_contain_text("savings account ending in 0000")
    page.get_by_role("button", name="Agree and save").click()
    expect(page.get_by_text("Please tick that you agree")).to_be_visible()
    assert page.evaluate(WIDER) <= 0
    shown = page.locator("#mandate").text_content()
    page.get_by_label("I have read this").check()
    page.get_by_role("button", name="Agree and save").click()
    expect(page.get_by_text("Thank you. Bank account ending in 0000 is saved.")).to_be_visible()
    assert (kept().tender, kept().mandate) == (Tender.DIRECT_DEBIT, (shown or "").strip())
    ours = [request for request in sent if "/graphql" not in request and "/m/" in request]
    assert ours
    assert not [request for request in ours if "1000000000" in request or "021000021" in request]
    assert complaints == []
    assert charge(make.invoice(user)).outcome == "pending"


def test_an_account_that_does_not_exist_is_told(
    page: Page, link: Callable[[int], str], make: Factory, sandbox: Any
) -> None:
    make.settings(direct_debit=True)
    page.goto(f"{link(make.user())}/bank")
    fill_us(page, "1000000005")
    page.get_by_label("I have read this").check()
    page.get_by_role("button", name="Agree and save").click()
    expect(page.get_by_role("alert").first).to_contain_text("the bank does not know the account")
    assert all_of(PaymentMethod) == []


def test_what_is_mistyped_is_told_before_anything_is_sent(
    page: Page, link: Callable[[int], str], make: Factory, sandbox: Any
) -> None:
    make.settings(direct_debit=True)
    page.goto(f"{link(make.user())}/bank")
    fill_us(page)
    page.get_by_label("Routing number").fill("123456789")
    page.get_by_role("button", name="Agree and save").click()
    expect(page.get_by_text("Please check the routing number.")).to_be_visible()
    expect(page.get_by_label("Routing number")).to_be_focused()


def test_a_sepa_account_with_the_published_component(
    page: Page, link: Callable[[int], str], make: Factory, sandbox: Any, complaints: list[str]
) -> None:
    make.settings(**EURO)
    user = make.user()
    page.goto(f"{link(user)}/bank")
    page.get_by_label("IBAN").fill("de89 3704 0044 0532 0130 00")
    expect(page.locator("#mandate")).to_contain_text("IBAN ending in 3000")
    page.get_by_label("I have read this").check()
    assert page.evaluate(WIDER) <= 0
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Go on to the mandate").click()
    popup = opened.value
    expect(popup.get_by_text("IBAN ending in 3000")).to_be_visible()
    assert popup.evaluate(WIDER) <= 0
    popup.get_by_role("button", name="Approve the mandate").click()
    expect(page.get_by_text("Thank you. Bank account ending in 3000 is saved.")).to_be_visible()
    assert "Creditor identifier: DE98ZZZ09999999999" in kept().mandate
    assert "Account holder: Maria Alvarez" in kept().mandate
    assert complaints == []
    assert charge(make.invoice(user)).outcome == "pending"


def test_a_mandate_that_is_not_approved_saves_nothing(
    page: Page, link: Callable[[int], str], make: Factory, sandbox: Any
) -> None:
    make.settings(**EURO)
    page.goto(f"{link(make.user())}/bank")
    page.get_by_label("IBAN").fill("DE89370400440532013000")
    page.get_by_label("I have read this").check()
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Go on to the mandate").click()
    opened.value.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("You did not approve the mandate. Nothing was saved.")).to_be_visible()
    expect(page.get_by_role("button", name="Go on to the mandate")).to_be_enabled()
    assert all_of(PaymentMethod) == []


@pytest.mark.parametrize("place", ["", "/bank"])
def test_without_the_gateways_scripts_the_page_says_so(
    page: Page, link: Callable[[int], str], make: Factory, app: Flask, place: str
) -> None:
    make.settings(direct_debit=True)
    config = app.config["COUNTERFOIL"]
    gone = dataclasses.replace(
        config, gateway_url="http://127.0.0.1:9", gateway_browser_url="http://127.0.0.1:9"
    )
    app.config["COUNTERFOIL"] = gone
    page.goto(link(make.user()) + place)
    expect(page.get_by_text("can’t be added at the moment")).to_be_visible()
    expect(page.get_by_text("Nothing was saved.")).to_be_visible()


def test_without_javascript_people_read_what_else_they_can_do(
    browser: Browser, link: Callable[[int], str], make: Factory
) -> None:
    make.settings(direct_debit=True)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for place in ("", "/bank"):
        page.goto(link(make.user()) + place)
        expect(page.get_by_text("needs JavaScript")).to_be_visible()
    context.close()
