"""A day at the counter, told through the front door: a card by two of the staff, a settled debt."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.scenarios.office import (
    DECLINED_VISA,
    VISA,
    WIDE,
    Office,
    sign_in,
    type_card,
    visit,
)

JOSE = "jose.nunez@mail.example"
WANG = "wang.xiaoming@mail.example"
PATIENCE = 20000


def open_record(page: Page, menu: str, customer: str, action: str) -> None:
    """Menu → search for the customer → Eye → dropdown upper right → ``action``."""
    page.get_by_role("link", name=menu).first.click()
    page.get_by_role("searchbox").fill(customer)
    page.get_by_role("searchbox").press("Enter")
    page.locator("tr", has_text=customer).first.get_by_role("link").first.click()
    page.get_by_text("Actions", exact=True).click()
    page.get_by_role("link", name=action).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(action)


def authorise(page: Page, number: str, amount: str) -> None:
    """Type a card and press the green button once it may be pressed."""
    green = page.get_by_role("button", name=f"Authorize card for {amount}")
    expect(green).to_be_disabled()
    type_card(page, number)
    expect(green).to_be_enabled()
    green.click()


def test_a_card_is_authorized_by_one_and_processed_by_another(
    office: Office, browser: Browser
) -> None:
    with visit(browser, WIDE) as page:
        sign_in(page, office)
        open_record(page, "Invoices", "José Ángel Núñez", "Process Invoice In-Person")
        process = page.get_by_role("button", name="Process Invoice")
        expect(process).to_be_disabled()
        authorise(page, DECLINED_VISA, "$120.00")
        expect(page.get_by_text("The card was declined:")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("(code 2")).to_be_visible()
        authorise(page, VISA, "$120.00")
        expect(page.get_by_text("$120.00 is on hold")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("Visa ending in 1111")).to_be_visible()
    receipts = len(office.letters(JOSE))
    with visit(browser, WIDE) as page:
        sign_in(page, office, "Operations")
        open_record(page, "Invoices", "José Ángel Núñez", "Process Invoice In-Person")
        expect(page.get_by_text("$120.00 is on hold")).to_be_visible()
        expect(page.get_by_label("Send receipt")).to_be_checked()
        page.get_by_role("button", name="Process Invoice").click()
        expect(page.get_by_text("$120.00 by card was recorded.")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("Paid", exact=True).first).to_be_visible()
    letter = office.letter(JOSE, "eceipt")
    assert [part.get_content_type() for part in letter.iter_attachments()] == ["application/pdf"]
    assert len(office.letters(JOSE)) == receipts + 1


def test_settle_on_a_pending_application_makes_it_approved(
    office: Office, browser: Browser
) -> None:
    with visit(browser, WIDE) as page:
        sign_in(page, office)
        open_record(page, "Applications", "王小明", "Settle Outstanding Balance")
        expect(page.get_by_role("link", name="Generate Invoice")).to_have_count(0)
        authorise(page, VISA, "$10.00")
        expect(page.get_by_text("$10.00 is on hold")).to_be_visible(timeout=PATIENCE)
        page.get_by_role("button", name="Settle", exact=True).click()
        expect(page.get_by_text("$10.00 by card was recorded.")).to_be_visible(timeout=PATIENCE)
        expect(page.locator("h1 .badge")).to_have_text("Approved")
    assert office.letter(WANG, "eceipt")


def test_cash_works_without_script_and_says_the_change(office: Office, browser: Browser) -> None:
    with visit(browser, WIDE, java_script_enabled=False) as page:
        sign_in(page, office)
        open_record(page, "Invoices", "Walter Brandt", "Process Invoice In-Person")
        expect(page.get_by_text("The card fields need JavaScript")).to_be_visible()
        page.get_by_label("Cash", exact=True).check()
        page.get_by_label("Cash received").fill("20")
        page.get_by_role("button", name="Process Invoice").click()
        expect(page.get_by_text("Change due: $1.50.")).to_be_visible()
        expect(page.get_by_text("This user has no e-mail, so no receipt was sent.")).to_be_visible()
        paper = page.get_by_role("link", name=re.compile("Print or save the receipt"))
        expect(paper).to_be_visible()
