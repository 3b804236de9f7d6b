"""Messages, from an empty form to letters in the mailbox, told through the front door."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.scenarios.office import WIDE, Office, from_menu, sign_in, visit

LAYLA = "layla.haddad@mail.example"
JOSE = "jose.nunez@mail.example"
CLERK = "clerk@riverbend.example"
MORGAN = "morgan@riverbend.example"
EXTRA = "market.board@mail.example"
SUBJECT = "Farm stands open on Saturday"
PATIENCE = 40000


def choose(page: Page, action: str) -> None:
    """Open the dropdown in the upper right and press ``action``."""
    page.get_by_text("Actions", exact=True).click()
    page.locator(".acts").get_by_text(action, exact=True).click()


def write_message(page: Page) -> None:
    """Fill in the form, with a slip in the list of addresses that is told at its field."""
    from_menu(page, "Messages")
    page.get_by_role("link", name="New message").first.click()
    page.get_by_label("Subject").fill(SUBJECT)
    page.get_by_label("Text", exact=True).fill("Dear {name},\n\nyour stand {application} is ready.")
    page.get_by_label("Form", exact=True).select_option(label="Farm stand")
    page.get_by_label("Extra recipients").fill(f"{EXTRA}\n{CLERK}\noops")
    page.get_by_label("Excluded recipients").fill(CLERK)
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("Line 3: “oops” is not an e-mail address.")).to_be_visible()
    expect(page.get_by_label("Subject")).to_have_value(SUBJECT)
    page.get_by_label("Extra recipients").fill(f"{EXTRA}\n{CLERK}")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(SUBJECT)
    letter = page.frame_locator("iframe.letter")
    expect(letter.get_by_text(re.compile("Dear .+,"))).to_be_visible()


def test_a_message_is_written_previewed_sent_and_duplicated(
    office: Office, browser: Browser
) -> None:
    with visit(browser, WIDE) as page:
        sign_in(page, office)
        write_message(page)

        choose(page, "Send message preview")
        expect(page.get_by_label("Addresses")).to_have_value(MORGAN)
        page.get_by_role("button", name="Send message preview").click()
        expect(page.get_by_text("The preview is on its way to 1 address.")).to_be_visible()
        assert office.letter(MORGAN, SUBJECT)
        assert not office.letters(EXTRA)

        choose(page, "Send")
        expect(page.get_by_text("Will get it")).to_be_visible()
        expect(page.locator("tr", has_text="José Ángel Núñez")).to_contain_text("Unpaid invoice")
        expect(page.locator("tr", has_text=CLERK)).to_contain_text("Excluded")
        expect(page.locator("tr", has_text="ليلى حداد")).to_have_count(0)
        page.get_by_role("button", name="Send", exact=True).click()

        # The page follows the sending by itself.
        expect(page.locator("h1 .badge")).to_have_text("Sent", timeout=PATIENCE)
        expect(page.locator("[data-percent]")).to_have_text("100 %")
        page.get_by_label("States of recipients").get_by_role("link", name="Left out").click()
        expect(page.locator("#recipients tr", has_text=CLERK)).to_contain_text("Excluded")

        office.letter(EXTRA, SUBJECT)
        to_layla = [mail for mail in office.letters(LAYLA) if SUBJECT in str(mail["Subject"])]
        assert len(to_layla) == 1
        body = to_layla[0].get_body(("plain",))
        assert body is not None
        assert "Dear ليلى حداد," in body.get_content()
        assert to_layla[0]["List-Unsubscribe"]
        for address in (JOSE, CLERK):
            assert not any(SUBJECT in str(mail["Subject"]) for mail in office.letters(address))

        choose(page, "Duplicate message")
        expect(page.get_by_role("heading", level=1)).to_contain_text(f"Copy of {SUBJECT}")
        expect(page.locator("h1 .badge")).to_have_text("Draft")
        expect(page.locator(".typed", has_text=EXTRA)).to_be_visible()
