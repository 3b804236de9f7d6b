"""A card in person: a hold first, captured or released, and never forgotten."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from billing import in_person, invoicing, reconciliation, runtime
from billing.attempts import Attempt
from models import Invoice, Payment
from tests.billing.helpers import SOFT_DECLINE, VISA, check_all, refusal_of
from tests.support import STAFF, Factory, emails, fetch

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def hold(invoice: int, amount: int = 2000, shown: int = 2000) -> Attempt:
    return in_person.authorise_card(
        invoice, nonce=VISA, amount=amount, shown_balance=shown, actor=STAFF
    )


def process(payment: int) -> Attempt:
    return in_person.process_hold(payment, actor=STAFF)


def release(payment: int) -> Attempt:
    return in_person.release_hold(payment, actor=STAFF)


def test_a_hold_is_no_money_yet(app: Any, make: Factory, sandbox: Any) -> None:
    invoice = make.invoice()
    assert hold(invoice).outcome == "held"
    assert [row["status"] for row in sandbox.transactions()] == ["authorized"]
    assert (fetch(Invoice, invoice).state, fetch(Invoice, invoice).balance) == ("sent", 2000)
    assert emails("receipt") == []


def test_processing_captures_it(app: Any, make: Factory, sandbox: Any) -> None:
    invoice = make.invoice()
    assert process(hold(invoice).payment_id).outcome == "paid"
    assert [row["status"] for row in sandbox.transactions()] == ["submitted_for_settlement"]
    assert fetch(Invoice, invoice).state == "paid"
    assert len(emails("receipt")) == 1


def test_a_part_leaves_the_rest(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    process(hold(invoice, 700).payment_id)
    assert (fetch(Invoice, invoice).state, fetch(Invoice, invoice).balance) == ("sent", 1300)


def test_money_on_a_draft_issues_it(app: Any, make: Factory) -> None:
    invoice = make.invoice(state="draft")
    process(hold(invoice).payment_id)
    paid = fetch(Invoice, invoice)
    assert (paid.state, paid.number) == ("paid", 1)


def test_processing_without_a_hold_is_refused(app: Any, make: Factory) -> None:
    payment = hold(make.invoice(total=SOFT_DECLINE), SOFT_DECLINE, SOFT_DECLINE).payment_id
    assert fetch(Payment, payment).state == "declined"
    assert refusal_of(lambda: process(payment)).code == "not_authorised"
    assert refusal_of(lambda: release(payment)).code == "no_hold"


def test_an_expired_hold_is_refused_and_found_out(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    invoice = make.invoice()
    payment = hold(invoice).payment_id
    time.advance(days=8)
    assert refusal_of(lambda: process(payment)).code == "hold_expired"
    sandbox.advance(days=8)
    check_all()
    assert fetch(Payment, payment).state == "voided"
    assert hold(invoice).outcome == "held"


def test_releasing_frees_the_invoice(app: Any, make: Factory, sandbox: Any) -> None:
    invoice = make.invoice()
    release(hold(invoice).payment_id)
    assert [row["status"] for row in sandbox.transactions()] == ["voided"]
    assert hold(invoice).outcome == "held"


def test_a_hold_nobody_processed_is_due_for_release(app: Any, make: Factory, time: Any) -> None:
    payment = hold(make.invoice()).payment_id
    assert in_person.stale_holds() == []
    time.advance(minutes=61)
    assert in_person.stale_holds() == [payment]


def test_a_hold_keeps_the_invoice_as_it_is(app: Any, make: Factory) -> None:
    draft = make.invoice(state="draft")
    hold(draft)
    for verb in (invoicing.send_invoice, invoicing.delete_invoice):
        assert refusal_of(partial(verb, draft, actor=STAFF)).code == "live"
    assert refusal_of(lambda: hold(draft)).code == "live"


@pytest.mark.parametrize("draft", [False, True], ids=["sent", "draft"])
def test_a_capture_that_never_arrived_keeps_the_hold_and_hands_the_invoice_back(
    app: Any, make: Factory, sandbox: Any, time: Any, draft: bool
) -> None:
    invoice = make.invoice(state="draft" if draft else "sent")
    payment = hold(invoice).payment_id
    sandbox.fault("capture", "drop", "before")
    process(payment)
    assert fetch(Invoice, invoice).state == "pending"
    assert refusal_of(lambda: release(payment)).code == "live"
    time.advance(minutes=5)
    reconciliation.check_payment(payment)
    assert fetch(Invoice, invoice).state == "pending"
    time.advance(minutes=6)
    reconciliation.check_payment(payment)
    assert fetch(Invoice, invoice).state == ("draft" if draft else "sent")
    assert process(payment).outcome == "paid"


def test_a_capture_whose_answer_was_lost_is_found_out(
    app: Any, make: Factory, sandbox: Any
) -> None:
    invoice = make.invoice()
    payment = hold(invoice).payment_id
    sandbox.fault("capture", "drop", "after")
    process(payment)
    check_all()
    assert fetch(Invoice, invoice).state == "paid"
    assert len(emails("receipt")) == 1


def test_a_capture_the_gateway_refuses_keeps_the_hold(
    app: Any, make: Factory, sandbox: Any
) -> None:
    invoice = make.invoice()
    payment = hold(invoice).payment_id
    gateway_id = fetch(Payment, payment).gateway_id
    runtime.current().gateway.void(gateway_id or "", "elsewhere")
    attempt = process(payment)
    assert attempt.outcome != "paid"
    assert fetch(Invoice, invoice).state == "sent"
    check_all()
    assert fetch(Payment, payment).state == "voided"
