"""Letters with the office's own words: both texts, gaps, foreign words, what stays."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from lxml import html

from billing import charging, clock
from billing.database import reading, transaction
from billing.letter_kinds import LETTERS
from billing.letter_texts import LetterText, set_letter_text
from jobs.letters import KINDS, Letter, render, write
from models import Invoice, OutgoingEmail, Settings
from tests.support import STAFF, Factory, fetch, payments_of
from web.letter_words import house_words, values_of, write_letter
from web.sample_letters import sample_context

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=http://10.0.0.1/x onerror=alert(1)>',
    "</p></td><a href=javascript:alert(1)>x</a>",
    "Bcc: everybody@example.org\r\nX: y",
    "&lt;b&gt; & co.",
)


def put(kind: str, subject: str = "", opening: str = "") -> None:
    set_letter_text(kind, subject=subject, opening=opening, actor=STAFF)


def letter(kind: str, invoice_id: int, payment_id: int | None = None) -> Letter:
    """A new letter about an invoice, rendered as it would be sent."""
    with transaction() as session:
        session.add(
            queued := OutgoingEmail(
                kind=kind,
                occasion=f"test:{kind}:{clock.now()}",
                to_address="somebody@example.org",
                params={},
                user_id=_user_of(invoice_id),
                invoice_id=invoice_id,
                payment_id=payment_id,
                queued_at=clock.now(),
            )
        )
        session.flush()
        email_id = queued.id
    with reading() as session:
        return render(session.get_one(OutgoingEmail, email_id), session)


def _user_of(invoice_id: int) -> int:

    return int(fetch(Invoice, invoice_id).user_id)


def words(source: str) -> str:
    page = html.fromstring(source.replace("<br>", "<br> "))
    for unread in page.xpath("//style|//head|//*[@class='preview']"):
        unread.drop_tree()
    return " ".join(page.text_content().split())


def sample(kind: str) -> dict[str, Any]:
    return sample_context(kind, fetch(Settings, 1), dt.date(2026, 11, 22))


def test_the_offices_words_stand_in_both_and_the_rest_stays(make: Factory) -> None:
    make.settings(organisation="Riverbend Storage")
    invoice_id = make.invoice(make.user("Zoë Alvarez"), due_on=dt.date(2030, 1, 31))
    put(
        "invoice",
        "{office}: {invoice} over {amount}",
        "Your rent, {name}.\nFor {description}.\n\nIt is due on {due_date}.",
    )
    made = letter("invoice", invoice_id)
    assert made.subject == "Riverbend Storage: #1 over $20.00"
    for shown in (words(made.html), " ".join(made.text.split())):
        assert "Your rent, Zoë Alvarez. For Outstanding balance for 2027 Dog Park." in shown
        assert "It is due on Jan 31, 2030." in shown
        assert "Here is your invoice" not in shown
        assert "$20.00" in shown
        assert "Hello Zoë Alvarez," in shown
    page = html.fromstring(made.html)
    (button,) = page.xpath("//a[@class='button']/@href")
    assert button in made.text
    assert "Your rent, Zoë Alvarez.\nFor Outstanding" in made.text
    assert [len(each.xpath("./br")) for each in page.xpath("//p[contains(., 'rent')]")] == [1]


def test_one_without_the_other(make: Factory) -> None:
    invoice_id = make.invoice()
    put("invoice", subject="Pay, please")
    made = letter("invoice", invoice_id)
    assert made.subject == "Pay, please"
    assert "Here is your invoice." in made.text
    put("invoice", opening="Pay, please.")
    made = letter("invoice", invoice_id)
    assert made.subject.startswith("Invoice #1 from")
    assert "Here is your invoice." not in made.text


def test_a_line_of_blanks_divides_like_an_empty_one(make: Factory) -> None:
    own = LetterText("", "One.\n \nTwo.\nThree.")
    page = html.fromstring(write_letter("invoice", sample("invoice"), own).html)
    said = [" ".join(each.itertext()).strip() for each in page.xpath("//p")]
    assert "One." in said
    assert "Two. Three." in said


def test_without_a_value_no_hole_is_left(make: Factory) -> None:
    invoice_id = make.invoice()
    put("invoice", "Due on {due_date}", "Thank you. Please pay by {due_date}.")
    made = letter("invoice", invoice_id)
    assert made.subject.startswith("Invoice #1 from")
    assert "Thank you." in made.text
    for shown in (made.text, words(made.html)):
        assert "Please pay by" not in shown
        assert "{" not in shown
    put("invoice", "", "Please pay by {due_date}.")
    assert "Here is your invoice." in letter("invoice", invoice_id).text


def test_a_letter_that_was_overtaken_says_so_itself(make: Factory, sandbox: Any) -> None:
    invoice_id = make.invoice()
    put("invoice", "You owe {amount}", "Pay {amount} now.")
    put("receipt", "We have {amount}", "Paid with {method}.")
    charging.pay_invoice(invoice_id, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF)
    made = letter("invoice", invoice_id)
    assert "You owe" not in made.subject
    assert "has been paid in the meantime" in made.text
    assert "Pay " not in made.text
    receipt = letter("receipt", invoice_id, payments_of(invoice_id)[0].id)
    assert receipt.subject == "We have $20.00"
    assert "Paid with Visa ending in" in receipt.text
    assert len(receipt.attachments) == 1
    expired = {**sample("card_expiring"), "params": {**sample("card_expiring")["params"]}}
    expired["params"]["expired"] = True
    mine = LetterText("Soon", "It expires soon.")
    assert "has expired" in write_letter("card_expiring", expired, mine).subject
    assert "It expires soon." not in write_letter("card_expiring", expired, mine).text


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_words_stay_words(make: Factory, text: str) -> None:
    plain = " ".join(text.split())
    put("invoice", f"S {plain} {{name}}", f"O {text} {{description}}")
    invoice_id = make.invoice(make.user(f"Name {text}"), description=f"About {text}")
    made = letter("invoice", invoice_id)
    page = html.fromstring(made.html)
    assert not page.xpath("//script|//img|//link|//iframe|//object")
    assert not page.xpath("//@*[starts-with(name(), 'on')]")
    assert not page.xpath("//a[starts-with(@href, 'javascript')]")
    assert f"O {plain} About {plain}" in words(made.html)
    assert made.subject == f"S {plain} Name {plain}"[:255]


def test_a_value_is_never_read_as_a_placeholder(make: Factory) -> None:
    put("invoice", "For {name}", "For {name}.")
    made = letter("invoice", make.invoice(make.user("{amount} {{ 7 * 191 }} {name.__class__}")))
    assert made.subject == "For {amount} {{ 7 * 191 }} {name.__class__}"
    assert "For {amount} {{ 7 * 191 }} {name.__class__}." in made.text


@pytest.mark.parametrize("kind", LETTERS)
def test_every_letter_has_its_gaps_filled_and_its_link_kept(make: Factory, kind: str) -> None:
    assert kind in KINDS
    context = sample(kind)
    house = house_words(kind, context)
    assert house.subject
    assert house.opening in write_letter(kind, context).text
    gaps = "; ".join(f"{word} {{{word}}}" for word in LETTERS[kind].placeholders)
    assert set(LETTERS[kind].placeholders) <= set(values_of(kind, context))
    own = LetterText(f"S {gaps}", f"O {gaps}")
    before, after = write_letter(kind, context, LetterText()), write_letter(kind, context, own)
    assert after.subject.startswith("S name Jane Example;")
    assert "{" not in after.subject
    for old, new in ((before.text, after.text), (words(before.html), words(after.html))):
        assert "O name Jane Example;" in new
        assert house.opening not in new
        # All around the opening is as it was, but for the first words of HTML, which may differ.
        assert "Hello Jane Example," in new
        assert old[-120:] == new[-120:]
    old_page, new_page = (html.fromstring(each.html) for each in (before, after))
    for kept in ("//a/@href", "//p[@class='sum']/text()", "//table[@class='facts']//td/text()"):
        assert old_page.xpath(kept) == new_page.xpath(kept)


def test_a_receipt_for_several_invoices_is_not_about_the_first(make: Factory) -> None:
    paid_for = [(fetch(Invoice, make.invoice(total=total)), total) for total in (2000, 500)]
    context = {**sample("receipt"), "paid_for": paid_for, "paid_amount": 2600}
    own = LetterText("{amount} for {invoice}", "Thank you. It was for {description}.")
    made = write_letter("receipt", context, own)
    assert made.subject == "$26.00 for #1, #2"
    assert "Thank you." in made.text
    assert "It was for" not in made.text
    house = write_letter("receipt", context, LetterText("For {description}"))
    assert "Receipt for 2 invoices" in house.subject


def test_nothing_set_changes_nothing(make: Factory) -> None:
    assert fetch(Settings, 1).email_texts == {}
    for kind in LETTERS:
        made = write(kind, sample(kind))
        assert "None" not in made.text
        assert house_words(kind, sample(kind)).opening.split(".")[0] in made.text
