"""Paying another amount on the invoice's page: read by the server, charged as it was read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from lxml import html
from playwright.sync_api import Page, expect

from models import Invoice, Payment
from tests.portal.card import type_card
from tests.portal.reading import words
from tests.support import Factory, all_of, emails, fetch, payments_of

Link = Callable[[int], str]
Pay = Callable[..., Any]


@pytest.fixture
def allowed(make: Factory) -> None:
    make.settings(other_amounts=True)


def part(amount: str, **more: str) -> dict[str, str]:
    return {"how_much": "other", "other_amount": amount, **more}


@pytest.mark.usefixtures("allowed", "sandbox")
def test_a_part_is_paid_and_the_page_says_what_is_left(
    client: FlaskClient, make: Factory, link: Link, pay: Pay
) -> None:
    invoice = make.invoice(total=10_000)
    answer = pay(client, invoice, **part("40"))
    said = words(client.get(answer.headers["Location"]))
    assert "You paid $40.00" in said
    assert "$60.00 is left to pay" in said
    assert [payment.amount for payment in payments_of(invoice)] == [4000]
    assert len(emails("receipt")) == 1
    said = words(client.get(link(invoice)))
    assert "Amount due $60.00" in said
    assert "Pay $60.00" in said
    assert "$60.00 of this invoice is left to pay" in words(client.get(f"{link(invoice)}/receipt"))


@pytest.mark.usefixtures("allowed")
def test_the_choice_is_plain_html_with_names_for_everybody(
    client: FlaskClient, make: Factory, link: Link
) -> None:
    source = html.fromstring(client.get(link(make.invoice(total=10_000))).text)
    [group] = source.xpath("//form[@id='pay-form']//fieldset")
    assert group.findtext("legend") == "How much would you like to pay?"
    values = [
        (each.get("value"), each.get("checked")) for each in group.xpath(".//input[@type='radio']")
    ]
    assert values == [("all", "checked"), ("other", None)]
    field = source.get_element_by_id("other-amount")
    assert source.xpath("//label[@for='other-amount']")
    for described in field.get("aria-describedby").split():
        assert source.get_element_by_id(described) is not None


def test_where_parts_are_not_taken_there_is_no_choice_and_a_posted_one_charges_nothing(
    client: FlaskClient, make: Factory, link: Link, pay: Pay, sandbox: Any
) -> None:
    invoice = make.invoice(total=10_000)
    assert "other-amount" not in client.get(link(invoice)).text
    answer = pay(client, invoice, **part("40"))
    said = words(client.get(answer.headers["Location"]))
    assert "Please pay the whole amount. Nothing was charged." in said
    asked = client.get(f"{link(invoice)}/amount?other_amount=40").get_json()
    assert asked == {"problem": "Please pay the whole amount."}
    assert all_of(Payment) == []
    assert sandbox.transactions() == []


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Enter an amount such as 20.00."),
        ("0", "The amount must be more than zero."),
        ("-5", "Enter an amount such as 20.00."),
        ("sixty", "Enter an amount such as 20.00."),
        ("100.01", "Only $100.00 is left to pay."),
        ("60.005", "Use at most 2 decimals."),
        ("60,5", "Enter an amount such as 20.00."),
        ("9" * 15, "That amount is too large."),
        ("9" * 40, "That amount is too large."),
        ("9" * 10_000, "Enter an amount such as 20.00."),
        ("<script>alert(1)</script>", "Enter an amount such as 20.00."),
    ],
)
def test_a_wrong_amount_gets_its_sentence_at_its_place_and_charges_nothing(
    client: FlaskClient,
    make: Factory,
    pay: Pay,
    sandbox: Any,
    typed: str,
    sentence: str,
) -> None:
    invoice = make.invoice(total=10_000)
    answer = pay(client, invoice, **part(typed))
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"])
    source = html.fromstring(page.text)
    assert source.get_element_by_id("other-amount-problem").text_content() == sentence
    field = source.get_element_by_id("other-amount")
    assert (field.get("aria-invalid"), field.get("value")) == ("true", typed[:40])
    assert source.xpath("//input[@name='how_much'][@value='other']/@checked") == ["checked"]
    assert f"{sentence} Nothing was charged." in words(page)
    assert all_of(Payment) == []
    assert sandbox.transactions() == []
    assert fetch(Invoice, invoice).state == "sent"


@pytest.mark.usefixtures("allowed", "sandbox")
@pytest.mark.parametrize(
    "fields",
    [
        {"other_amount": "40"},
        {"how_much": "all", "other_amount": "40"},
        {"how_much": "OTHER", "other_amount": "40"},
    ],
)
def test_an_amount_counts_only_when_it_was_chosen(
    client: FlaskClient, make: Factory, pay: Pay, fields: dict[str, str]
) -> None:
    invoice = make.invoice(total=10_000)
    pay(client, invoice, **fields)
    assert [payment.amount for payment in payments_of(invoice)] == [10_000]


@pytest.mark.usefixtures("allowed", "sandbox")
def test_a_part_of_an_amount_that_changed_meanwhile_charges_nothing(
    client: FlaskClient, make: Factory, pay: Pay
) -> None:
    invoice = make.invoice(total=10_000)
    pay(client, invoice, **part("40"))
    answer = pay(client, invoice, **part("10", shown_balance="10000"))
    assert "The amount has changed" in words(client.get(answer.headers["Location"]))
    assert [payment.amount for payment in payments_of(invoice)] == [4000]


@pytest.mark.usefixtures("allowed")
def test_amounts_are_read_and_said_in_the_offices_language(
    client: FlaskClient, make: Factory, link: Link
) -> None:
    make.settings(locale="de_DE", currency="EUR")
    address = f"{link(make.invoice(total=150_000))}/amount"
    answer = client.get(f"{address}?other_amount=1.250,50")
    assert answer.get_json() == {"amount": "1.250,50\xa0€", "left": "249,50\xa0€"}
    whole = client.get(f"{address}?other_amount=1500").get_json()
    assert whole == {"amount": "1.500,00\xa0€", "left": ""}
    pointed = client.get(f"{address}?other_amount=12.50").get_json()
    assert pointed == {"amount": "12,50\xa0€", "left": "1.487,50\xa0€"}
    wrong = client.get(f"{address}?other_amount=12.5").get_json()
    assert wrong == {"problem": "Enter an amount such as 20,00."}


@pytest.mark.usefixtures("allowed", "sandbox")
def test_the_amount_of_what_can_not_be_paid_is_not_read(
    client: FlaskClient, make: Factory, link: Link, pay: Pay
) -> None:
    invoice = make.invoice()
    pay(client, invoice)
    asked = client.get(f"{link(invoice)}/amount?other_amount=5").get_json()
    assert asked == {"problem": "This invoice can't be paid at the moment."}
    assert client.get("/i/forged/amount?other_amount=5").status_code == 404


@pytest.mark.usefixtures("allowed", "sandbox")
def test_with_keyboard_alone_the_button_names_what_is_typed(
    make: Factory, link: Link, served: str, page: Page
) -> None:
    invoice = make.invoice(total=10_000)
    page.goto(f"{served}{link(invoice)}")
    type_card(page)
    button = page.locator("#pay-button")
    expect(button.locator("[data-idle]")).to_have_text("Pay $100.00")
    expect(page.locator("#other-amount-field")).to_be_hidden()
    page.get_by_label("The whole amount").focus()
    page.keyboard.press("ArrowDown")
    field = page.get_by_label("Amount to pay now")
    expect(field).to_be_focused()
    expect(button).to_be_disabled()
    page.keyboard.type("100.01")
    expect(page.locator("#other-amount-problem")).to_have_text("Only $100.00 is left to pay.")
    expect(button).to_be_disabled()
    field.fill("40")
    expect(button.locator("[data-idle]")).to_have_text("Pay $40.00")
    expect(page.locator("#other-amount-left")).to_have_text("$60.00 is left to pay then.")
    expect(button).to_be_enabled()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    button.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You paid $40.00")
    assert fetch(Invoice, invoice).balance == 6000
