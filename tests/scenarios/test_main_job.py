"""The main job, from an approved application to a receipt, told in the order a newcomer does it."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.scenarios.office import (
    DECLINED_VISA,
    PHONE,
    VISA,
    WIDE,
    Office,
    from_menu,
    link_in,
    sign_in,
    type_card,
    visit,
    wait_for,
)

DANA = "dana.whitfield@mail.example"
ZOE = "zoe.mueller@mail.example"
OMAR = "omar.farouk@mail.example"
LAYLA = "layla.haddad@mail.example"


def generate_invoice(page: Page, office: Office, customer: str) -> str:
    """Applications → Eye → dropdown → Generate Invoice; returns the invoice's heading."""
    page.get_by_role("link", name="Applications").first.click()
    row = page.locator("tr", has_text=customer).first
    row.get_by_role("link").first.click()
    page.get_by_text("Actions", exact=True).click()
    page.get_by_role("link", name="Generate Invoice").click()
    expect(page.get_by_label("Description")).not_to_be_empty()
    page.get_by_role("button", name="Generate and Send Invoice").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("Invoice #")
    return heading.inner_text()


def invoice_link(browser: Browser, office: Office, customer: str, address: str) -> str:
    """Generate an invoice for a customer's application and return the link they got."""
    with visit(browser, WIDE) as page:
        sign_in(page, office)
        heading = generate_invoice(page, office, customer)
    number = re.search(r"#\d+", heading)
    assert number
    return link_in(office.letter(address, f"nvoice {number.group(0)}"))


@pytest.fixture(scope="module")
def dana(office: Office, browser: Browser) -> str:
    """The link of an invoice over $20.00 that was generated and e-mailed."""
    return invoice_link(browser, office, "Dana Whitfield", DANA)


def test_readiness_says_what_is_well(office: Office) -> None:
    answer = requests.get(f"{office.url}/readyz", timeout=20)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()["checks"]) == {"database", "queue", "outbox", "jobs"}


def test_a_letter_of_last_night_promises_a_day_still_to_come(office: Office) -> None:
    body = office.letter(OMAR, "did not go through").get_body(("plain",))
    assert body is not None
    promised = re.search(r"we will try again on (\w+ \d+, \d{4})", body.get_content())
    assert promised is not None, body.get_content()
    day = dt.datetime.strptime(promised[1], "%b %d, %Y").date()  # noqa: DTZ007 -- a day of the office
    assert day > dt.datetime.now(ZoneInfo("America/Chicago")).date()


def test_customer_pays_and_staff_see_the_story(office: Office, browser: Browser, dana: str) -> None:
    with visit(browser, PHONE) as page:
        page.goto(dana)
        expect(page.get_by_text("Amount due").first).to_be_visible()
        expect(page.locator(".amount-sum")).to_have_text("$20.00")
        pay = page.get_by_role("button", name="Pay $20.00")
        expect(pay).to_be_disabled()
        page.get_by_label("Name on card").fill("Dana Whitfield")
        type_card(page, VISA)
        expect(pay).to_be_enabled()
        pay.click()
        expect(page.get_by_text("This invoice has been paid.").first).to_be_visible()
        page.get_by_role("link", name="View Receipt").first.click()
        expect(page.get_by_text("$20.00").first).to_be_visible()

    receipt = office.letter(DANA, "eceipt")
    assert [part.get_content_type() for part in receipt.iter_attachments()] == ["application/pdf"]
    with visit(browser, WIDE) as page:
        sign_in(page, office)
        from_menu(page, "Invoices")
        page.locator("tr", has_text="Dana Whitfield").first.get_by_role("link").first.click()
        expect(page.get_by_text("Paid", exact=True).first).to_be_visible()
        expect(page.get_by_text("$20.00 paid by card (Visa ending in 1111)")).to_be_visible()
        expect(page.get_by_text("Opened by the customer").first).to_be_visible()
    receipts = [mail for mail in office.letters(DANA) if "eceipt" in str(mail["Subject"])]
    assert len(receipts) == 1


def test_paying_twice_is_answered_kindly_and_charges_once(
    office: Office, browser: Browser, dana: str
) -> None:
    with visit(browser, PHONE) as page:
        page.goto(dana)
        expect(page.get_by_text("This invoice has been paid.").first).to_be_visible()
        expect(page.get_by_role("button", name="Pay")).to_have_count(0)


def test_declined_card_then_another(office: Office, browser: Browser) -> None:
    link = invoice_link(browser, office, "Zoë Müller", ZOE)
    with visit(browser, PHONE) as page:
        page.goto(link)
        page.get_by_label("Name on card").fill("Zoë Müller")
        type_card(page, DECLINED_VISA)
        page.get_by_role("button", name="Pay $30.00").click()
        expect(page.get_by_text("declined").first).to_be_visible()
        page.goto(link)
        page.get_by_label("Name on card").fill("Zoë Müller")
        type_card(page, VISA)
        page.get_by_role("button", name="Pay $30.00").click()
        expect(page.get_by_text("This invoice has been paid.").first).to_be_visible()


def test_silent_gateway_asks_not_to_pay_again_and_ends_paid(
    office: Office, browser: Browser
) -> None:
    link = invoice_link(browser, office, "ليلى حداد", LAYLA)
    office.control("faults", {"operation": "sale", "kind": "drop", "when": "after"})
    with visit(browser, PHONE) as page:
        page.goto(link)
        page.get_by_label("Name on card").fill("Layla Haddad")
        type_card(page, VISA)
        page.get_by_role("button", name="Pay $120.00").click()
        expect(
            page.get_by_text("do not pay again")
            .or_(page.get_by_text("This invoice has been paid."))
            .first
        ).to_be_visible()
        expect(page.get_by_text("This invoice has been paid.").first).to_be_visible(timeout=60000)


def test_pdfs_open(office: Office, dana: str) -> None:
    answer = requests.get(f"{dana}/invoice.pdf", timeout=20)
    assert answer.status_code == 200
    assert answer.content.startswith(b"%PDF-")


def test_a_dead_link_looks_the_same_whatever_killed_it(office: Office, dana: str) -> None:
    forged = f"{dana[:-4]}AAAA"
    garbage = f"{office.url}/i/nothing"
    pages = [requests.get(url, timeout=20) for url in (forged, garbage)]
    assert {page.status_code for page in pages} <= {404, 410}
    assert all("This link no longer works" in page.text for page in pages)


def test_the_demo_clock_turns_an_unpaid_invoice_red(office: Office, browser: Browser) -> None:
    with visit(browser, WIDE) as page:
        sign_in(page, office)
        page.get_by_role("link", name="Demo clock").first.click()
        page.get_by_role("button", name=re.compile("30 days")).click()
        from_menu(page, "Invoices")
        row = page.locator("tr", has_text="Ivy Chen").filter(has_text="Rent of unit").first
        expect(row.get_by_text("Overdue")).to_be_visible()

        row.get_by_role("link").first.click()
        expect(page.get_by_text("Rent of unit").first).to_be_visible()

        def marked() -> bool:
            page.reload()
            return page.get_by_text("Became overdue").count() > 0

        wait_for("the history row of the hourly job", marked)


def test_everything_adds_up_after_it_all(office: Office) -> None:
    assert "Everything adds up." in office.proof()
