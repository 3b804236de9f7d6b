"""Process Invoice In-Person without a card: check, cash, the office's own methods, and refusals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import in_person
from billing.database import reading
from documents.papers import receipt_paper
from models import Invoice, Payment
from models.states import InvoiceState, PaymentState, Tender
from tests.admin.counter import VISA, at_counter, paying, text_of
from tests.billing.helpers import everything, rows_of
from tests.support import STAFF, Clock, Factory, emails, fetch, payments_of

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


def test_the_dropdown_leads_to_a_page_that_starts_with_the_balance(
    make: Factory, staff_client: Build
) -> None:
    make.settings(manual_methods=["Bank transfer", "Money order"])
    invoice = make.invoice(make.user("Zoë Ångström", email="zoe@example.org"))
    client = staff_client()
    eye = text_of(client.get(f"/admin/invoice/details/?id={invoice}"))
    assert "Process Invoice In-Person" in eye
    assert at_counter(invoice) in eye
    page = client.get(at_counter(invoice))
    assert page.status_code == 200
    shown = text_of(page)
    for words in ("Credit Card", "Check", "Cash", "Bank transfer", "Money order", "Zoë Ångström"):
        assert words in shown
    assert 'value="20.00"' in shown
    assert "Authorize card for $20.00" in shown
    assert 'name="send_receipt" value="y" checked' in shown
    assert "to zoe@example.org" in shown
    assert page.headers["Cache-Control"] == "no-store"


def test_a_check_pays_and_the_receipt_goes_out(
    make: Factory, staff_client: Build, post: Post
) -> None:
    invoice = make.invoice(make.user(email="maria@example.org"))
    client = staff_client()
    form = paying(
        invoice,
        "check",
        check_number=" 1042 ",
        check_date="2026-11-02",
        payer="First Bank",
        note="Left at the desk",
        send_receipt="y",
    )
    answer = post(client, at_counter(invoice), form)
    assert answer.status_code == 303
    assert answer.location == f"/admin/invoice/details/?id={invoice}"
    [payment] = payments_of(invoice)
    assert (payment.state, payment.tender) == (PaymentState.SETTLED, Tender.CHECK)
    assert (payment.check_number, str(payment.check_date)) == ("1042", "2026-11-02")
    assert (payment.payer, payment.note) == ("First Bank", "Left at the desk")
    assert fetch(Invoice, invoice).state is InvoiceState.PAID
    assert [mail.to_address for mail in emails("receipt")] == ["maria@example.org"]
    told = text_of(client.get(answer.location))
    assert "$20.00 by check was recorded. The receipt is e-mailed to maria@example.org." in told


def test_cash_shows_and_keeps_the_change(make: Factory, staff_client: Build, post: Post) -> None:
    invoice = make.invoice()
    client = staff_client()
    answer = post(client, at_counter(invoice), paying(invoice, "cash", received="50"))
    assert "Change due: $30.00." in text_of(client.get(answer.location))
    [payment] = payments_of(invoice)
    assert (payment.amount, payment.note) == (2000, "$50.00 received, $30.00 change")
    assert fetch(Invoice, invoice).state is InvoiceState.PAID


def test_a_method_of_the_settings_keeps_its_day_and_reference_on_the_receipt_too(
    make: Factory, staff_client: Build, post: Post, time: Clock
) -> None:
    time.set(dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC))
    make.settings(manual_methods=["Bank transfer"])
    invoice = make.invoice()
    client = staff_client()
    form = paying(
        invoice, "other:Bank transfer", reference="TRX 99", note="Seen", paid_on="2026-11-02"
    )
    answer = post(client, at_counter(invoice), form)
    assert "$20.00 by Bank transfer was recorded." in text_of(client.get(answer.location))
    [payment] = payments_of(invoice)
    assert (payment.instrument, payment.check_number) == ("Bank transfer", "TRX 99")
    assert payment.check_date == dt.date(2026, 11, 2)
    assert "TRX 99" in text_of(client.get(f"/admin/payment/details/?id={payment.id}"))
    assert f"id={payment.id}" in text_of(client.get("/admin/payment/?q=TRX+99"))
    with reading() as session:
        line = receipt_paper(session, session.get_one(Invoice, invoice), payment.id).line
    assert (line.on, line.method) == (dt.date(2026, 11, 2), "Bank transfer TRX 99")


def test_a_transfer_cannot_have_come_tomorrow(
    make: Factory, staff_client: Build, post: Post, time: Clock
) -> None:
    time.set(dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC))
    make.settings(manual_methods=["Bank transfer"], timezone="UTC")
    invoice = make.invoice()
    client = staff_client()
    for day, status in (("2026-11-21", 422), ("2026-11-20", 303)):
        form = paying(invoice, "other:Bank transfer", paid_on=day)
        answer = post(client, at_counter(invoice), form)
        assert answer.status_code == status
        assert ("This day has not come yet." in text_of(answer)) == (status == 422)
    assert [payment.amount for payment in payments_of(invoice)] == [2000]


def test_a_part_leaves_the_rest_in_parentheses(
    make: Factory, staff_client: Build, post: Post
) -> None:
    invoice = make.invoice()
    client = staff_client()
    answer = post(client, at_counter(invoice), paying(invoice, "cash", "7.50"))
    paid = fetch(Invoice, invoice)
    assert (paid.state, paid.balance) == (InvoiceState.SENT, 1250)
    assert "$12.50 is left to pay." in text_of(client.get(answer.location))
    assert "($12.50)" in text_of(client.get("/admin/invoice/"))
    assert 'value="12.50"' in text_of(client.get(at_counter(invoice)))


def test_a_draft_is_issued_by_its_payment(make: Factory, staff_client: Build, post: Post) -> None:
    invoice = make.invoice(state="draft")
    post(staff_client(), at_counter(invoice), paying(invoice, "cash"))
    paid = fetch(Invoice, invoice)
    assert (paid.state, paid.number) == (InvoiceState.PAID, 1)


def test_no_tick_no_letter_and_the_paper_is_offered(
    make: Factory, staff_client: Build, post: Post
) -> None:
    invoice = make.invoice()
    client = staff_client()
    answer = post(client, at_counter(invoice), paying(invoice, "cash"))
    told = text_of(client.get(answer.location))
    assert "No receipt was e-mailed." in told
    [payment] = payments_of(invoice)
    paper = f"/admin/invoice/papers/receipt.pdf?id={invoice}&payment={payment.id}"
    assert paper in told
    assert client.get(paper).data.startswith(b"%PDF-")
    assert emails("receipt") == []


def test_without_an_email_the_tick_is_a_sentence_and_nothing_is_sent(
    make: Factory, staff_client: Build, post: Post
) -> None:
    invoice = make.invoice(make.user(email=None, no_email=True))
    client = staff_client()
    eye = text_of(client.get(f"/admin/invoice/details/?id={invoice}"))
    assert "This user has no e-mail: nothing is sent. Print the invoice" in eye
    page = text_of(client.get(at_counter(invoice)))
    assert 'name="send_receipt"' not in page
    assert "no receipt will be sent; you can print it" in page
    answer = post(client, at_counter(invoice), paying(invoice, "cash", send_receipt="y"))
    told = text_of(client.get(answer.location))
    assert "This user has no e-mail, so no receipt was sent." in told
    assert "Print or save the receipt (PDF)" in told
    assert emails() == []


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"amount": "0"}, "The amount must be more than zero."),
        ({"amount": "-5"}, "Enter an amount such as 20.00."),
        ({"amount": "1.005"}, "Use at most 2 decimals."),
        ({"amount": "1000000000000"}, "That amount is too large."),
        ({"amount": "20.01"}, "Only $20.00 is left to pay."),
        ({"amount": ""}, "Enter the amount."),
        ({"amount": "  "}, "Enter the amount."),
        ({"amount": "ten"}, "Enter an amount such as 20.00."),
        ({"tender": "check", "check_number": ""}, "Enter the number of the check."),
        ({"tender": "check", "check_number": " \0 "}, "Enter the number of the check."),
        ({"tender": "check", "check_number": "9" * 41}, "Use at most 40 characters."),
        ({"tender": "check", "check_number": "1", "check_date": "soon"}, "That is not a date."),
        ({"tender": "check", "check_number": "1", "payer": "x" * 161}, "at most 160"),
        ({"tender": "cash", "received": "19.99"}, "Less cash was received than is to be paid."),
        ({"tender": "cash", "received": "0"}, "Less cash was received than is to be paid."),
        ({"tender": "cash", "received": "a lot"}, "Enter an amount such as 20.00."),
        ({"tender": "cash", "note": "x" * 2001}, "at most 2,000"),
        ({"tender": "other:Barter"}, "Choose a form of payment."),
        ({"tender": "direct_debit"}, "Choose a form of payment."),
        ({"tender": ""}, "Choose a form of payment."),
        ({"tender": "card"}, "Authorize the card first."),
        ({"shown_balance": "2500"}, "The amount has changed: $20.00 is to pay now."),
        ({"shown_balance": ""}, "The page was not complete."),
        ({"shown_balance": "²"}, "The page was not complete."),
        ({"shown_balance": "9" * 400}, "The page was not complete."),
    ],
)
def test_a_refusal_stands_at_its_field_keeps_what_was_typed_and_changes_nothing(
    make: Factory, staff_client: Build, post: Post, typed: dict[str, str], sentence: str
) -> None:
    invoice = make.invoice()
    client = staff_client()
    form = paying(invoice, "cash", note="Kept words")
    client.get(at_counter(invoice))
    before = everything()
    answer = post(client, at_counter(invoice), {**form, **typed})
    shown = text_of(answer)
    assert answer.status_code == 422
    assert sentence in shown
    assert "Kept words" in shown or "note" in typed
    for name, text in typed.items():
        assert text.strip(" \0") in shown or name in ("tender", "shown_balance")
    assert everything() == before


def test_what_belongs_to_another_form_of_payment_is_not_judged(
    make: Factory, staff_client: Build, post: Post
) -> None:
    invoice = make.invoice()
    form = paying(invoice, "check", check_number="7", received="rubbish", reference="x" * 99)
    assert post(staff_client(), at_counter(invoice), form).status_code == 303
    assert [p.check_number for p in payments_of(invoice)] == ["7"]


def test_pressing_twice_pays_once(make: Factory, staff_client: Build, post: Post) -> None:
    invoice = make.invoice()
    client = staff_client()
    form = paying(invoice, "cash", "7.50")
    assert post(client, at_counter(invoice), form).status_code == 303
    again = post(client, at_counter(invoice), form)
    assert again.status_code == 422
    assert "The amount has changed: $12.50 is to pay now." in text_of(again)
    assert len(payments_of(invoice)) == 1
    assert post(client, at_counter(invoice), paying(invoice, "cash")).status_code == 303
    last = post(client, at_counter(invoice), form)
    assert (last.status_code, "This invoice is paid." in text_of(last)) == (422, True)
    assert len(rows_of(Payment)) == 2


def test_somebody_elses_payment_in_flight_is_named(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    invoice = make.invoice()
    sandbox.fault("sale", "drop", "after")
    in_person.authorise_card(invoice, nonce=VISA, amount=2000, shown_balance=2000, actor=STAFF)
    client = staff_client()
    sentence = "A payment of $20.00, started by Sam Staff at"
    page = client.get(at_counter(invoice))
    assert page.status_code == 200
    assert sentence in text_of(page)
    assert 'http-equiv="refresh"' in text_of(page)
    assert sentence in text_of(client.get(f"/admin/invoice/details/?id={invoice}"))
    refused = post(client, at_counter(invoice), paying(invoice, "cash"))
    assert (refused.status_code, sentence in text_of(refused)) == (422, True)
    assert len(payments_of(invoice)) == 1


def test_it_needs_its_permission_a_sign_in_a_token_and_the_right_site(
    make: Factory, staff_client: Build, post: Post, client: FlaskClient
) -> None:
    mine, other = make.site(), make.site()
    invoice = make.invoice(site_id=other)
    form = paying(invoice, "cash")
    looker = staff_client(["invoices.view", "payments.view"])
    assert "In-Person" not in text_of(looker.get(f"/admin/invoice/details/?id={invoice}"))
    for stranger, status in ((looker, 403), (staff_client(sites=(mine,)), 404)):
        assert stranger.get(at_counter(invoice)).status_code == status
        assert post(stranger, at_counter(invoice), form).status_code == status
        card = f"/admin/invoice/in-person/card-fields/?id={invoice}"
        assert stranger.get(card).status_code == status
    assert "/admin/login" in post(client, at_counter(invoice), form).location
    assert staff_client().post(at_counter(invoice), data=form).status_code == 400
    for nonsense in (10**30, "x", "", 0):
        assert staff_client().get(f"/admin/invoice/in-person/?id={nonsense}").status_code == 404
    assert payments_of(invoice) == []
