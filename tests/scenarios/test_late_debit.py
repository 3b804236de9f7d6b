"""A direct debit that was taken back and settles after all, told in the browser from end to end.

Debit pending → billing method to invoice → back to draft → cash → the debit settles late → refund.
"""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.scenarios.office import WIDE, Office, from_menu, sign_in, visit

NORA = "Nora Lindqvist"


def open_invoice(page: Page, words: str) -> None:
    """Invoices → the Eye of the first row with these words."""
    from_menu(page, "Invoices")
    page.locator("tr", has_text=words).first.get_by_role("link").first.click()


def act(page: Page, label: str) -> None:
    """Choose from the dropdown in the upper right."""
    page.get_by_text("Actions", exact=True).click()
    page.locator(".drop-body").get_by_role("link", name=label).click()


def test_a_debit_that_settles_after_its_invoice_was_paid_in_cash(
    office: Office, browser: Browser
) -> None:
    with visit(browser, WIDE) as page:
        sign_in(page, office)

        # Pending: the bank has been asked and has not answered.
        open_invoice(page, "Deposit")
        expect(page.get_by_text("Pending", exact=True).first).to_be_visible()
        invoice = page.url

        # The billing method, one click on the user's page.
        page.get_by_role("main").get_by_role("link", name=NORA).first.click()
        page.get_by_role("button", name="Invoice", exact=True).click()
        expect(page.get_by_text("Billing method set to invoice").first).to_be_visible()

        # Back to draft: the form says what happens, and asks again when it can't be stopped.
        page.goto(invoice)
        act(page, "Set back to draft")
        page.get_by_label("Why").fill("She pays at the desk")
        page.get_by_role("button", name="Set back to draft").click()
        again = page.get_by_role("button", name="Set back all the same")
        draft = page.get_by_text("Draft", exact=True)
        expect(again.or_(draft).first).to_be_visible()
        if again.count():
            expect(page.get_by_text("can’t be stopped any more").first).to_be_visible()
            expect(page.get_by_label("Why")).to_have_value("She pays at the desk")
            page.get_by_label("Set it back all the same").check()
            again.click()
        expect(draft.first).to_be_visible()

        # The money at the desk.
        act(page, "Process Invoice In-Person")
        page.locator("input[value=cash]").check()
        page.get_by_label("Cash received").fill("150.00")
        page.get_by_role("button", name="Process Invoice", exact=True).click()
        expect(page.get_by_text("Paid", exact=True).first).to_be_visible()

        # Days later the bank settles the old debit after all: her credit, and staff are told.
        page.goto(f"{office.url}/admin/clock/")
        page.get_by_role("button", name=re.compile("7 days|week")).first.click()
        office.letter("riverbend.example", "Money without an invoice")
        page.goto(f"{office.url}/admin/")
        expect(page.get_by_text("not fully used").first).to_be_visible()

        # One button pays it back.
        page.goto(invoice)
        page.get_by_role("main").get_by_role("link", name="Refund").first.click()
        page.get_by_label("Why").fill("She paid in cash")
        page.get_by_role("button", name="Refund").click()
        expect(
            page.get_by_text(re.compile(r"\$150\.00 (is being|was) paid back")).first
        ).to_be_visible()
        page.goto(invoice)
        expect(page.get_by_text("Paid", exact=True).first).to_be_visible()

    assert "Everything adds up." in office.proof()
