"""Paying back: void or refund, reopen or credit, a part or all, and undoing a manual entry."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from billing import in_person, reconciliation, refunds
from billing.attempts import Attempt
from billing.redraft import set_back_to_draft
from models import Credit, Invoice, Payment
from models.states import PaymentKind, Tender
from tests.billing.helpers import (
    SEPA,
    charge,
    check_all,
    keep,
    only_refusals,
    pay,
    refusal_of,
    rows_of,
    together,
)
from tests.paying_back import pay_back, put_on
from tests.support import STAFF, Factory, emails, fetch

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def paid(make: Factory, total: int = 2000) -> tuple[int, int]:
    """Return a paid invoice and its payment, not yet settled."""
    invoice = make.invoice(total=total)
    return invoice, pay(invoice).payment_id


def settle(sandbox: Any, time: Any) -> None:
    sandbox.advance(days=2)
    time.advance(days=2)
    check_all()


def refund(payment: int, amount: int = 2000, then: str = "reopen") -> Attempt:
    return pay_back(payment, amount=amount, then=then, reason="Paid twice", actor=STAFF)


def test_an_unsettled_payment_is_voided(app: Any, make: Factory, sandbox: Any) -> None:
    invoice, payment = paid(make)
    assert refund(payment).outcome == "refunded"
    assert [row["status"] for row in sandbox.transactions()] == ["voided"]
    assert fetch(Invoice, invoice).state == "sent"
    assert fetch(Payment, payment).refunded == 2000


def test_a_settled_payment_is_refunded(app: Any, make: Factory, sandbox: Any, time: Any) -> None:
    _invoice, payment = paid(make)
    settle(sandbox, time)
    assert refund(payment).outcome == "refunded"
    back = sandbox.transactions()[0]
    assert (back["type"], back["amount"]) == ("credit", "20.00")
    [row] = rows_of(Payment, Payment.kind == PaymentKind.REFUND)
    assert (row.refund_of_id, row.gateway_id) == (payment, back["id"])


def test_reopening_makes_the_invoice_payable_again(app: Any, make: Factory) -> None:
    invoice, payment = paid(make)
    refund(payment, then="reopen")
    reopened = fetch(Invoice, invoice)
    assert (reopened.state, reopened.balance, reopened.paid_at) == ("sent", 2000, None)
    assert pay(invoice).outcome == "paid"


def test_crediting_leaves_the_invoice_closed(app: Any, make: Factory) -> None:
    invoice, payment = paid(make)
    refund(payment, then="credit")
    closed = fetch(Invoice, invoice)
    assert (closed.state, closed.allocated, closed.credited) == ("paid", 0, 2000)
    assert refusal_of(lambda: pay(invoice, shown=0)).code == "already_paid"


def test_a_part_is_paid_back_once_it_settled(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    invoice, payment = paid(make)
    settle(sandbox, time)
    refund(payment, 500)
    assert fetch(Invoice, invoice).balance == 500
    refund(payment, 1500)
    assert fetch(Payment, payment).refunded == 2000
    assert fetch(Invoice, invoice).balance == 2000


def test_too_much_nothing_and_no_reason_are_refused(app: Any, make: Factory) -> None:
    _invoice, payment = paid(make)
    for amount in (0, -1, 2001):
        assert refusal_of(partial(refund, payment, amount)).code == "too_much"
    assert refusal_of(lambda: refund(payment, then="forget")).code == "no_choice"
    verb = lambda: pay_back(  # noqa: E731
        payment, amount=1, then="reopen", reason=" ", actor=STAFF
    )
    assert refusal_of(verb).code == "no_reason"


def test_what_was_paid_back_is_not_paid_back_again(app: Any, make: Factory) -> None:
    _invoice, payment = paid(make)
    back = refund(payment).payment_id
    assert refusal_of(lambda: refund(payment)).code == "all_refunded"
    assert refusal_of(lambda: refund(back)).code == "not_collected"


def test_two_refunds_at_once_pay_back_once(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    _invoice, payment = paid(make)
    settle(sandbox, time)
    sandbox.fault("refund", "latency", "before", seconds=0.3, times=None)
    results = together(app, [lambda: refund(payment)] * 4)
    assert len(only_refusals(results)) == 3
    assert [row["type"] for row in sandbox.transactions()] == ["credit", "sale"]


def test_refunding_one_of_two_payments_leaves_the_other_where_it_is(
    app: Any, make: Factory
) -> None:
    user = make.user()
    first, second = make.invoice(user), make.invoice(user)
    doubled = pay(first).payment_id
    pay(second)
    refund(doubled)
    assert fetch(Invoice, first).state == "sent"
    assert fetch(Invoice, second).state == "paid"


def test_refunding_money_no_invoice_uses_touches_no_invoice(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    user = make.user()
    invoices = [make.invoice(user, total=1000)]
    payment = _payment_over(user, invoices, make, sandbox, time)
    assert fetch(Payment, payment).unapplied == 1000
    refund(payment, 1000, "reopen")
    assert fetch(Invoice, invoices[0]).state == "paid"


def test_a_credit_over_several_invoices_credits_each(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    user = make.user()
    others = [make.invoice(user, total=1000), make.invoice(user, total=1000)]
    spread = _payment_over(user, others, make, sandbox, time)
    refund(spread, 2000, "credit")
    assert [fetch(Invoice, other).credited for other in others] == [1000, 1000]
    assert len(rows_of(Credit)) == 2


def _payment_over(user: int, invoices: list[int], make: Factory, sandbox: Any, time: Any) -> int:
    """Return one settled payment that pays all of ``invoices``: a refund that came back."""
    source = make.invoice(user, total=2000)
    payment = pay(source).payment_id
    settle(sandbox, time)
    back = refund(payment, 2000, "reopen").payment_id
    gateway_id = fetch(Payment, back).gateway_id
    sandbox.control(f"transactions/{gateway_id}/refund-fail")
    reconciliation.check_payment(back)
    for invoice in invoices:
        put_on(payment, invoice, amount=1000, actor=STAFF)
    return payment


def test_a_refund_that_fails_later_is_the_users_credit_again(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    make.settings(email="office@example.org")
    invoice, payment = paid(make)
    settle(sandbox, time)
    back = refund(payment).payment_id
    sandbox.control(f"transactions/{fetch(Payment, back).gateway_id}/refund-fail")
    reconciliation.check_payment(back)
    source = fetch(Payment, payment)
    assert (source.refunded, source.unapplied) == (0, 2000)
    assert fetch(Invoice, invoice).balance == 2000
    assert any("refund-failed" in email.occasion for email in emails("staff_notice"))


def test_a_refund_nobody_answered_is_found_out(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    invoice, payment = paid(make)
    settle(sandbox, time)
    sandbox.fault("refund", "drop", "after")
    attempt = refund(payment)
    assert attempt.outcome == "unknown"
    assert fetch(Invoice, invoice).state == "paid"
    assert refusal_of(lambda: refund(payment)).code == "live"
    reconciliation.check_payment(attempt.payment_id)
    assert fetch(Invoice, invoice).state == "sent"
    assert fetch(Payment, payment).refunded == 2000


@pytest.mark.parametrize("then", ["reopen", "credit"])
@pytest.mark.parametrize("first", ["refund", "payment"])
def test_a_void_nobody_answered_is_our_refund_not_a_loss(
    app: Any, make: Factory, sandbox: Any, time: Any, then: str, first: str
) -> None:
    invoice, payment = paid(make)
    sandbox.fault("void", "drop", "after")
    attempt = refund(payment, then=then)
    assert attempt.outcome == "unknown"
    time.advance(minutes=1)
    order = [attempt.payment_id, payment]
    for payment_id in order if first == "refund" else order[::-1]:
        reconciliation.check_payment(payment_id)
    assert fetch(Payment, attempt.payment_id).state == "settled"
    assert fetch(Invoice, invoice).state == ("sent" if then == "reopen" else "paid")
    assert emails("payment_returned") == []


def test_a_refund_that_never_reached_the_gateway_can_be_asked_again(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    _invoice, payment = paid(make)
    settle(sandbox, time)
    sandbox.fault("refund", "drop", "before")
    attempt = refund(payment)
    for minutes in (11, 5):
        time.advance(minutes=minutes)
        reconciliation.check_payment(attempt.payment_id)
    assert fetch(Payment, attempt.payment_id).state == "failed"
    assert refund(payment).outcome == "refunded"


def test_a_refund_while_another_payment_is_under_way_still_counts(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    user = make.user()
    keep(user, SEPA)
    invoice = make.invoice(user, total=3000)
    manual = in_person.Manual(Tender.CASH, 1000)
    part = in_person.process_manual(invoice, manual, shown_balance=3000, actor=STAFF).payment_id
    assert charge(invoice).outcome == "pending"
    assert refund(part, 1000).outcome == "refunded"
    assert fetch(Invoice, invoice).state == "pending"
    sandbox.advance(days=4)
    time.advance(days=4)
    check_all()
    left = fetch(Invoice, invoice)
    assert (left.state, left.balance) == ("sent", 1000)


def test_a_refund_of_a_draft_that_had_money_leaves_it_a_draft(app: Any, make: Factory) -> None:
    invoice = make.invoice(total=3000)
    manual = in_person.Manual(Tender.CASH, 1000)
    part = in_person.process_manual(invoice, manual, shown_balance=3000, actor=STAFF).payment_id
    set_back_to_draft(invoice, reason="Wrong", actor=STAFF)
    refund(part, 1000)
    draft = fetch(Invoice, invoice)
    assert (draft.state, draft.allocated) == ("draft", 0)


def test_a_wrong_manual_entry_is_reversed_with_its_reason(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    manual = in_person.Manual(Tender.CASH, 2000)
    wrong = in_person.process_manual(invoice, manual, shown_balance=2000, actor=STAFF).payment_id
    refunds.reverse_payment(wrong, reason="Typing mistake", actor=STAFF)
    assert fetch(Payment, wrong).state == "reversed"
    assert fetch(Invoice, invoice).state == "sent"
    again = refusal_of(lambda: refunds.reverse_payment(wrong, reason="Again", actor=STAFF))
    assert again.code == "not_collected"


def test_a_card_is_not_reversed(app: Any, make: Factory) -> None:
    _invoice, payment = paid(make)
    refusal = refusal_of(lambda: refunds.reverse_payment(payment, reason="x", actor=STAFF))
    assert refusal.code == "not_manual"
