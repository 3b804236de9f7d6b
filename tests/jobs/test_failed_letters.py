"""The letter about a failed charge: why in plain words, what happens next, and one button."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from lxml import html

from billing import reasons
from billing.database import transaction
from billing.letter_texts import set_letter_text
from billing.method_links import read_method_token
from jobs import emails as delivery
from jobs.letters import Letter, render
from models import Invoice, OutgoingEmail, User, db
from models.states import BillingMethod
from tests.billing.helpers import (
    HARD_DECLINE,
    SEPA,
    SOFT_DECLINE,
    charge,
    check_all,
    keep,
    pay,
    reconcile,
)
from tests.messaging.helpers import Sink
from tests.support import STAFF, Clock, Factory, emails, fetch, payments_of


def letter(app: Flask, kind: str) -> Letter:
    (row,) = emails(kind)
    with app.app_context():
        email = db.session.get(OutgoingEmail, row.id)
        assert email is not None
        return render(email, db.session())


def failed(make: Factory, total: int) -> int:
    """An invoice whose registered card was declined."""
    user = make.user()
    keep(user)
    invoice: int = make.invoice(user, total=total)
    assert charge(invoice).outcome == "declined"
    return invoice


def both(written: Letter) -> tuple[str, str]:
    page = html.fromstring(written.html)
    return " ".join(" ".join(page.itertext()).split()), " ".join(written.text.split())


def plan(invoice: int, day: dt.date | None) -> None:
    with transaction() as session:
        session.get_one(Invoice, invoice).retry_on = day


def test_a_soft_decline_with_another_try_names_the_day(
    app: Flask, make: Factory, sandbox: Any
) -> None:
    plan(failed(make, SOFT_DECLINE), dt.date(2031, 5, 4))
    for words in both(letter(app, "payment_failed")):
        assert "we will try again on May 4, 2031" in words
        assert "or give us another card or account" in words


def test_a_soft_decline_without_another_try_says_so(
    app: Flask, make: Factory, sandbox: Any
) -> None:
    plan(failed(make, SOFT_DECLINE), None)
    for words in both(letter(app, "payment_failed")):
        assert "It may work later, but we will not try again by ourselves." in words


def test_a_hard_decline_asks_for_another_one(app: Flask, make: Factory, sandbox: Any) -> None:
    failed(make, HARD_DECLINE)
    for words in both(letter(app, "payment_failed")):
        assert "from your Visa ending in 1111" in words
        assert "The reason: the bank does not allow payments of this kind with it." in words
        assert "Please give us another card or account." in words
        assert "try again" not in words
        assert "Not Allowed" not in words


def test_the_button_opens_this_persons_page(app: Flask, make: Factory, sandbox: Any) -> None:
    invoice = failed(make, HARD_DECLINE)
    written = letter(app, "payment_failed")
    (button,) = html.fromstring(written.html).xpath("//a[@class='button']")
    assert button.text == "Update your payment method"
    token = urlsplit(button.get("href")).path.removeprefix("/m/")
    with app.app_context():
        found = read_method_token(db.session(), token).user.id
    assert found == fetch(Invoice, invoice).user_id
    assert button.get("href") in written.text
    assert "/i/" in written.text


def test_who_pays_by_invoice_now_is_led_to_the_invoice(
    app: Flask, make: Factory, sandbox: Any
) -> None:
    invoice = failed(make, HARD_DECLINE)
    with transaction() as session:
        owner = session.get_one(User, fetch(Invoice, invoice).user_id)
        owner.billing_method = BillingMethod.INVOICE
    written = letter(app, "payment_failed")
    assert "/m/" not in written.html + written.text
    assert "View and pay invoice" in both(written)[0]
    for words in both(written):
        assert "Please pay it another way." in words
        assert "another card or account" not in words


def test_another_one_is_asked_for_only_where_it_can_be_given(
    app: Flask, make: Factory, sandbox: Any
) -> None:
    invoice = failed(make, SOFT_DECLINE)
    with transaction() as session:
        owner = session.get_one(User, fetch(Invoice, invoice).user_id)
        owner.billing_method = BillingMethod.INVOICE
    for day in (None, dt.date(2031, 5, 4)):
        plan(invoice, day)
        for words in both(letter(app, "payment_failed")):
            assert "pay now." in words
            assert "another card or account" not in words


@pytest.fixture
def returned(make: Factory, sandbox: Any, time: Clock) -> int:
    """An invoice whose debit the bank took back."""
    user = make.user()
    keep(user, SEPA)
    invoice: int = make.invoice(user)
    charge(invoice)
    sandbox.advance(days=4)
    time.advance(days=4)
    reconcile()
    sandbox.control(f"transactions/{payments_of(invoice)[0].gateway_id}/return")
    time.advance(days=2)
    check_all()
    return invoice


def test_a_returned_debit_says_what_to_do(app: Flask, returned: int) -> None:
    for words in both(letter(app, "payment_returned")):
        assert "took back your payment of $20.00 for invoice #1 from your bank account" in words
        assert "so the invoice is open again" in words
        assert "Update your payment method" in words
        assert "View and pay" in words


def test_a_failed_one_that_was_paid_meanwhile_asks_for_nothing(
    app: Flask, make: Factory, sandbox: Any
) -> None:
    set_letter_text("payment_failed", subject="Pay now", opening="Please pay.", actor=STAFF)
    invoice = failed(make, HARD_DECLINE)
    assert letter(app, "payment_failed").subject == "Pay now"
    sandbox.control("settings", {"amounts": "plain"})
    pay(invoice)
    overtaken(letter(app, "payment_failed"))


def test_a_returned_one_that_was_paid_meanwhile_asks_for_nothing(app: Flask, returned: int) -> None:
    set_letter_text("payment_returned", subject="Pay now", opening="Please pay.", actor=STAFF)
    assert letter(app, "payment_returned").subject == "Pay now"
    pay(returned)
    overtaken(letter(app, "payment_returned"))
    for words in both(letter(app, "payment_returned")):
        assert "took back your payment of $20.00" in words


def overtaken(written: Letter) -> None:
    """Check a letter about an invoice that was paid before it was delivered."""
    assert written.subject.startswith("Your payment for invoice #1")
    for words in both(written):
        assert "Invoice #1 has been paid in the meantime." in words
        assert "View" in words
        for gone in ("Please pay", "open", "and pay", "Amount due", "another card", "/m/"):
            assert gone not in words


def test_what_is_kept_of_the_letter_opens_nothing(
    app: Flask, make: Factory, sandbox: Any, sink: Sink
) -> None:
    failed(make, HARD_DECLINE)
    (row,) = emails("payment_failed")
    delivery.deliver([row.id])
    kept = fetch(OutgoingEmail, row.id)
    assert "Update your payment method" in kept.html
    assert "/m/…" in kept.html
    assert "/m/…" in kept.text


@pytest.mark.parametrize("code", ["2012", "2013", "2014"])
def test_nobody_is_told_that_a_card_counts_as_stolen(code: str) -> None:
    assert reasons.reason_in_words(code, soft=False) == "the bank would like you to call them"


def test_an_unknown_code_makes_no_reason_up() -> None:
    assert reasons.reason_in_words("9999", soft=True) == "it did not work this time"
    assert reasons.reason_in_words("9999") == "the bank gives no reason"
    assert reasons.reason_sentence("9999") == "Your bank can tell you why."
    said = reasons.refused_in_words("9999", "Do Not Honor", declined=True)
    assert said == "The bank did not accept it. Please use another one."
