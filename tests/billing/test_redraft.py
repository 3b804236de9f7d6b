"""Set back to draft, above all while a debit is on its way."""

from __future__ import annotations

from typing import Any

import pytest

from billing import invoicing, own_method
from billing.database import reading
from billing.proof import verify
from billing.redraft import set_back_to_draft
from jobs.letters import render
from models import History, Invoice, OutgoingEmail, Payment, User
from models.states import BillingMethod
from tests.billing.helpers import (
    CUSTOMER,
    SEPA,
    charge,
    check_all,
    debit_pending,
    keep,
    pay,
    reconcile,
    refusal_of,
    rows_of,
)
from tests.support import STAFF, Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def redraft(invoice: int, **more: Any) -> None:
    set_back_to_draft(invoice, reason="The amount is wrong", actor=STAFF, **more)


def test_it_keeps_why(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    redraft(invoice)
    [row] = rows_of(History, History.verb == "redraft")
    assert (row.from_state, row.to_state, row.reason) == ("sent", "draft", "The amount is wrong")


def test_without_a_reason_it_is_refused(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    refusal = refusal_of(lambda: set_back_to_draft(invoice, reason="  ", actor=STAFF))
    assert (refusal.code, refusal.field) == ("no_reason", "reason")


def test_while_the_billing_method_charges_it_must_be_switched_as_well(
    app: Any, make: Factory
) -> None:
    invoice = debit_pending(make)
    refusal = refusal_of(lambda: redraft(invoice, confirmed=True))
    assert (refusal.code, refusal.field) == ("still_charges", "switch_billing_method")


def test_a_debit_that_can_be_stopped_is_voided(app: Any, make: Factory, sandbox: Any) -> None:
    sandbox.control("settings", {"bank_debits_voidable": True})
    invoice = debit_pending(make)
    redraft(invoice, switch_billing_method=True)
    assert fetch(Invoice, invoice).state == "draft"
    assert [payment.state for payment in payments_of(invoice)] == ["voided"]
    [user] = rows_of(User)
    assert user.billing_method is BillingMethod.INVOICE


def test_a_charged_draft_whose_debit_is_voided_is_a_draft_again(
    app: Any, make: Factory, sandbox: Any
) -> None:
    sandbox.control("settings", {"bank_debits_voidable": True})
    user = make.user()
    keep(user, SEPA)
    invoice = make.invoice(user, state="draft")
    charge(invoice)
    redraft(invoice, switch_billing_method=True)
    assert fetch(Invoice, invoice).state == "draft"
    assert "The amount is wrong" in [row.reason for row in rows_of(History)]


def test_one_that_cannot_be_stopped_asks_for_a_confirmation_and_changes_nothing(
    app: Any, make: Factory
) -> None:
    invoice = debit_pending(make)
    refusal = refusal_of(lambda: redraft(invoice, switch_billing_method=True))
    assert (refusal.code, refusal.field) == ("cannot_stop", "confirmed")


def test_a_detached_debit_that_settles_late_is_the_users_credit(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    make.settings(email="office@example.org")
    invoice = debit_pending(make)
    redraft(invoice, switch_billing_method=True, confirmed=True)
    [payment] = payments_of(invoice)
    assert payment.detached
    sandbox.advance(days=4)
    time.advance(days=4)
    reconcile()
    late = fetch(Payment, payment.id)
    assert (late.state, late.unapplied) == ("settled", 2000)
    assert fetch(Invoice, invoice).state == "draft"
    [notice] = emails("staff_notice")
    assert notice.occasion == f"notice:unapplied:{payment.id}"
    assert notice.params["sentence"] == (
        f"Payment {payment.id}, a direct debit of $20.00, arrived late, after its invoice was set "
        "back to draft. Apply it to an invoice or pay it back."
    )
    with reading() as session:
        letter = render(session.get_one(OutgoingEmail, notice.id), session)
    for path in (f"payment/details/?id={payment.id}", f"user/details/?id={late.user_id}"):
        assert f"/admin/{path}" in letter.text
        assert f'/admin/{path}"' in letter.html


def test_a_detached_debit_that_is_declined_changes_nothing_more(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    sandbox.control("settings", {"bank_outcome": "declined"})
    invoice = debit_pending(make)
    redraft(invoice, switch_billing_method=True, confirmed=True)
    sandbox.advance(days=4)
    time.advance(days=4)
    check_all()
    assert fetch(Invoice, invoice).state == "draft"
    assert emails("payment_failed") == []


def test_a_detached_debit_does_not_keep_the_invoice_from_being_paid(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    invoice = debit_pending(make)
    redraft(invoice, switch_billing_method=True, confirmed=True)
    invoicing.send_invoice(invoice, actor=STAFF)
    assert pay(invoice).outcome == "paid"
    sandbox.advance(days=4)
    time.advance(days=4)
    check_all()
    assert fetch(Invoice, invoice).allocated == 2000
    assert sorted(payment.unapplied for payment in rows_of(Payment)) == [0, 2000]


def pending_together(make: Factory) -> tuple[int, int]:
    """Return two invoices of one user for which one debit is on its way."""
    user = make.user()
    keep(user, SEPA)
    first, second = make.invoice(user, total=2000), make.invoice(user, total=500)
    attempt = own_method.pay_with_method([first, second], shown_total=2500, actor=CUSTOMER)
    assert attempt.outcome == "pending"
    return first, second


@pytest.mark.parametrize("bank", ["settled", "declined"])
def test_a_debit_over_several_stays_with_the_others(
    app: Any, make: Factory, sandbox: Any, time: Any, bank: str
) -> None:
    if bank == "declined":
        sandbox.control("settings", {"bank_outcome": "declined"})
    first, second = pending_together(make)
    redraft(first, switch_billing_method=True, confirmed=True)
    assert [fetch(Invoice, each).state for each in (first, second)] == ["draft", "pending"]
    assert verify() == []
    [payment] = payments_of(first)
    assert payment.detached
    sandbox.advance(days=4)
    time.advance(days=4)
    reconcile()
    assert fetch(Invoice, first).state == "draft"
    if bank == "settled":
        assert fetch(Invoice, second).state == "paid"
        assert fetch(Payment, payment.id).unapplied == 2000
        assert len(emails("receipt")) == 1
    else:
        assert fetch(Invoice, second).state == "failed"


def test_an_attempt_of_unknown_outcome_is_waited_for(app: Any, make: Factory, sandbox: Any) -> None:
    user = make.user(billing_method=BillingMethod.INVOICE)
    invoice = make.invoice(user)
    sandbox.fault("sale", "drop", "after")
    pay(invoice)
    assert refusal_of(lambda: redraft(invoice, confirmed=True)).code == "unknown_outcome"
    check_all()


def test_a_refusal_leaves_the_billing_method_alone(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    pay(invoice)
    verb = lambda: redraft(invoice, switch_billing_method=True)  # noqa: E731
    assert refusal_of(verb).code == "not_open"


def test_sending_again_makes_a_second_version_and_a_second_letter(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    redraft(invoice)
    invoicing.send_invoice(invoice, actor=STAFF)
    assert [email.kind for email in emails()] == ["invoice", "invoice_again"]
