"""What a paper says, read from real records: only money that really came, and only for it."""

from __future__ import annotations

from typing import Any

import pytest
from babel.dates import format_date
from flask.testing import FlaskClient

from billing import charging, clock
from billing.database import reading, transaction
from billing.errors import NotFound
from billing.links import invoice_url
from documents import invoice_pdf, receipt_pdf
from documents.papers import invoice_paper, paid_lines, receipt_paper
from documents.receipts import mark_day, mark_words
from models import Allocation, Invoice, Payment
from models.states import AllocationState, PaymentKind, PaymentState, Tender
from tests.billing.disputing import say
from tests.billing.helpers import check_all, debit_pending
from tests.documents.pdf_reader import read
from tests.paying_back import pay_back
from tests.support import STAFF, Clock, Factory, fetch, payments_of


def _pay(invoice_id: int, amount: int) -> int:
    charging.pay_invoice(invoice_id, nonce="fake-valid-nonce", shown_balance=amount, actor=STAFF)
    return payments_of(invoice_id)[-1].id


def test_a_declined_attempt_makes_no_paper(make: Factory, sandbox: Any) -> None:
    invoice_id = make.invoice(total=200_000)
    payment_id = _pay(invoice_id, 200_000)
    with reading() as session:
        invoice = session.get_one(Invoice, invoice_id)
        assert paid_lines(session, invoice) == ()
        with pytest.raises(NotFound):
            receipt_paper(session, invoice, payment_id)


def test_a_paid_invoice_and_its_receipt(make: Factory, sandbox: Any) -> None:
    invoice_id = make.invoice()
    payment_id = _pay(invoice_id, 2000)
    with reading() as session:
        invoice = session.get_one(Invoice, invoice_id)
        paper = invoice_paper(session, invoice)
        receipt = receipt_paper(session, invoice, payment_id)
    assert paper.pay_url == ""
    assert [line.kept for line in paper.payments] == [2000]
    assert receipt.line.method.startswith("Visa ending in")
    assert receipt.title == f"Receipt for invoice #{paper.content['number']}"
    assert "Paid in full" in read(invoice_pdf(paper)).text
    assert receipt.line.reference in read(receipt_pdf(receipt)).text


def test_an_open_invoice_carries_its_link(make: Factory) -> None:
    with reading() as session:
        invoice = session.get_one(Invoice, make.invoice())
        assert invoice_paper(session, invoice).pay_url == invoice_url(invoice)


def test_days_are_the_offices(make: Factory, sandbox: Any, time: Clock) -> None:
    make.settings(timezone="Pacific/Kiritimati")
    invoice_id = make.invoice()
    time.set(clock.now().replace(hour=20))
    payment_id = _pay(invoice_id, 2000)
    with reading() as session:
        line = receipt_paper(session, session.get_one(Invoice, invoice_id), payment_id).line
        collected = session.get_one(Payment, payment_id).collected_at
    assert collected is not None
    assert line.on > collected.date()


def test_a_refund_corrects_the_receipt(make: Factory, sandbox: Any) -> None:
    invoice_id = make.invoice()
    payment_id = _pay(invoice_id, 2000)
    _take_back(invoice_id, payment_id, 500)
    with reading() as session:
        invoice = session.get_one(Invoice, invoice_id)
        receipt = receipt_paper(session, invoice, payment_id)
        assert [line.payment_id for line in paid_lines(session, invoice)] == [payment_id]
    assert (receipt.line.received, receipt.line.kept) == (2000, 1500)
    assert receipt.title.startswith("Corrected receipt")


def test_a_voided_charge_was_not_refunded(client: FlaskClient, make: Factory, sandbox: Any) -> None:
    invoice_id = make.invoice()
    payment_id = _pay(invoice_id, 2000)
    pay_back(payment_id, amount=2000, then="reopen", reason="Twice", actor=STAFF)
    with reading() as session:
        invoice = session.get_one(Invoice, invoice_id)
        receipt = receipt_paper(session, invoice, payment_id)
        paper = invoice_paper(session, invoice)
        address = invoice_url(invoice)
    assert (mark_words(receipt), receipt.line.kept) == ("VOIDED", 0)
    papers = [read(pdf).text for pdf in (receipt_pdf(receipt), invoice_pdf(paper))]
    for text in (*papers, client.get(address).text):
        assert "Voided, never charged" in " ".join(text.split())
        assert "Refunded" not in text


def test_a_part_lost_in_a_dispute_was_not_refunded(
    client: FlaskClient, make: Factory, sandbox: Any
) -> None:
    invoice_id = make.invoice()
    payment_id = _pay(invoice_id, 2000)
    say(fetch(Payment, payment_id), 1, "lost", 500)
    with reading() as session:
        invoice = session.get_one(Invoice, invoice_id)
        receipt = receipt_paper(session, invoice, payment_id)
        paper = invoice_paper(session, invoice)
        address = invoice_url(invoice)
    [part] = receipt.line.taken_back
    assert (part.kind, part.amount, receipt.line.kept) == ("returned", 500, 1500)
    assert part.on == clock.now().date()
    assert (paper.balance, bool(paper.pay_url)) == (500, True)
    for text in (read(receipt_pdf(receipt)).text, read(invoice_pdf(paper)).text):
        assert "Returned by the bank" in text
        assert "Refunded" not in text
    assert mark_words(receipt) == "CORRECTED"
    page = client.get(address).text
    assert "Returned by the bank" in page
    assert "Refunded" not in page
    assert "$5.00" in page


def test_a_returned_debit_is_stamped_with_the_day_it_was_returned(
    make: Factory, sandbox: Any, time: Clock
) -> None:
    make.settings(direct_debit=True)
    invoice_id = debit_pending(make)
    [payment] = payments_of(invoice_id)
    sandbox.advance(days=4)
    time.advance(days=4)
    check_all()
    paid_on = clock.now().date()
    sandbox.control(f"transactions/{fetch(Payment, payment.id).gateway_id}/return")
    time.advance(days=3)
    check_all()
    returned_on = clock.now().date()
    time.advance(days=9)
    check_all()
    with reading() as session:
        receipt = receipt_paper(session, session.get_one(Invoice, invoice_id), payment.id)
    assert receipt.line.on == paid_on
    assert [part.on for part in receipt.line.taken_back] == [returned_on]
    assert (mark_words(receipt), mark_day(receipt)) == ("RETURNED", returned_on)
    day = format_date(returned_on, "long", "en_US")
    assert read(receipt_pdf(receipt)).text.count(day) == 2


def test_what_was_paid_back_before_the_bank_took_it_all_went_once(
    make: Factory, sandbox: Any
) -> None:
    make.settings(direct_debit=True)
    invoice_id = debit_pending(make)
    [payment] = payments_of(invoice_id)
    sandbox.advance(days=4)
    check_all()
    pay_back(payment.id, amount=500, then="reopen", reason="Kind", actor=STAFF)
    gateway_id = fetch(Payment, payment.id).gateway_id
    sandbox.control(f"transactions/{gateway_id}/return")
    check_all()
    with reading() as session:
        invoice = session.get_one(Invoice, invoice_id)
        line = receipt_paper(session, invoice, payment.id).line
    assert [(part.kind, part.amount) for part in line.taken_back] == [
        ("refunded", 500),
        ("returned", 1500),
    ]
    assert (line.kept, fetch(Invoice, invoice_id).balance) == (0, 2000)


def _take_back(invoice_id: int, payment_id: int, amount: int) -> None:
    with transaction() as session:
        payment = session.get_one(Payment, payment_id)
        refund = Payment(
            kind=PaymentKind.REFUND,
            tender=Tender.CARD,
            state=PaymentState.SETTLED,
            user_id=payment.user_id,
            refund_of_id=payment_id,
            amount=amount,
            currency=payment.currency,
            reference="cf-refund",
            started_at=clock.now(),
        )
        session.add(refund)
        session.flush()
        session.add(
            Allocation(
                payment_id=payment_id,
                invoice_id=invoice_id,
                refund_id=refund.id,
                state=AllocationState.APPLIED,
                amount=-amount,
                created_at=clock.now(),
            )
        )


@pytest.mark.parametrize(
    ("tender", "number", "instrument", "words"),
    [
        (Tender.CHECK, "1042", "", "Check 1042"),
        (Tender.CHECK, "", "", "Check"),
        (Tender.CASH, "", "", "Cash"),
        (Tender.DIRECT_DEBIT, "", "Account ending in 3000", "Account ending in 3000"),
        (Tender.DIRECT_DEBIT, "", "", "Direct debit"),
    ],
)
def test_what_was_paid_with_in_words(
    tender: Tender, number: str, instrument: str, words: str
) -> None:
    from documents.papers import method_words

    payment = Payment(tender=tender, check_number=number, instrument=instrument)
    assert method_words(payment) == words
