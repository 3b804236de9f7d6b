"""Letters: every kind the outbox knows, twice the same words, and foreign text stays text."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from lxml import html

from billing import charging, clock, invoicing
from billing.database import reading, transaction
from jobs.letters import KINDS, Letter, render
from models import Invoice, OutgoingEmail
from tests.support import STAFF, Factory, emails, payments_of

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=http://10.0.0.1/x onerror=alert(1)>',
    "</style></title><style>@import url(http://10.0.0.1/x);</style>",
    "{{ 7 * 191 }}",
    "Bcc: everybody@example.org\r\nX: y",
)
Write = Callable[..., Letter]


@pytest.fixture
def write(app: Flask) -> Write:
    """``write(kind, invoice_id, payment_id, user_id, **params)`` renders one letter."""

    def build(
        kind: str,
        invoice_id: int | None = None,
        payment_id: int | None = None,
        user_id: int | None = None,
        **params: Any,
    ) -> Letter:
        with transaction() as session:
            if invoice_id and not user_id:
                user_id = session.get_one(Invoice, invoice_id).user_id
            email = OutgoingEmail(
                kind=kind,
                occasion=f"test:{kind}:{clock.now()}",
                to_address="somebody@example.org",
                params=params,
                user_id=user_id,
                invoice_id=invoice_id,
                payment_id=payment_id,
                queued_at=clock.now(),
            )
            session.add(email)
            session.flush()
            email_id = email.id
        with reading() as session:
            return render(session.get_one(OutgoingEmail, email_id), session)

    return build


def _words(letter: Letter) -> str:
    page = html.fromstring(letter.html)
    for unread in page.xpath("//style|//head"):
        unread.drop_tree()
    return " ".join(page.text_content().split())


def test_invoice(make: Factory, write: Write) -> None:
    make.settings(organisation="City of Fairhaven", phone="(360) 555-0142")
    invoice_id = make.invoice(make.user("Zoë Alvarez"))
    letter = write("invoice", invoice_id)
    assert letter.subject == "Invoice #1 from City of Fairhaven: $20.00"
    for words in (_words(letter), letter.text):
        assert "Hello Zoë Alvarez," in words
        assert "$20.00" in words
        assert "Outstanding balance for 2027 Dog Park" in words
        assert "(360) 555-0142" in words
    (button,) = html.fromstring(letter.html).xpath("//a[@class='button']/@href")
    assert button.startswith("http://127.0.0.1:8000/i/")
    assert button in letter.text
    assert letter.attachments == ()


def test_a_resent_invoice_says_so(make: Factory, write: Write) -> None:
    letter = write("invoice_again", make.invoice())
    assert "sent again" in letter.subject
    assert "once more" in letter.text
    assert "once more" in _words(letter)


def test_nobody_is_asked_for_money_that_came_in_meanwhile(
    make: Factory, write: Write, sandbox: Any
) -> None:
    invoice_id = make.invoice()
    charging.pay_invoice(invoice_id, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF)
    letter = write("invoice", invoice_id)
    assert "has been paid in the meantime" in letter.text
    assert "Amount due" not in letter.text + _words(letter)
    assert "$20.00" not in letter.subject


def test_receipt_comes_with_its_paper(make: Factory, write: Write, sandbox: Any) -> None:
    invoice_id = make.invoice()
    charging.pay_invoice(invoice_id, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF)
    payment = payments_of(invoice_id)[0]
    letter = write("receipt", invoice_id, payment.id)
    assert letter.subject == "Receipt for invoice #1: $20.00"
    (file,) = letter.attachments
    assert file.filename == f"receipt-1-{payment.id}.pdf"
    assert file.content_type == "application/pdf"
    assert file.data.startswith(b"%PDF-")
    for words in (_words(letter), letter.text):
        assert payment.reference in words
        assert "Visa ending in" in words
        assert "paid in full" in words


def test_failed_payment(make: Factory, write: Write, sandbox: Any) -> None:
    invoice_id = make.invoice(total=200_000)
    charging.pay_invoice(invoice_id, nonce="fake-valid-nonce", shown_balance=200_000, actor=STAFF)
    payment = payments_of(invoice_id)[0]
    letter = write("payment_failed", invoice_id, payment.id)
    assert letter.subject == "Your payment for invoice #1 did not go through"
    for words in (_words(letter), letter.text):
        assert "We tried to collect $2,000.00" in words
        assert "Nothing was charged." in words
        assert payment.message not in words


def test_returned_payment_comes_with_the_corrected_receipt(
    make: Factory, write: Write, sandbox: Any
) -> None:
    invoice_id = make.invoice()
    charging.pay_invoice(invoice_id, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF)
    letter = write("payment_returned", invoice_id, payments_of(invoice_id)[0].id)
    assert letter.subject == "Your payment for invoice #1 was returned"
    assert len(letter.attachments) == 1
    assert "$20.00" in letter.text


def test_fresh_link_opens_the_invoice(make: Factory, write: Write) -> None:
    invoice_id = make.invoice()
    invoicing.rotate_link(invoice_id, actor=STAFF)
    letter = write("fresh_link", invoice_id)
    (button,) = html.fromstring(letter.html).xpath("//a[@class='button']/@href")
    with reading() as session:
        from billing.links import read_invoice_token

        assert read_invoice_token(session, button.rpartition("/")[2]).id == invoice_id


def test_staff_notice_and_password(write: Write) -> None:
    notice = write("staff_notice", title="Money without an invoice", sentence="$20.00 are free.")
    assert notice.subject == "Money without an invoice"
    assert "$20.00 are free." in notice.text
    assert "$20.00 are free." in _words(notice)
    assert "Hello" not in notice.text
    password = write("staff_password", link="https://pay.example.org/reset/abc")
    assert 'href="https://pay.example.org/reset/abc"' in password.html
    assert "https://pay.example.org/reset/abc" in password.text


def test_a_button_is_only_ever_a_web_address(write: Write) -> None:
    letter = write("staff_notice", title="T", sentence="S", link="javascript:alert(1)")
    assert "javascript" not in letter.html + letter.text


def test_an_unknown_kind_is_an_error_staff_can_see(write: Write) -> None:
    with pytest.raises(LookupError, match="nonsense"):
        write("nonsense")


def test_every_kind_the_heart_queues_has_a_letter() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "billing").glob("*.py"))
    queued = set(re.findall(r'queue_email\(\s*session,\s*"(\w+)"', source))
    queued |= {"invoice", "invoice_again"}
    assert queued
    assert queued <= set(KINDS)
    for kind in KINDS:
        for ending in ("html", "txt"):
            assert (ROOT / "templates" / "email" / f"{kind}.{ending}").is_file()


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_stays_text(make: Factory, write: Write, text: str) -> None:
    make.settings(organisation=f"Office {text}"[:160], tagline=text[:160])
    invoice_id = make.invoice(make.user(f"Name {text}"), description=f"About {text}")
    for kind in ("invoice", "fresh_link"):
        letter = write(kind, invoice_id)
        page = html.fromstring(letter.html)
        assert not page.xpath("//script|//img|//link|//iframe|//object")
        assert not page.xpath("//@*[starts-with(name(), 'on')]")
        assert "1337" not in letter.html + letter.text
        assert f"About {' '.join(text.split())}" in " ".join(page.text_content().split())
        assert f"About {text.splitlines()[0]}" in letter.text
        assert "\n" not in letter.subject
        assert "\r" not in letter.subject
        assert len(letter.subject) <= 255
        assert all("10.0.0.1" not in rule for rule in page.xpath("//style/text()|//@style"))


@pytest.mark.parametrize("kind", ["invoice", "fresh_link"])
def test_nothing_is_loaded_from_anywhere(make: Factory, write: Write, kind: str) -> None:
    letter = write(kind, make.invoice())
    page = html.fromstring(letter.html)
    assert not page.xpath("//img|//link|//script|//@src|//@background")
    assert "url(" not in letter.html
    assert "@import" not in letter.html
    assert "prefers-color-scheme: dark" in letter.html
    (button,) = page.xpath("//a[@class='button']")
    assert "background" in button.get("style")


def test_what_the_heart_queues_can_be_written(make: Factory, sandbox: Any, app: Flask) -> None:
    issued = invoicing.generate_invoice(
        make.application(), description="Balance", due_on=None, actor=STAFF
    )
    charging.pay_invoice(
        issued.invoice_id, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF
    )
    queued = emails()
    assert [row.kind for row in queued] == ["invoice", "receipt"]
    with reading() as session:
        for row in queued:
            letter = render(session.get_one(OutgoingEmail, row.id), session)
            assert letter.subject
            assert letter.text
