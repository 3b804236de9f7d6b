"""What staff do with payments: refund, reverse, apply, resend a receipt, ask the gateway now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import in_person, outcomes
from billing.actor import SYSTEM
from billing.database import transaction
from billing.gateway import Answer, Verdict
from billing.in_person import Manual
from models import Invoice, Payment
from models.states import InvoiceState, PaymentKind, PaymentState, Tender
from tests.admin.counter import newest_payment, text_of
from tests.billing.helpers import check_all, everything, pay, rows_of
from tests.paying_back import pay_back
from tests.support import STAFF, Factory, emails, fetch, payments_of

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]
# What the pages of a payment of $20.00 carry along.
SHOWN = {"shown_left": "2000"}


def do(verb: str, payment_id: int) -> str:
    return f"/admin/payment/do/{verb}/?id={payment_id}"


def eye(payment_id: int) -> str:
    return f"/admin/payment/details/?id={payment_id}"


def in_cash(invoice: int, amount: int = 2000) -> int:
    """A manual payment; returns its id."""
    shown = fetch(Invoice, invoice).balance
    manual = Manual(Tender.CASH, amount)
    return in_person.process_manual(invoice, manual, shown_balance=shown, actor=STAFF).payment_id


def test_an_unsettled_card_is_voided_and_the_page_says_so(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    invoice = make.invoice()
    payment = pay(invoice).payment_id
    client = staff_client()
    assert do("refund", payment) in text_of(client.get(eye(payment)))
    page = text_of(client.get(do("refund", payment)))
    assert "has not settled yet. Paying all of it back voids it" in page
    assert 'value="20.00"' in page
    form = {"amount": "20.00", "then": "reopen", "reason": "Charged by mistake", **SHOWN}
    answer = post(client, do("refund", payment), form)
    assert answer.location == eye(payment)
    shown = text_of(client.get(answer.location))
    assert "The payment of $20.00 was voided; the customer was never charged." in shown
    reopened = fetch(Invoice, invoice)
    assert (reopened.state, reopened.balance) == (InvoiceState.SENT, 2000)
    assert sandbox.transactions(fetch(Payment, payment).reference)[0]["status"] == "voided"


def test_a_settled_card_is_refunded_in_part_and_credited(
    make: Factory, staff_client: Build, post: Post, sandbox: Any, time: Any
) -> None:
    invoice = make.invoice()
    payment = pay(invoice).payment_id
    sandbox.advance(days=2)
    time.advance(days=2)
    check_all()
    client = staff_client()
    page = text_of(client.get(do("refund", payment)))
    assert "The gateway refunds it to Visa ending in 1111" in page
    form = {"amount": "7.50", "then": "credit", "reason": "One dog less", **SHOWN}
    answer = post(client, do("refund", payment), form)
    assert "$7.50 is being paid back." in text_of(client.get(answer.location))
    kept = fetch(Invoice, invoice)
    assert (kept.state, kept.balance, kept.credited) == (InvoiceState.PAID, 0, 750)
    assert fetch(Payment, payment).refunded == 750


def test_a_part_of_an_unsettled_card_is_refused_at_its_field(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    payment = pay(make.invoice()).payment_id
    form = {"amount": "5", "then": "reopen", "reason": "Part", **SHOWN}
    answer = post(staff_client(), do("refund", payment), form)
    assert answer.status_code == 422
    shown = text_of(answer)
    assert "This payment has not settled yet, so only all of it can be paid back." in shown
    assert "91506" not in shown
    assert newest_payment().id == payment
    assert fetch(Payment, payment).refunded == 0


def test_cash_is_handed_back_and_recorded(make: Factory, staff_client: Build, post: Post) -> None:
    invoice = make.invoice()
    payment = in_cash(invoice)
    client = staff_client()
    assert "hand the money back yourself" in text_of(client.get(do("refund", payment)))
    form = {"amount": "20", "then": "reopen", "reason": "Withdrawn", **SHOWN}
    answer = post(client, do("refund", payment), form)
    assert "$20.00 was paid back. Hand it to the customer." in text_of(client.get(answer.location))
    assert fetch(Invoice, invoice).balance == 2000
    refund = newest_payment()
    assert (refund.kind, refund.state) == (PaymentKind.REFUND, PaymentState.SETTLED)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"amount": "0"}, "Between nothing and $20.00 can be paid back."),
        ({"amount": "20.01"}, "Between nothing and $20.00 can be paid back."),
        ({"amount": "1.005"}, "Use at most 2 decimals."),
        ({"amount": ""}, "Enter the amount."),
        ({"amount": "1000000000000"}, "That amount is too large."),
        ({"then": ""}, "Choose what becomes of the invoice."),
        ({"then": "burn"}, "Choose what becomes of the invoice."),
        ({"reason": "  "}, "Say why."),
        ({"shown_left": ""}, "The page was not complete."),
        ({"shown_left": "1500"}, "The amount has changed: $20.00 can be paid back now."),
    ],
)
def test_a_refused_refund_keeps_what_was_typed(
    make: Factory, staff_client: Build, post: Post, typed: dict[str, str], sentence: str
) -> None:
    payment = in_cash(make.invoice())
    client = staff_client()
    before = everything()
    form = {"amount": "12.34", "then": "credit", "reason": "Kept words", **SHOWN, **typed}
    answer = post(client, do("refund", payment), form)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert "Kept words" in text_of(answer) or "reason" in typed
    assert everything() == before


def test_a_wrong_entry_is_reversed_with_a_reason_and_stays_visible(
    make: Factory, staff_client: Build, post: Post
) -> None:
    invoice = make.invoice()
    payment = in_cash(invoice)
    client = staff_client()
    assert "Say why." in text_of(post(client, do("reverse", payment), {"reason": ""}))
    answer = post(client, do("reverse", payment), {"reason": "Wrong customer"})
    page = text_of(client.get(answer.location))
    assert "The payment was reversed" in page
    assert "Wrong customer" in page
    assert fetch(Payment, payment).state is PaymentState.REVERSED
    assert fetch(Invoice, invoice).balance == 2000
    again = post(client, do("reverse", payment), {"reason": "Again"})
    assert (again.status_code, "can't be reversed any more" in text_of(again)) == (422, True)


def test_a_gateways_payment_has_no_reverse(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    payment = pay(make.invoice()).payment_id
    client = staff_client()
    assert "/reverse/" not in text_of(client.get(eye(payment)))
    answer = post(client, do("reverse", payment), {"reason": "Why not"})
    assert "Payments of the gateway are refunded, not reversed." in text_of(answer)


def unapplied_card(make: Factory, user: int, sandbox: Any, time: Any) -> int:
    """A payment that arrived after its attempt was given up: all of it is unapplied."""
    invoice = make.invoice(user)
    sandbox.fault("sale", "drop", "after")
    payment = pay(invoice, shown=2000).payment_id
    with transaction() as session:
        gone = Answer(Verdict.INVALID, PaymentState.FAILED, message="Given up")
        outcomes.record(session, payment, gone, SYSTEM)
    check_all()
    assert fetch(Payment, payment).unapplied == 2000
    return payment


def test_unapplied_money_is_applied_to_an_open_invoice(
    make: Factory, staff_client: Build, post: Post, sandbox: Any, time: Any
) -> None:
    user = make.user()
    payment = unapplied_card(make, user, sandbox, time)
    invoice, foreign = make.invoice(user, total=500), make.invoice()
    client = staff_client()
    page = text_of(client.get(do("apply", payment)))
    assert "$20.00 of this payment is not used" in page
    assert "($5.00 left)" in page
    for typed, sentence in (
        ({"invoice": str(foreign), "amount": "1"}, "Choose an invoice from the list."),
        ({"invoice": str(invoice), "amount": "5.01"}, "That is more than the invoice's balance."),
        ({"invoice": str(invoice), "amount": "0"}, "The amount must be more than zero."),
        ({"invoice": str(invoice), "amount": ""}, "Enter the amount."),
        ({"invoice": "", "amount": "1"}, "Choose an invoice from the list."),
    ):
        refused = post(client, do("apply", payment), {**SHOWN, **typed})
        assert (refused.status_code, sentence in text_of(refused)) == (422, True), sentence
    typed = {"invoice": str(invoice), "amount": "5", **SHOWN}
    answer = post(client, do("apply", payment), typed)
    assert "$5.00 was applied to invoice #" in text_of(client.get(answer.location))
    assert fetch(Invoice, invoice).state is InvoiceState.PAID
    assert fetch(Payment, payment).unapplied == 1500


def test_what_is_used_up_and_refunds_can_not_be_applied(
    make: Factory, staff_client: Build, post: Post
) -> None:
    user = make.user()
    payment = in_cash(make.invoice(user))
    refund = pay_back(payment, amount=500, then="credit", reason="Less", actor=STAFF).payment_id
    invoice = make.invoice(user)
    client = staff_client()
    form = {"invoice": str(invoice), "amount": "1"}
    assert "All of this payment is used." in text_of(post(client, do("apply", payment), form))
    answer = post(client, do("apply", refund), form)
    assert "Only money that was received can be applied." in text_of(answer)
    assert "Apply" not in text_of(client.get(eye(refund))).split("History")[0]
    assert fetch(Invoice, invoice).allocated == 0


def test_a_receipt_is_sent_again_each_time_it_is_asked_for(
    make: Factory, staff_client: Build, post: Post
) -> None:
    payment = in_cash(make.invoice(make.user(email="maria@example.org")))
    client = staff_client()
    for _ in range(2):
        answer = post(client, do("resend-receipt", payment))
        told = text_of(client.get(answer.location))
        assert "The receipt goes to maria@example.org again." in told
    assert [mail.payment_id for mail in emails("receipt")] == [payment] * 3


def test_without_an_email_the_receipt_is_offered_on_paper(
    make: Factory, staff_client: Build, post: Post
) -> None:
    payment = in_cash(make.invoice(make.user(email=None, no_email=True)))
    client = staff_client()
    page = text_of(client.get(eye(payment)))
    assert "This user has no e-mail. Print the receipt or save its PDF." in page
    assert "receipt.pdf" in page
    assert post(client, do("resend-receipt", payment)).status_code == 422
    assert emails() == []


def test_the_gateway_is_asked_now(
    make: Factory, staff_client: Build, post: Post, sandbox: Any
) -> None:
    invoice = make.invoice()
    sandbox.fault("sale", "drop", "after")
    payment = pay(invoice, shown=2000).payment_id
    client = staff_client()
    assert "Check with the gateway now" in text_of(client.get(eye(payment)))
    sandbox.fault("search", "drop", "before")
    answer = post(client, do("check", payment))
    assert "The gateway does not answer." in text_of(client.get(answer.location))
    answer = post(client, do("check", payment))
    assert "the payment is submitted now" in text_of(client.get(answer.location))
    assert fetch(Invoice, invoice).state is InvoiceState.PAID
    answer = post(client, do("check", payment))
    assert "Nothing new: the payment is submitted." in text_of(client.get(answer.location))


@pytest.mark.parametrize("verb", ["refund", "reverse", "apply", "resend-receipt", "check"])
def test_each_needs_its_permission_the_site_a_sign_in_and_a_token(
    make: Factory, staff_client: Build, post: Post, client: FlaskClient, verb: str
) -> None:
    mine, other = make.site(), make.site()
    payment = in_cash(make.invoice(site_id=other))
    form = {"amount": "20", "then": "reopen", "reason": "x"}
    before = everything()
    assert post(staff_client(["payments.view"]), do(verb, payment), form).status_code == 403
    assert post(staff_client(sites=(mine,)), do(verb, payment), form).status_code == 404
    assert "/admin/login" in post(client, do(verb, payment), form).location
    assert staff_client().post(do(verb, payment), data=form).status_code == 400
    assert rows_of(Payment)[0].state is PaymentState.SETTLED
    assert len(everything()["payments"]) == len(before["payments"])


def test_a_write_off_takes_it_off_and_closes_at_zero(
    make: Factory, staff_client: Build, post: Post
) -> None:
    invoice = make.invoice()
    client = staff_client()
    address = f"/admin/invoice/credit/give/?id={invoice}"
    assert "Write off / credit" in text_of(client.get(f"/admin/invoice/details/?id={invoice}"))
    form = {"amount": "5", "shown_balance": "2000", "reason": "Kindness"}
    answer = post(client, address, form)
    told = text_of(client.get(answer.location))
    assert "$5.00 was credited. $15.00 is left to pay." in told
    assert "Kindness" in told
    stale = post(client, address, form)
    assert "The amount has changed: $15.00 is to pay now." in text_of(stale)
    for typed, sentence in (
        ({"amount": "15.01"}, "Only $15.00 is left to pay."),
        ({"amount": "0"}, "The amount must be more than zero."),
        ({"amount": ""}, "Enter the amount."),
        ({"reason": " "}, "Say why."),
        ({"shown_balance": ""}, "The page was not complete."),
    ):
        wrong = post(
            client, address, {"amount": "1", "reason": "r", "shown_balance": "1500", **typed}
        )
        assert (wrong.status_code, sentence in text_of(wrong)) == (422, True), sentence
    last = post(client, address, {"amount": "15", "shown_balance": "1500", "reason": "All"})
    assert "so the invoice is closed" in text_of(client.get(last.location))
    assert fetch(Invoice, invoice).state is InvoiceState.PAID
    assert payments_of(invoice) == []
    assert "This invoice is paid." in text_of(client.get(address))
    looker = staff_client(["invoices.view", "payments.process"])
    assert post(looker, address, form).status_code == 403


def test_a_draft_is_changed_not_credited(make: Factory, staff_client: Build) -> None:
    invoice = make.invoice(state="draft")
    page = staff_client().get(f"/admin/invoice/credit/give/?id={invoice}")
    assert "This is a draft: change its items instead." in text_of(page)
