"""A receipt's letter: the sum that was paid is one sum, wherever the letter names it."""

from __future__ import annotations

import pytest
from lxml import html

from billing import spreading
from billing.database import reading
from billing.in_person import Manual
from billing.letter_texts import set_letter_text
from jobs.letters import Letter, render
from models import OutgoingEmail
from models.states import Tender
from tests.support import STAFF, Factory, emails


def receipt(make: Factory, *, invoices: int, cash: int) -> Letter:
    """The receipt for ``cash`` minor units over this many new invoices of $80.00."""
    user = make.user()
    for _ in range(invoices):
        make.invoice(user, total=8000)
    with reading() as session:
        plan = spreading.plan(spreading.open_invoices(session, user), cash)
    ids = [share.invoice_id for share in plan.shares]
    spreading.spread(user, Manual(Tender.CASH, cash), invoice_ids=ids, shown=plan, actor=STAFF)
    (queued,) = emails("receipt")
    with reading() as session:
        return render(session.get_one(OutgoingEmail, queued.id), session)


@pytest.mark.parametrize(
    ("invoices", "cash", "paid"),
    [
        (1, 10_000, "$100.00"),
        (2, 18_000, "$180.00"),
        (1, 5_000, "$50.00"),
        (2, 16_000, "$160.00"),
    ],
)
@pytest.mark.usefixtures("sandbox")
def test_one_sum_in_subject_body_and_the_offices_words(
    make: Factory, invoices: int, cash: int, paid: str
) -> None:
    set_letter_text("receipt", subject="", opening="We have {amount}.", actor=STAFF)
    made = receipt(make, invoices=invoices, cash=cash)
    assert made.subject.endswith(f": {paid}")
    assert f"Paid: {paid}\n" in made.text
    assert html.fromstring(made.html).xpath("//p[@class='sum']/text()") == [paid]
    for words in (made.text, made.html):
        assert f"We have {paid}." in words
        assert ("more than was due" in words) is (cash > invoices * 8000)


@pytest.mark.usefixtures("sandbox")
def test_the_subject_in_the_offices_words_names_it_too(make: Factory) -> None:
    set_letter_text("receipt", subject="{amount} received", opening="", actor=STAFF)
    assert receipt(make, invoices=1, cash=10_000).subject == "$100.00 received"
