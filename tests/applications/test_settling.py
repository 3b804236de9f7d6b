"""One debt is collected once, whichever way: settled by staff, paid online, or by an invoice."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from applications import account, deciding, settling
from billing import in_person, invoicing, refunds
from billing.in_person import Manual
from models import Application, Invoice, Payment
from models.states import Tender
from tests.applications.helpers import (
    DECLINED,
    ELSEWHERE,
    apply,
    authorise,
    cash,
    customer_of,
    invoices_about,
    log_of,
    owed,
    pay_online,
    state_of,
)
from tests.billing.helpers import refusal_of, rows_of
from tests.paying_back import pay_back
from tests.support import STAFF, Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("proven")


@pytest.mark.parametrize("state", ["pending", "rejected"])
def test_settled_in_cash_it_is_approved_by_itself(app: Any, make: Factory, state: str) -> None:
    application = apply(make, state=state)
    assert cash(application).outcome == "paid"
    assert (state_of(application), owed(application)) == ("approved", 0)
    [invoice] = invoices_about(application)
    assert (invoice.silent, invoice.state, invoice.number, invoice.total) == (True, "paid", 1, 1500)
    assert (len(emails("receipt")), len(emails("application_approved"))) == (1, 1)
    assert emails("invoice") == []
    assert log_of(application)[0].verb == "settle"


def test_a_check_and_other_means_settle_too(app: Any, make: Factory) -> None:
    make.settings(manual_methods=["Bank transfer"])
    for manual in (
        Manual(Tender.CHECK, 1500, check_number="1001"),
        Manual(Tender.OTHER, 1500, method="Bank transfer"),
    ):
        application = apply(make)
        settling.settle_manual(application, manual, shown_balance=1500, actor=STAFF)
        assert state_of(application) == "approved"


def test_without_the_receipt_tick_none_is_sent(app: Any, make: Factory) -> None:
    application = apply(make)
    manual = Manual(Tender.CASH, 1500)
    settling.settle_manual(application, manual, shown_balance=1500, send_receipt=False, actor=STAFF)
    assert emails("receipt") == []


@pytest.mark.parametrize(
    ("manual", "code"),
    [
        (Manual(Tender.CASH, 1000), "not_all"),
        (Manual(Tender.CASH, 0), "not_all"),
        (Manual(Tender.CASH, 1500, received=1000), "too_little_cash"),
        (Manual(Tender.CHECK, 1500), "no_check_number"),
        (Manual(Tender.OTHER, 1500, method="Barter"), "no_method"),
        (Manual(Tender.CARD, 1500), "no_tender"),
    ],
)
def test_what_is_wrong_with_the_payment_changes_nothing(
    app: Any, make: Factory, manual: Manual, code: str
) -> None:
    application = apply(make)
    refusal = refusal_of(
        lambda: settling.settle_manual(application, manual, shown_balance=1500, actor=STAFF)
    )
    assert refusal.code == code


def test_another_balance_than_the_one_shown_is_refused(app: Any, make: Factory) -> None:
    application = apply(make)
    for verb in (cash, authorise, pay_online):
        assert refusal_of(partial(verb, application, shown=1400)).code == "amount_changed"


@pytest.mark.parametrize("state", ["draft", "inactive"])
def test_nothing_is_collected_on_drafts_and_inactive_applications(
    app: Any, make: Factory, state: str
) -> None:
    application = apply(make, state=state)
    for verb in (cash, authorise, pay_online):
        assert refusal_of(partial(verb, application, shown=1500)).code == "wrong_state"


def test_settled_twice_is_refused(app: Any, make: Factory) -> None:
    application = apply(make)
    cash(application)
    for verb in (cash, authorise):
        refusal = refusal_of(partial(verb, application, shown=1500))
        assert refusal.code == "nothing_outstanding"


def test_by_card_it_is_authorised_first_then_settled(app: Any, make: Factory, sandbox: Any) -> None:
    application = apply(make)
    refusal = refusal_of(lambda: settling.process_settlement(application, actor=STAFF))
    assert refusal.sentence == "Authorize the card first."
    attempt = authorise(application)
    assert (attempt.outcome, state_of(application), owed(application)) == ("held", "pending", 1500)
    assert settling.process_settlement(application, actor=STAFF).outcome == "paid"
    assert (state_of(application), owed(application)) == ("approved", 0)
    [invoice] = invoices_about(application)
    assert (invoice.silent, invoice.state) == (True, "paid")
    assert len(sandbox.transactions()) == 1


def test_while_a_card_is_on_hold_other_staff_hear_who_holds_it(app: Any, make: Factory) -> None:
    application = apply(make)
    authorise(application)
    for verb in (cash, authorise):
        refusal = refusal_of(partial(verb, application, shown=1500))
        assert "Sam Staff has a card on hold for $15.00 since" in refusal.sentence
    refusal = refusal_of(partial(pay_online, application, shown=1500))
    assert refusal.sentence == "A payment is being processed already. Please do not pay again."


def test_generating_hears_who_holds_a_card_too(app: Any, make: Factory) -> None:
    application = apply(make, state="approved")
    authorise(application)
    refusal = refusal_of(
        lambda: invoicing.generate_invoice(application, description="F", due_on=None, actor=STAFF)
    )
    assert "Sam Staff has a card on hold for $15.00 since" in refusal.sentence


def test_what_was_marked_inactive_meanwhile_is_not_settled(app: Any, make: Factory) -> None:
    application = apply(make)
    authorise(application)
    deciding.mark_inactive(application, actor=STAFF)
    refusal = refusal_of(lambda: settling.process_settlement(application, actor=STAFF))
    assert refusal.code == "wrong_state"
    settling.release_settlement(application, actor=STAFF)
    assert state_of(application) == "inactive"


def test_a_hold_that_is_released_leaves_the_debt_to_be_collected(app: Any, make: Factory) -> None:
    application = apply(make)
    authorise(application)
    settling.release_settlement(application, actor=STAFF)
    assert [invoice.state for invoice in invoices_about(application)] == ["deleted"]
    assert (state_of(application), owed(application)) == ("pending", 1500)
    cash(application)
    assert state_of(application) == "approved"
    refusal = refusal_of(lambda: settling.release_settlement(application, actor=STAFF))
    assert refusal.code == "no_hold"


def test_a_declined_hold_leaves_nothing_in_the_way(app: Any, make: Factory, sandbox: Any) -> None:
    sandbox.control("settings", {"amounts": "plain"})
    application = apply(make)
    assert authorise(application, DECLINED).outcome == "declined"
    assert [invoice.state for invoice in invoices_about(application)] == ["deleted"]
    deciding.approve(application, with_balance=True, actor=STAFF)
    issued = invoicing.generate_invoice(application, description="Fees", due_on=None, actor=STAFF)
    assert fetch(Invoice, issued.invoice_id).balance == 1500


def test_fees_that_changed_since_the_hold_ask_for_another(app: Any, make: Factory) -> None:
    application = apply(make)
    payment = authorise(application).payment_id
    account.change_address(
        fetch(Application, application).user_id,
        street="1 New Street",
        city="Elsewhere",
        postal_code=ELSEWHERE,
        actor=customer_of(application),
    )
    for verb in (
        lambda: settling.process_settlement(application, actor=STAFF),
        lambda: in_person.process_hold(payment, actor=STAFF),
    ):
        assert refusal_of(verb).code == "amount_changed"
    settling.release_settlement(application, actor=STAFF)
    authorise(application)
    settling.process_settlement(application, actor=STAFF)
    assert (state_of(application), owed(application)) == ("approved", 0)


@pytest.mark.parametrize("state", ["pending", "rejected"])
def test_paid_online_it_is_pending_again(app: Any, make: Factory, state: str) -> None:
    application = apply(make, state=state)
    assert pay_online(application).outcome == "paid"
    assert (state_of(application), owed(application)) == ("pending", 0)
    [invoice] = invoices_about(application)
    assert (invoice.silent, invoice.state, invoice.total) == (True, "paid", 1500)
    assert (len(emails("receipt")), emails("application_approved")) == (1, [])


def test_a_card_declined_online_can_be_tried_again_but_not_for_ever(
    app: Any, make: Factory, sandbox: Any
) -> None:
    sandbox.control("settings", {"amounts": "plain"})
    make.settings(max_declines=2)
    application = apply(make, state="rejected")
    for _ in range(2):
        assert pay_online(application, DECLINED).outcome == "declined"
        assert (state_of(application), owed(application)) == ("rejected", 1500)
    assert refusal_of(lambda: pay_online(application)).code == "too_many_declines"
    assert len(sandbox.transactions()) == 2


def test_paying_online_twice_is_refused(app: Any, make: Factory, sandbox: Any) -> None:
    application = apply(make)
    pay_online(application)
    refusal = refusal_of(lambda: pay_online(application, shown=1500))
    assert refusal.code == "nothing_outstanding"
    assert len(sandbox.transactions()) == 1


def test_an_approved_balance_is_not_paid_on_the_application_page(app: Any, make: Factory) -> None:
    application = apply(make, state="approved")
    assert refusal_of(lambda: pay_online(application)).code == "by_invoice"


def test_settling_goes_through_the_invoice_that_was_sent_and_closes_it(
    app: Any, make: Factory
) -> None:
    application = apply(make, state="approved")
    issued = invoicing.generate_invoice(application, description="Fees", due_on=None, actor=STAFF)
    cash(application)
    [invoice] = invoices_about(application)
    assert (invoice.id, invoice.state, invoice.silent) == (issued.invoice_id, "paid", False)
    assert owed(application) == 0


def test_what_is_settled_can_not_be_invoiced_any_more(app: Any, make: Factory) -> None:
    application = apply(make, state="approved")
    cash(application)
    verb = lambda: invoicing.generate_invoice(  # noqa: E731
        application, description="Fees", due_on=None, actor=STAFF
    )
    assert refusal_of(verb).code == "nothing_outstanding"


def test_a_pending_application_can_not_be_invoiced(app: Any, make: Factory) -> None:
    application = apply(make)
    verb = lambda: invoicing.generate_invoice(  # noqa: E731
        application, description="Fees", due_on=None, actor=STAFF
    )
    assert refusal_of(verb).code == "application_not_approved"


def test_a_balance_of_which_a_part_is_on_an_invoice_is_refused(app: Any, make: Factory) -> None:
    application = apply(make, state="approved")
    invoicing.generate_invoice(application, description="Fees", due_on=None, actor=STAFF)
    deciding.change_answers(application, {"items": 2}, actor=STAFF)
    refusal = refusal_of(lambda: cash(application))
    assert (refusal.code, "invoice #1" in refusal.sentence) == ("on_an_invoice", True)


def test_a_reversed_settlement_is_owed_again(app: Any, make: Factory) -> None:
    application = apply(make)
    payment = cash(application).payment_id
    refunds.reverse_payment(payment, reason="Wrong person", actor=STAFF)
    assert (state_of(application), owed(application)) == ("approved", 1500)
    assert log_of(application)[0].sentence == "$15.00 is outstanding again"
    cash(application)
    assert owed(application) == 0


def test_a_refund_shows_on_the_application(app: Any, make: Factory, sandbox: Any) -> None:
    application = apply(make)
    payment = pay_online(application).payment_id
    pay_back(payment, amount=1500, then="reopen", reason="Asked for", actor=STAFF)
    assert owed(application) == 1500
    assert log_of(application)[0].verb == "balance_open"


def test_an_invoice_of_a_customer_without_fees_due_moves_no_application(
    app: Any, make: Factory
) -> None:
    application = apply(make)
    invoice = make.invoice(fetch(Application, application).user_id)
    in_person.process_manual(invoice, Manual(Tender.CASH, 2000), shown_balance=2000, actor=STAFF)
    assert state_of(application) == "pending"
    assert len(payments_of(invoice)) == 1


def test_money_that_settles_days_later_does_not_undo_a_new_decision(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    from tests.billing.helpers import check_all

    application = apply(make, state="rejected")
    pay_online(application)
    deciding.reject(application, reason="The map is missing.", actor=STAFF)
    sandbox.advance(days=3)
    time.advance(days=3)
    check_all()
    [payment] = rows_of(Payment)
    assert (payment.state, state_of(application)) == ("settled", "rejected")
