"""What a reader of the screen hears: rows by their names, refusals at their fields, English."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from playwright.sync_api import Page, expect

from admin.pages.in_person_form import InPersonForm
from billing.errors import Refusal
from tests.admin.test_drafting_browser import browser, opened, served
from tests.billing.helpers import pay
from tests.support import Factory

__all__ = ["browser", "opened", "served"]

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


@pytest.fixture
def dialect() -> str:
    """What a page looks like is the same on both databases."""
    return "sqlite"


def spoken(page: Any, control: Any) -> str:
    """What a control is called, by the elements its attribute names."""
    named = [page.xpath("//*[@id=$it]", it=it) for it in control.get("aria-labelledby").split()]
    assert all(len(found) == 1 for found in named)
    return " ".join(found[0].text_content() for found in named)


def test_the_ticks_and_links_of_rows_are_called_as_the_rows_are(
    make: Factory, staff_client: Build
) -> None:
    make.invoice()
    make.invoice()
    client = staff_client()
    page = html.fromstring(client.get("/admin/invoice/").text)
    for path in ("//td[@class='pick']/input", "//td[@class='eye']/a"):
        assert [spoken(page, each) for each in page.xpath(path)] == ["2", "1"]
    page = html.fromstring(client.get("/admin/user/").text)
    assert spoken(page, page.xpath("//td[@class='eye']/a")[0]) == "Maria Alvarez"


def told(page: Any, control: Any) -> str:
    """What is told about a control beside its name."""
    parts = [page.get_element_by_id(it) for it in control.get("aria-describedby", "").split()]
    return " ".join(part.text_content().strip() for part in parts)


@pytest.mark.usefixtures("sandbox")
def test_a_refusal_is_told_at_its_field(make: Factory, staff_client: Build, post: Post) -> None:
    payment = pay(make.invoice()).payment_id
    client = staff_client()
    path = f"/admin/payment/do/refund/?id={payment}"
    page = html.fromstring(post(client, path, {"amount": "x", "reason": ""}).text)
    reason, amount = page.get_element_by_id("reason"), page.get_element_by_id("amount")
    for control, sentence in ((reason, "Say why."), (amount, "amount")):
        assert control.get("aria-invalid") == "true"
        assert sentence in told(page, control)
    page = html.fromstring(client.get(path).text)
    reason = page.get_element_by_id("reason")
    assert reason.get("aria-invalid") is None
    assert "Say why." not in told(page, reason)
    page = html.fromstring(post(client, "/admin/rental/new/", {"unit": ""}).text)
    wrong = page.xpath("//div[contains(@class, 'wrong')]")
    assert wrong
    for field in wrong:
        (control,) = field.xpath(".//*[self::input or self::select][@aria-invalid='true']")
        assert field.xpath("string(.//p[@class='error'])") in told(page, control)


def test_a_manual_method_is_refused_where_it_is_chosen(app: Flask) -> None:
    with app.test_request_context(method="POST"):
        form = InPersonForm()
        form.show(Refusal("Choose one of the other ways to pay.", "no_method", "method"))
        assert form.tender.errors == ["Choose one of the other ways to pay."]
        assert form.form_errors == []


def test_english_pages_say_so_in_any_office(
    make: Factory, staff_client: Build, client: FlaskClient
) -> None:
    make.settings(locale="de_DE", currency="EUR")
    for page in (staff_client().get("/admin/"), client.get("/login", follow_redirects=True)):
        assert '<html lang="en">' in page.text


def test_a_click_beside_the_tick_stays_on_the_list(
    make: Factory, opened: Callable[..., Page], served: str
) -> None:
    invoice = make.invoice()
    page = opened(1280)
    page.goto(f"{served}/admin/invoice/")
    tick = page.get_by_role("checkbox", name="1", exact=True)
    tick.check()
    page.locator("td.pick").click(position={"x": 1, "y": 1})
    expect(tick).to_be_checked()
    page.locator("td.k-figure").first.click()
    expect(page).to_have_url(f"{served}/admin/invoice/details/?id={invoice}")
