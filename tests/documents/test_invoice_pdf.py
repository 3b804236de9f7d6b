"""The invoice as a letter: its words, its counterfoil, its scripts, its pages."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from documents import invoice_pdf
from documents.papers import CreditLine, InvoicePaper, PaidLine, TakenBack
from models.states import InvoiceState
from tests.documents.conftest import TOKEN, item
from tests.documents.pdf_reader import read

Invoice = Callable[..., InvoicePaper]
LETTER, A4 = b"[0 0 612.00 792.00]", b"[0 0 595.28 841.89]"


def test_says_everything(invoice: Invoice) -> None:
    page = read(invoice_pdf(invoice())).text
    for words in (
        "City of Fairhaven",
        "Invoice\n",
        "#10",
        "Zoë Alvarez",
        "1 Elm St",
        "November 20, 2026",
        "December 15, 2026",
        "Outstanding balance for 2027 Dog Park",
        "Outstanding application balance",
        "Amount due",
        "$20.00",
        "Open Monday to Friday.",
        "(360) 555-0142",
        "Page 1 of 1",
    ):
        assert words in page


def test_ends_in_a_counterfoil(invoice: Invoice) -> None:
    data = invoice_pdf(invoice())
    counterfoil = read(data).pages[-1].split("Counterfoil")[1]
    for words in ("#10", "Dec 15, 2026", "Zoë Alvarez", "$20.00", "Office stamp", "Scan to pay"):
        assert words in counterfoil
    assert f"/URI (https://pay.example.org/i/{TOKEN})".encode() in data


def test_the_code_is_the_pay_link(invoice: Invoice) -> None:
    """Another link draws another code; nothing payable, no code at all."""
    one = _squares(invoice_pdf(invoice()))
    paper = invoice()
    other = InvoicePaper(paper.content, paper.state, paper.balance, pay_url="https://x.example/i/y")
    assert one > 200
    assert _squares(invoice_pdf(other)) not in (0, one)
    assert _squares(invoice_pdf(invoice(InvoiceState.PAID, balance=0))) < 10


def _squares(data: bytes) -> int:
    streams = re.findall(rb"stream\n(.*?)\nendstream", data, re.S)
    return max(zlib.decompress(raw).count(b" re f") for raw in streams if raw[:1] == b"x")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (InvoiceState.PAID, "Paid in full"),
        (InvoiceState.PENDING, "Payment is being processed"),
        (InvoiceState.DELETED, "No longer valid"),
        (InvoiceState.DRAFT, "Draft, not yet payable"),
    ],
)
def test_asks_for_no_money_where_there_is_none_to_pay(
    invoice: Invoice, state: InvoiceState, words: str
) -> None:
    page = read(invoice_pdf(invoice(state, balance=0))).text
    assert words in page
    assert "Scan to pay" not in page


def test_a_draft_has_no_number(invoice: Invoice) -> None:
    page = read(invoice_pdf(invoice(InvoiceState.DRAFT, number=None, issued_on=None, sent_on=None)))
    assert "None" not in page.text
    assert "Draft" in page.text


def test_tax_quantity_and_discount_get_columns_only_where_they_matter(invoice: Invoice) -> None:
    plain = read(invoice_pdf(invoice())).text
    assert "Quantity" not in plain
    assert "Tax" not in plain
    lines = [
        item("Tags", 3025, quantity="2.5", unit_amount=1250, discount=100, tax_rate="8.7", tax=263)
    ]
    page = read(invoice_pdf(invoice(items=lines, net=3025, tax=263, total=3288))).text
    for words in ("2.5", "$12.50", "less $1.00", "8.7 %", "Before tax", "$2.63", "$32.88"):
        assert words in page


def test_quantity_and_tax_are_written_the_offices_way(invoice: Invoice) -> None:
    lines = [item("Tags", 3025, quantity="2.5", unit_amount=1250, tax_rate="8.7", tax=263)]
    german = invoice(items=lines, net=3025, tax=263, total=3288, locale="de_DE", currency="EUR")
    page = read(invoice_pdf(german)).text
    for words in ("2,5", "8,7 %"):
        assert words in page
    assert "2.5" not in page


def test_payments_and_credits_lead_to_what_is_left(invoice: Invoice) -> None:
    paid = PaidLine(
        1, date(2026, 11, 25), "Check 1042", "cf-1", 5000, (TakenBack("returned", 1000, None),)
    )
    credit = CreditLine(date(2026, 11, 26), 500)
    page = read(invoice_pdf(invoice(total=9000, balance=4500, payments=(paid,), credits=(credit,))))
    for words in (
        "Paid on Nov 25, 2026, Check 1042",
        "−$50.00",
        "Returned by the bank",
        "$10.00",
        "Credited on Nov 26, 2026",
        "−$5.00",
        "Left to pay",
        "$45.00",
    ):
        assert words in page.text


def test_many_items_take_several_pages_with_the_head_repeated(invoice: Invoice) -> None:
    lines = [item(f"Unit B-{number:03d}, the month of November", 12000) for number in range(80)]
    found = read(invoice_pdf(invoice(items=lines, total=960_000, net=960_000)))
    count = len(found.pages)
    assert count >= 3
    for number, page in enumerate(found.pages, start=1):
        assert f"Page {number} of {count}" in page
        if number > 1:
            assert "Invoice #10" in page
    for number in range(80):
        assert found.text.count(f"Unit B-{number:03d}") == 1
    assert found.pages[1].count("Item\n") == 1
    assert sum("Counterfoil" in page for page in found.pages) == 1
    assert "Counterfoil" in found.pages[-1]


@pytest.mark.parametrize(
    "text",
    [
        "€ 20 − Zoë Ñandú Žižek",
        "王小明的狗证",
        "العربية: رخصة كلب",
        "Ω Δ д Ж ầ ễ",
        "犬の鑑札 かな",
    ],
)
def test_every_script_has_its_glyphs(invoice: Invoice, text: str) -> None:
    paper = invoice(
        description=text,
        bill_to={"name": text, "address": text},
        organisation={"name": text, "footer": text},
        items=[item(text, 2000)],
    )
    found = read(invoice_pdf(paper))
    assert found.missing == ()
    assert "\N{REPLACEMENT CHARACTER}" not in found.text
    drawn = "".join(found.text.split())
    assert set(text) - set(" ") <= set(drawn) | set("العربيةرخصةكلب")


def test_a_script_without_a_font_is_marked_not_boxed(invoice: Invoice) -> None:
    found = read(invoice_pdf(invoice(description="Dog \N{DOG FACE} paid")))
    assert found.missing == ()
    assert "Dog \N{REPLACEMENT CHARACTER} paid" in found.text


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src='file:///etc/passwd'><a href='http://10.0.0.1/'>x</a>",
        "{nb} {{ 7 * 7 }} **bold** __under__ [a](http://10.0.0.1/)",
        ") Tj ET /Evil << /S /JavaScript /JS (app.alert(1)) >>",
        "\\) \\( \\\\ %PDF endstream endobj",
        "a\x00b\x07c\x1bd\u202egpj.exe\u2066",
        "A" * 1000,
        "\n" * 900 + "end",
        "line\n" * 200,
    ],
)
def test_foreign_text_is_only_ever_text(invoice: Invoice, text: str) -> None:
    paper = invoice(
        description=text,
        bill_to={"name": text[:160], "address": text[:200]},
        items=[item(text[:500], 2000)],
    )
    data = invoice_pdf(paper)
    found = read(data)
    assert found.missing == ()
    assert data.count(b"/URI (") == 1
    assert b"/JavaScript" not in data
    assert b"/EmbeddedFile" not in data
    assert len(found.pages) < 12
    visible = [word for word in text.split() if word.isascii() and word.isprintable()]
    for word in visible[:4]:
        if len(word) < 40 and word != "{nb}":
            assert word in found.text.replace("\n", "") or word in found.text


def test_same_words_are_the_same_bytes(invoice: Invoice) -> None:
    first = invoice_pdf(invoice())
    time.sleep(1.1)
    assert invoice_pdf(invoice()) == first


@pytest.mark.parametrize(
    ("locale", "box"), [("en_US", LETTER), ("en_CA", LETTER), ("en_GB", A4), ("de", A4)]
)
def test_paper_is_the_countrys(invoice: Invoice, locale: str, box: bytes) -> None:
    assert box in invoice_pdf(invoice(locale=locale))


def test_money_and_days_are_the_locales(invoice: Invoice) -> None:
    page = read(invoice_pdf(invoice(locale="de_DE", currency="EUR", total=123456, net=123456))).text
    assert "1.234,56 €" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "15. Dezember 2026" in page


def test_any_colour_setting_can_be_drawn(invoice: Invoice) -> None:
    for colour in ("#ffffff", "#000000", "", "red", "#12", "url(x)"):
        assert invoice_pdf(invoice(organisation={"accent": colour})).startswith(b"%PDF-")


def test_an_invoice_of_nobody_in_particular(invoice: Invoice) -> None:
    empty: dict[str, Any] = dict.fromkeys(
        ("tagline", "address", "phone", "email", "website", "footer"), ""
    )
    paper = invoice(
        organisation=empty, bill_to={"name": "X", "address": "", "email": None}, due_on=None
    )
    page = read(invoice_pdf(paper)).text
    assert "None" not in page
    assert "Due on" not in page
