"""The pages of the office's own words: who may, what is previewed, what a save keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from playwright.sync_api import expect, sync_playwright

from billing.letter_kinds import LETTERS
from billing.letter_texts import LetterText, copies_to, set_bcc, set_letter_text, text_of
from models import History, OutgoingEmail, Settings
from tests.serving import serving
from tests.support import STAFF, Factory, all_of, fetch, sign_in
from tools.browser import find_chromium

PAGE = "/admin/letters/"
EDIT = f"{PAGE}edit/?kind=invoice"
PREVIEW = f"{PAGE}preview/?kind=invoice"
RESET = f"{PAGE}reset/?kind=invoice"
COPIES = f"{PAGE}copies/"
SEES = ["settings.view"]
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea><script>alert(1)</script>",
    "</iframe><script>alert(1)</script>",
    '" srcdoc="<script>alert(1)</script>',
)
Build = Callable[..., FlaskClient]


def kept(kind: str = "invoice") -> LetterText:
    return text_of(fetch(Settings, 1), kind)


def put(subject: str, opening: str = "") -> None:
    set_letter_text("invoice", subject=subject, opening=opening, actor=STAFF)


def typed(client: FlaskClient, path: str = EDIT, **values: str) -> dict[str, str]:
    """What a browser sends of the page's form, with ``values`` typed into it."""
    page = html.fromstring(client.get(path).text)
    (seen,) = page.xpath("//input[@name='seen']/@value")
    return {"seen": seen, "subject": "", "opening": "", **values}


def letter_in(answer: Any) -> str:
    """The letter of a preview: it is in a frame within the frame."""
    (source,) = html.fromstring(answer.text).xpath("//iframe/@srcdoc")
    return str(source)


def test_the_list_says_whose_words_each_letter_has(make: Factory, staff_client: Build) -> None:
    put("Rent {invoice}")
    page = html.fromstring(staff_client(SEES).get(PAGE).text)
    rows = {
        row.xpath("string(.//a)"): " ".join(row.text_content().split())
        for row in page.xpath("//tbody/tr")
    }
    assert set(rows) == {kind.title for kind in LETTERS.values()}
    assert rows["Invoice"].endswith("Rent {invoice} Own words")
    assert rows["Receipt"].endswith("As delivered")
    assert "Letters" in page.xpath("//nav//a[@aria-current='page']")[0].text_content()


@pytest.mark.parametrize("kind", LETTERS)
def test_every_letter_has_its_page_and_its_preview(staff_client: Build, kind: str) -> None:
    client = staff_client()
    page = html.fromstring(client.get(f"{PAGE}edit/?kind={kind}").text)
    shown = {each.text_content() for each in page.xpath("//dl[@class='places']//code")}
    assert shown == {f"{{{name}}}" for name in LETTERS[kind].placeholders}
    (frame,) = page.xpath("//iframe")
    assert frame.get("sandbox") == ""
    answer = client.get(frame.get("src"))
    assert answer.status_code == 200
    assert "Hello Jane Example," in letter_in(answer)
    assert all_of(OutgoingEmail) == []


def test_saving_and_going_back(make: Factory, staff_client: Build, post: Any) -> None:
    client = staff_client()
    answer = post(client, EDIT, typed(client, subject="Rent {invoice}", opening="One.\r\n\r\nTwo."))
    assert answer.status_code == 303
    assert kept() == LetterText("Rent {invoice}", "One.\n\nTwo.")
    again = client.get(EDIT).text
    assert "Letters sent from now on have these words." in again
    assert html.fromstring(again).xpath("string(//textarea)").strip() == "One.\n\nTwo."
    # What the page shows can be saved as it is.
    assert post(client, EDIT, typed(client, subject="Rent", opening="One.\r\n\r\nTwo.")).status_code
    assert kept().subject == "Rent"
    assert post(client, RESET).status_code == 303
    assert not kept()
    assert "Changed the words of the letter “Invoice”" in client.get("/admin/settings/").text


def test_a_wrong_text_is_refused_at_its_field_and_kept_as_typed(
    make: Factory, staff_client: Build, post: Any
) -> None:
    client = staff_client()
    answer = post(client, EDIT, typed(client, subject="About {card}", opening="Kept as typed"))
    assert answer.status_code == 422
    page = html.fromstring(answer.text)
    (wrong,) = page.xpath("//div[contains(@class, 'wrong')]")
    assert "There is no placeholder {card} in this letter." in wrong.text_content()
    assert wrong.xpath(".//input/@value") == ["About {card}"]
    assert "Kept as typed" in page.xpath("string(//textarea)")
    assert not kept()
    answer = post(client, EDIT, typed(client, subject="One\r\nBcc: x@example.org"))
    assert answer.status_code == 422
    assert "The subject must be a single line." in answer.text


def test_somebody_elses_change_is_shown_before_it_is_overwritten(
    make: Factory, staff_client: Build, post: Any
) -> None:
    client = staff_client()
    mine = typed(client, subject="Mine")
    put("Theirs")
    answer = post(client, EDIT, mine)
    assert answer.status_code == 422
    assert "Somebody else has just changed this." in answer.text
    assert kept().subject == "Theirs"
    (seen,) = html.fromstring(answer.text).xpath("//input[@name='seen']/@value")
    assert post(client, EDIT, {**mine, "seen": seen}).status_code == 303
    assert kept().subject == "Mine"


def test_a_preview_shows_what_was_typed_and_keeps_nothing(
    make: Factory, staff_client: Build, post: Any
) -> None:
    client = staff_client()
    before = len(all_of(History))
    words = {"subject": "Rent of {name}", "opening": "Pay {amount}.\r\n\r\nBy {due_date}."}
    answer = post(client, PREVIEW, words)
    assert answer.status_code == 200
    assert "<strong>Rent of Jane Example</strong>" in answer.text
    assert "<p>Pay $125.00.</p>" in letter_in(answer)
    assert "Pay $125.00." in html.fromstring(answer.text).xpath("string(//pre)")
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert not kept()
    assert len(all_of(History)) == before
    refused = post(client, PREVIEW, {"subject": "{nonsense}"})
    assert refused.status_code == 422
    assert "There is no placeholder {nonsense}" in refused.text


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_words_stay_words(make: Factory, staff_client: Build, post: Any, text: str) -> None:
    client = staff_client()
    answer = post(client, PREVIEW, {"subject": text, "opening": text})
    for source in (answer.text, letter_in(answer)):
        page = html.fromstring(source)
        assert not page.xpath("//script|//img|//body//*[starts-with(name(@*), 'on')]")
        assert text in page.text_content()
    assert post(client, EDIT, typed(client, subject=text, opening=text)).status_code == 303
    page = html.fromstring(client.get(EDIT).text)
    assert page.xpath("//input[@name='subject']/@value") == [text]
    assert text in page.xpath("string(//textarea)")
    assert text in html.fromstring(client.get(PAGE).text).text_content()


def test_who_gets_copies(make: Factory, staff_client: Build, post: Any) -> None:
    client = staff_client()
    assert post(client, COPIES, {"seen": "[]", "addresses": "a@example.org\r\nb@example.org"})
    assert copies_to(fetch(Settings, 1)) == ["a@example.org", "b@example.org"]
    page = html.fromstring(client.get(PAGE).text)
    assert page.xpath("string(//textarea)").split() == ["a@example.org", "b@example.org"]
    (seen,) = page.xpath("//input[@name='seen']/@value")
    answer = post(client, COPIES, {"seen": seen, "addresses": "nobody <b>"})
    assert answer.status_code == 422
    assert "“nobody” is not an e-mail address." in answer.text
    set_bcc("c@example.org", STAFF)
    answer = post(client, COPIES, {"seen": seen, "addresses": ""})
    assert answer.status_code == 422
    assert "Somebody else" in answer.text
    assert copies_to(fetch(Settings, 1)) == ["c@example.org"]
    seen = json.dumps(["c@example.org"])
    assert post(client, COPIES, {"seen": seen, "addresses": ""}).status_code == 303
    assert copies_to(fetch(Settings, 1)) == []


@pytest.mark.parametrize("mark", ["", "null", "{}", "[1", '"x"', "\0"])
def test_a_mark_that_cannot_be_read_overwrites_nothing(
    make: Factory, staff_client: Build, post: Any, mark: str
) -> None:
    put("Theirs")
    set_bcc("a@example.org", STAFF)
    client = staff_client()
    assert post(client, EDIT, {"seen": mark, "subject": "Mine"}).status_code == 422
    assert post(client, COPIES, {"seen": mark, "addresses": ""}).status_code == 422
    assert kept().subject == "Theirs"


def test_looking_is_not_changing(make: Factory, staff_client: Build, post: Any) -> None:
    put("Theirs")
    client = staff_client(SEES)
    page = html.fromstring(client.get(EDIT).text)
    assert page.xpath("//fieldset[@disabled]")
    assert not page.xpath("//main//button")
    for path in (EDIT, RESET, COPIES):
        assert (
            post(client, path, {"subject": "Mine", "addresses": "x@example.org"}).status_code == 403
        )
    for path in (PAGE, EDIT, PREVIEW):
        assert client.get(f"{path}{'&' if '?' in path else '?'}subject=Mine").status_code == 200
    assert client.get(RESET).status_code == 405
    assert client.get(COPIES).status_code == 405
    assert kept().subject == "Theirs"
    assert staff_client(["dashboard.view"]).get(PAGE).status_code == 403


def test_a_post_without_token_changes_nothing(make: Factory, staff_client: Build) -> None:
    put("Theirs")
    client = staff_client()
    for path in (EDIT, RESET, COPIES, PREVIEW):
        assert client.post(path, data={"subject": "Mine"}).status_code == 400
    assert kept().subject == "Theirs"


@pytest.mark.parametrize("kind", ["", "sign_in", "staff_password", "../invoice", "nonsense"])
def test_there_is_no_page_for_other_letters(staff_client: Build, post: Any, kind: str) -> None:
    client = staff_client()
    for name in ("edit", "preview"):
        assert client.get(f"{PAGE}{name}/?kind={kind}").status_code == 404
    for name in ("edit", "preview", "reset"):
        assert post(client, f"{PAGE}{name}/?kind={kind}", {"subject": "x"}).status_code == 404


def test_preview_in_a_browser_then_save(app: Flask, make: Factory) -> None:
    client = app.test_client()
    sign_in(client, make.staff())
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    with serving(app) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(viewport={"width": 390, "height": 844})
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
        page = context.new_page()
        page.goto(address + EDIT)
        frame = page.frame_locator("iframe[name=preview]")
        for subject, shown in (("A {name}", "A Jane Example"), ("{no}", "There is no")):
            page.get_by_label("Subject").fill(subject)
            page.get_by_role("button", name="Preview").click()
            expect(frame.locator("body")).to_contain_text(shown)
        page.get_by_label("Subject").fill("B {name}")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Letters sent from now on")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        browser.close()
    assert kept().subject == "B {name}"
