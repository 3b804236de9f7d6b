"""Fee rules: resident or not, per item; what follows from a change, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applications import account, deciding, fees
from billing import charging, invoicing
from billing.actions import application_actions
from billing.actor import SYSTEM
from billing.database import lock, reading, transaction
from billing.saving import save_record
from models import Application, ApplicationFee, Form, FormFee, Invoice, User
from models.states import FeeRule
from tests.applications.helpers import (
    ELSEWHERE,
    RESIDENT,
    apply,
    cash,
    customer_of,
    delete_fees,
    dog_park,
    invoices_about,
    log_of,
    owed,
    set_fee,
    state_of,
)
from tests.billing.helpers import VISA, refusal_of, rows_of
from tests.paying_back import pay_back
from tests.support import STAFF, Factory, emails, fetch, payments_of


@pytest.mark.parametrize(
    ("postal_code", "city", "resident"),
    [
        ("62704", "", True),
        ("62704-1234", "", True),
        (" 62704 ", "", True),
        ("", "springfield  heights", True),
        ("62705", "Springfield", False),
        ("6270", "", False),
        ("", "", False),
    ],
)
def test_who_is_a_resident(postal_code: str, city: str, resident: bool) -> None:
    form = Form(name="Dog park", resident_places=["62704", "Springfield Heights", " "])
    assert fees.is_resident(form, User(postal_code=postal_code, city=city)) is resident


def test_without_places_everybody_is_a_resident() -> None:
    form = Form(name="Dog park", resident_places=[])
    assert fees.is_resident(form, User(postal_code="1", city="Anywhere"))


@given(
    amounts=st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(FeeRule), st.booleans())),
    items=st.integers(1, 1000),
    postal_code=st.sampled_from(["62704", "99999", ""]),
)
def test_the_fees_are_those_of_the_rules_and_no_others(
    amounts: list[tuple[int, FeeRule, bool]], items: int, postal_code: str
) -> None:
    form = Form(name="Any", item_name="dog", resident_places=["62704"])
    form.fees = [
        FormFee(label=str(number), amount=amount, rule=rule, per_item=per_item)
        for number, (amount, rule, per_item) in enumerate(amounts)
    ]
    other = FeeRule.NON_RESIDENT if postal_code == "62704" else FeeRule.RESIDENT
    expected = sum(
        amount * (items if per_item else 1) for amount, rule, per_item in amounts if rule != other
    )
    user = User(postal_code=postal_code, city="")
    if expected <= 10**11:
        assert sum(fee.amount for fee in fees.fees_for(form, user, {"items": items})) == expected


def test_a_resident_and_a_stranger_pay_their_own_price_per_dog(app: Any, make: Factory) -> None:
    form = dog_park()
    resident = apply(make, form=form, items=2)
    stranger = apply(make, form=form, items=2, postal_code=ELSEWHERE)
    assert (owed(resident), owed(stranger)) == (2500, 6500)
    rows = rows_of(ApplicationFee, ApplicationFee.application_id == stranger)
    assert [(row.label, row.quantity, row.amount) for row in rows] == [
        ("Non-resident", 2, 6000),
        ("Registration", 1, 500),
    ]


def move_house(application: int, postal_code: str) -> dict[int, int]:
    return account.change_address(
        fetch(Application, application).user_id,
        street="1 New Street",
        city="Elsewhere",
        postal_code=postal_code,
        actor=customer_of(application),
    )


@pytest.mark.usefixtures("proven")
def test_a_new_address_changes_the_fees_and_an_outstanding_balance_appears(
    app: Any, make: Factory
) -> None:
    application = apply(make, items=1)
    cash(application)
    assert (state_of(application), owed(application)) == ("approved", 0)
    assert move_house(application, ELSEWHERE) == {application: 2000}
    assert (state_of(application), owed(application)) == ("approved", 2000)
    [row] = [row for row in log_of(application) if row.verb == "change_fees"]
    assert row.details == {"before": 1500, "after": 3500, "difference": 2000}
    assert "$15.00" in row.sentence
    assert "$35.00" in row.sentence
    assert len(emails("outstanding_balance")) == 1


def test_a_corrected_address_takes_a_rejected_application_back_to_pending(
    app: Any, make: Factory
) -> None:
    application = apply(make, state="rejected", postal_code=ELSEWHERE)
    assert move_house(application, RESIDENT) == {application: -2000}
    assert state_of(application) == "pending"


def test_staff_who_correct_the_address_change_the_fees_too(app: Any, make: Factory) -> None:
    application = apply(make, state="rejected", postal_code=ELSEWHERE)
    user = fetch(Application, application).user_id
    save_record(User, user, {"postal_code": RESIDENT}, STAFF)
    assert (owed(application), state_of(application)) == (1500, "rejected")
    save_record(User, user, {"phone": "555"}, STAFF)
    assert len([row for row in log_of(application) if row.verb == "change_fees"]) == 1


def test_forms_that_are_closed_and_inactive_applications_keep_their_fees(
    app: Any, make: Factory
) -> None:
    user = make.user(postal_code=RESIDENT)
    closed, gone = apply(make, user=user), apply(make, user=user, state="inactive")
    with transaction() as session:
        lock(session, Form, fetch(Application, closed).form_id).active = False
    assert move_house(closed, ELSEWHERE) == {}
    assert (owed(closed), owed(gone)) == (1500, 1500)


def test_the_same_address_changes_nothing(app: Any, make: Factory) -> None:
    application = apply(make)
    move_house(application, ELSEWHERE)
    before = len(log_of(application))
    assert move_house(application, ELSEWHERE) == {}
    assert len(log_of(application)) == before


def test_a_form_whose_fees_were_deleted_is_a_clear_refusal(app: Any, make: Factory) -> None:
    application = apply(make)
    delete_fees(fetch(Application, application).form_id)
    refusal = refusal_of(lambda: move_house(application, ELSEWHERE))
    assert (refusal.code, "2027 Dog Park" in refusal.sentence) == ("no_fees", True)
    actor = customer_of(application)
    verb = lambda: deciding.change_answers(application, {"items": 2}, actor=actor)  # noqa: E731
    assert refusal_of(verb).code == "no_fees"
    assert owed(application) == 1500


def test_fees_beyond_any_amount_are_refused(app: Any, make: Factory) -> None:
    application = apply(make)
    set_fee(fetch(Application, application).form_id, FeeRule.RESIDENT, 10**9)
    actor = customer_of(application)
    verb = lambda: deciding.change_answers(application, {"items": 999}, actor=actor)  # noqa: E731
    assert refusal_of(verb).code == "amount_too_large"


def invoiced(make: Factory, **kw: Any) -> tuple[int, int]:
    """An approved application whose fees are on a sent invoice."""
    application = apply(make, state="approved", **kw)
    issued = invoicing.generate_invoice(application, description="Fees", due_on=None, actor=STAFF)
    return application, issued.invoice_id


def names_of(application: int) -> set[str]:
    with reading() as session:
        record = session.get_one(Application, application)
        return {row.name for row in application_actions(session, record) if row.why_not is None}


@pytest.mark.usefixtures("proven")
def test_fees_that_rose_after_the_invoice_can_be_invoiced_once(app: Any, make: Factory) -> None:
    application, first = invoiced(make)
    move_house(application, ELSEWHERE)
    assert fetch(Invoice, first).total == 1500
    assert fetch(Application, application).difference == 2000
    assert "invoice_difference" in names_of(application)
    issued = fees.invoice_difference(application, description="More", due_on=None, actor=STAFF)
    assert fetch(Invoice, issued.invoice_id).total == 2000
    assert fetch(Application, application).difference == 0
    again = refusal_of(
        lambda: fees.invoice_difference(application, description="More", due_on=None, actor=STAFF)
    )
    assert again.code == "no_difference"
    assert "invoice_difference" not in names_of(application)


def test_without_an_invoice_there_is_no_difference_to_invoice(app: Any, make: Factory) -> None:
    application = apply(make, state="approved")
    verb = lambda: fees.invoice_difference(  # noqa: E731
        application, description="More", due_on=None, actor=STAFF
    )
    assert refusal_of(verb).code == "no_invoice"


@pytest.mark.usefixtures("proven")
def test_fees_that_fell_are_credited_on_the_open_invoice(app: Any, make: Factory) -> None:
    application, invoice = invoiced(make, postal_code=ELSEWHERE)
    move_house(application, RESIDENT)
    assert (fetch(Application, application).difference, owed(application)) == (-2000, 1500)
    assert fees.credit_difference(application, reason="Lives here", actor=STAFF) == 2000
    assert (fetch(Invoice, invoice).balance, owed(application)) == (1500, 1500)
    assert fetch(Application, application).difference == 0
    charging.pay_invoice(invoice, nonce=VISA, shown_balance=1500, actor=customer_of(application))
    assert (fetch(Invoice, invoice).state, owed(application)) == ("paid", 0)
    verb = lambda: fees.credit_difference(application, reason="Again", actor=STAFF)  # noqa: E731
    assert refusal_of(verb).code == "no_difference"


@pytest.mark.usefixtures("proven")
def test_fees_that_fall_and_rise_again_are_owed_again(app: Any, make: Factory) -> None:
    application, _invoice = invoiced(make, postal_code=ELSEWHERE)
    move_house(application, RESIDENT)
    fees.credit_difference(application, reason="Lives here", actor=STAFF)
    move_house(application, ELSEWHERE)
    assert (fetch(Application, application).difference, owed(application)) == (2000, 3500)


@pytest.mark.usefixtures("proven")
def test_a_credit_that_leaves_nothing_to_pay_closes_the_invoice(app: Any, make: Factory) -> None:
    application, invoice = invoiced(make, postal_code=ELSEWHERE)
    charging_part(invoice, 1500)
    move_house(application, RESIDENT)
    assert fees.credit_difference(application, reason="Lives here", actor=STAFF) == 2000
    assert (fetch(Invoice, invoice).state, owed(application)) == ("paid", 0)


def charging_part(invoice: int, amount: int) -> None:
    from billing import in_person
    from models.states import Tender

    balance = fetch(Invoice, invoice).balance
    manual = in_person.Manual(Tender.CASH, amount)
    in_person.process_manual(invoice, manual, shown_balance=balance, actor=STAFF)


@pytest.mark.usefixtures("proven")
def test_what_was_paid_already_is_refunded_first_then_credited(app: Any, make: Factory) -> None:
    application, invoice = invoiced(make, postal_code=ELSEWHERE)
    charging_part(invoice, 3500)
    move_house(application, RESIDENT)
    assert owed(application) == -2000
    verb = lambda: fees.credit_difference(application, reason="Lives here", actor=STAFF)  # noqa: E731
    assert refusal_of(verb).code == "nothing_open"
    [payment] = payments_of(invoice)
    pay_back(payment.id, amount=2000, then="reopen", reason="Lives here", actor=STAFF)
    assert fees.credit_difference(application, reason="Lives here", actor=STAFF) == 2000
    assert (fetch(Invoice, invoice).state, owed(application)) == ("paid", 0)


def test_a_credit_needs_a_reason(app: Any, make: Factory) -> None:
    application, _invoice = invoiced(make, postal_code=ELSEWHERE)
    move_house(application, RESIDENT)
    verb = lambda: fees.credit_difference(application, reason=" ", actor=STAFF)  # noqa: E731
    assert refusal_of(verb).field == "reason"


@pytest.mark.usefixtures("proven")
def test_a_deleted_draft_is_no_part_of_what_was_invoiced(app: Any, make: Factory) -> None:
    from billing import redraft

    application, invoice = invoiced(make)
    redraft.set_back_to_draft(invoice, reason="Wrong", actor=STAFF)
    invoicing.delete_invoice(invoice, actor=STAFF)
    assert fetch(Application, application).invoiced == 0
    assert len(invoices_about(application)) == 1
    cash(application)
    assert owed(application) == 0


def test_the_system_can_work_fees_out_too(app: Any, make: Factory) -> None:
    application = apply(make, items=1)
    set_fee(fetch(Application, application).form_id, FeeRule.RESIDENT, 700)
    deciding.change_answers(application, {"items": 2}, actor=SYSTEM)
    assert owed(application) == 1900
