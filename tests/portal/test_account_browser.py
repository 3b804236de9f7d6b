"""The account in a real browser: signing in, several at once, paying a balance, by keyboard too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from models import Invoice
from tests.applications.helpers import apply, owed, state_of
from tests.portal.card import type_card
from tests.support import Factory, fetch

MailedLink = Callable[[str], str]
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def dialect() -> str:
    """What a browser does is the same on both databases."""
    return "sqlite"


def enter(page: Page, served: str, mailed_link: MailedLink, email: str) -> None:
    page.goto(served + mailed_link(email))
    page.get_by_role("button", name="Sign in as").click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()


def test_ask_sign_in_tick_two_and_pay_them_together(
    page: Page, served: str, make: Factory, mailed_link: MailedLink, sandbox: object
) -> None:
    user = make.user(email="maria@example.org")
    first, second, third = (make.invoice(user, total=sum_) for sum_ in (2000, 3500, 900))
    page.goto(f"{served}/account")
    page.get_by_label("E-mail address").fill("maria@example.org")
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_text("If we know this address")).to_be_visible()
    enter(page, served, mailed_link, "maria@example.org")
    assert page.evaluate(WIDER) <= 0
    for number in (first, second):
        page.get_by_role("checkbox", name=str(fetch(Invoice, number))).check()
    page.get_by_role("button", name="Pay the ticked ones together").click()
    expect(page.locator("#pay-button")).to_contain_text("Pay $55.00")
    type_card(page)
    page.locator("#pay-button").click()
    expect(page.get_by_role("heading", name="You paid $55.00")).to_be_visible()
    expect(page.get_by_text("Paid in full")).to_have_count(2)
    states = [str(fetch(Invoice, number).state) for number in (first, second, third)]
    assert states == ["paid", "paid", "sent"]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()


def test_a_rejected_applicants_letter_leads_to_paying(
    page: Page,
    served: str,
    make: Factory,
    application_link: Callable[[int], str],
    sandbox: object,
) -> None:
    application = apply(make, items=2, state="rejected")
    page.goto(served + application_link(application))
    expect(page.get_by_text("$25.00 is outstanding.")).to_be_visible()
    assert page.evaluate(WIDER) <= 0
    button = page.locator("#pay-button")
    type_card(page)
    expect(button).to_be_enabled()
    button.click()
    expect(page.get_by_role("heading", name="You paid $25.00")).to_be_visible()
    page.get_by_role("link", name="Back to the application").click()
    expect(page.get_by_text("Pending: the office is looking at it")).to_be_visible()
    assert (state_of(application), owed(application)) == ("pending", 0)


def test_with_the_keyboard_alone(
    page: Page, served: str, make: Factory, mailed_link: MailedLink, sandbox: object
) -> None:
    user = make.user(email="maria@example.org")
    for total in (2000, 3500):
        make.invoice(user, total=total)
    page.goto(served + mailed_link("maria@example.org"))
    page.get_by_role("button", name="Sign in as").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    boxes = page.get_by_role("checkbox")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "checkbox":
            page.keyboard.press("Space")
        if page.evaluate("document.activeElement.type") == "submit" and boxes.last.is_checked():
            page.keyboard.press("Enter")
            break
    expect(page.get_by_role("rowheader", name="Together")).to_be_visible()
    expect(page.locator("#pay-button")).to_contain_text("Pay $55.00")


def test_without_javascript_everything_but_the_card_works(
    browser: Browser, served: str, make: Factory, mailed_link: MailedLink
) -> None:
    user = make.user(email="maria@example.org")
    make.invoice(user)
    make.invoice(user)
    application = apply(make, user=user, state="rejected")
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    enter(page, served, mailed_link, "maria@example.org")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Pay the ticked ones together").click()
    expect(page.get_by_text("Paying by card here needs JavaScript")).to_be_visible()
    page.goto(f"{served}/applications/{application}")
    page.get_by_label("Number (dog)").fill("3")
    page.get_by_role("button", name="Change and hand in again").click()
    expect(page.get_by_text("Your application is pending again")).to_be_visible()
    page.goto(f"{served}/account/address/{user}")
    page.get_by_label("Postal code").fill("99999")
    page.get_by_role("button", name="Save the address").click()
    expect(page.get_by_role("heading", name="Your fees will change")).to_be_visible()
    page.get_by_role("button", name="Save the address, with these fees").click()
    expect(page.get_by_text("The address is corrected.")).to_be_visible()
    assert owed(application) == 9500
    context.close()
