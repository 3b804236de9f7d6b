"""Paying several invoices at once: one charge, one receipt, all or none."""

from __future__ import annotations

from typing import Any

import pytest

from billing import charging, in_person
from billing.attempts import Attempt
from models import Invoice, Payment
from models.states import Tender
from tests.applications.helpers import DECLINED, letter_of
from tests.billing.helpers import (
    CUSTOMER,
    SOFT_DECLINE,
    VISA,
    charge,
    keep,
    only_refusals,
    pay,
    reconcile,
    refusal_of,
    rows_of,
    together,
)
from tests.support import STAFF, Factory, fetch

pytestmark = pytest.mark.usefixtures("proven")


def pay_all(invoices: list[int], shown: int, nonce: str = VISA) -> Attempt:
    return charging.pay_invoices(invoices, nonce=nonce, shown_total=shown, actor=CUSTOMER)


def states(invoices: list[int]) -> list[str]:
    return [str(fetch(Invoice, invoice).state) for invoice in invoices]


def test_one_charge_pays_them_all_and_one_receipt_lists_them(
    app: Any, make: Factory, sandbox: Any
) -> None:
    user = make.user()
    invoices = [make.invoice(user, total=total) for total in (1000, 2000, 3000)]
    attempt = pay_all([*invoices, invoices[0]], 6000)
    assert (attempt.outcome, states(invoices)) == ("paid", ["paid"] * 3)
    assert [row["amount"] for row in sandbox.transactions()] == ["60.00"]
    letter = letter_of("receipt")
    assert all(f"Invoice #{number}: $" in letter.text for number in (1, 2, 3))
    assert "$60.00 in all" in letter.text
    assert len(letter.attachments) == 3


def test_a_declined_card_leaves_each_where_it_was(app: Any, make: Factory, sandbox: Any) -> None:
    user = make.user()
    keep(user)
    failed = make.invoice(user, total=SOFT_DECLINE)
    charge(failed)
    sandbox.control("settings", {"amounts": "plain"})
    invoices = [failed, make.invoice(user, total=1000)]
    assert states(invoices) == ["failed", "sent"]
    assert pay_all(invoices, SOFT_DECLINE + 1000, DECLINED).outcome == "declined"
    assert states(invoices) == ["failed", "sent"]
    assert pay_all(invoices, SOFT_DECLINE + 1000).outcome == "paid"


def test_a_lost_answer_is_found_and_pays_them_all(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    user = make.user()
    invoices = [make.invoice(user), make.invoice(user)]
    sandbox.fault("sale", "drop", "after")
    assert pay_all(invoices, 4000).outcome == "unknown"
    refusal = refusal_of(lambda: pay(invoices[1]))
    assert refusal.code == "live"
    time.advance(minutes=3)
    reconcile()
    assert states(invoices) == ["paid", "paid"]
    assert len(sandbox.transactions()) == 1


def test_one_that_can_not_be_paid_stops_the_whole_payment(
    app: Any, make: Factory, sandbox: Any
) -> None:
    user = make.user()
    paid, opened = make.invoice(user), make.invoice(user)
    pay(paid)
    assert refusal_of(lambda: pay_all([paid, opened], 2000)).code == "already_paid"
    draft = make.invoice(user, state="draft")
    assert refusal_of(lambda: pay_all([draft, opened], 4000)).code == "not_open"
    assert len(sandbox.transactions()) == 1


@pytest.mark.parametrize(("shown", "code"), [(3999, "amount_changed"), (0, "amount_changed")])
def test_another_total_than_shown_is_refused(
    app: Any, make: Factory, shown: int, code: str
) -> None:
    user = make.user()
    invoices = [make.invoice(user), make.invoice(user)]
    assert refusal_of(lambda: pay_all(invoices, shown)).code == code


def test_invoices_of_different_people_are_not_mixed(app: Any, make: Factory) -> None:
    invoices = [make.invoice(), make.invoice()]
    assert refusal_of(lambda: pay_all(invoices, 4000)).code == "other_user"


def test_nothing_chosen_and_no_card_are_refused(app: Any, make: Factory) -> None:
    assert refusal_of(lambda: pay_all([], 0)).code == "nothing_chosen"
    invoice = make.invoice()
    assert refusal_of(lambda: pay_all([invoice], 2000, "")).code == "no_nonce"


def test_all_and_single_payments_at_once_charge_each_invoice_once(
    app: Any, make: Factory, sandbox: Any
) -> None:
    user = make.user()
    invoices = [make.invoice(user), make.invoice(user), make.invoice(user)]
    manual = in_person.Manual(Tender.CASH, 2000)
    verbs = [
        lambda: pay_all(invoices, 6000),
        lambda: pay_all(invoices[::-1], 6000),
        lambda: pay(invoices[1], shown=2000),
        lambda: in_person.process_manual(invoices[2], manual, shown_balance=2000, actor=STAFF),
    ]
    only_refusals(together(app, verbs))
    collected = sum(payment.amount for payment in rows_of(Payment, Payment.allocated > 0))
    assert collected == sum(fetch(Invoice, invoice).allocated for invoice in invoices)
    assert all(fetch(Invoice, invoice).allocated <= 2000 for invoice in invoices)
