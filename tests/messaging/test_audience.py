"""Who gets a message, rule by rule, and that it is decided when the message is sent."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from billing import in_person, invoicing, outcomes, redraft, runtime
from billing.actor import SYSTEM
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.gateway import Answer, Verdict
from billing.transitions import move
from messaging.audience import REASONS
from messaging.sending import send_message
from messaging.unsubscribing import unsubscribe, unsubscribe_url
from models import Application, Invoice, Payment, User
from models.states import LeftOut, PaymentState, Tender
from tests.billing.helpers import debit_pending, pay, reconcile
from tests.messaging.helpers import (
    addresses_of,
    applicants,
    counts_agree,
    crowd,
    draft,
    look,
    reasons,
    rows,
    work,
)
from tests.support import STAFF, Factory, fetch, payments_of


def test_approved_applicants_of_the_form_get_it_and_nobody_else(app: Any, make: Factory) -> None:
    form, other = make.form(), make.form()
    approved = applicants(make, form, 2)
    applicants(make, form, 1, "pending")
    applicants(make, form, 1, "draft")
    applicants(make, other, 1)
    message = draft(form_id=form)
    assert (look(message).letters, look(message).left_out) == (2, {})
    send_message(message, actor=STAFF)
    assert [row.user_id for row in rows(message)] == approved
    assert (look(message).letters, look(message).left_out) == (2, {})


def test_an_inactive_application_leaves_out_unless_another_is_approved(
    app: Any, make: Factory
) -> None:
    form = make.form()
    gone, stays = applicants(make, form, 2)
    _deactivate(gone)
    _deactivate(stays)
    make.application(stays, form_id=form)
    message = draft(form_id=form)
    assert reasons(message) == {"Person 0": "inactive"}
    assert look(message).letters == 1


def test_no_email_excluded_and_unsubscribed_are_left_out_and_said_so(
    app: Any, make: Factory
) -> None:
    form = make.form()
    for name, email in (("None", None), ("Out", "OUT@example.org"), ("Off", "Off@example.org")):
        user = make.user(name, email=email, no_email=email is None)
        make.application(user, form_id=form)
    _unsubscribe("oFF@example.org")
    message = draft(form_id=form, extra="stays@example.org", excluded="out@EXAMPLE.org")
    assert reasons(message) == {"None": "no_email", "Out": "excluded", "Off": "unsubscribed"}
    decided = send_message(message, actor=STAFF)
    assert decided.letters == 1
    assert reasons(message) == {"None": "no_email", "Out": "excluded", "Off": "unsubscribed"}
    assert {person.why for person in look(message).people} == {
        REASONS[LeftOut.NO_EMAIL],
        REASONS[LeftOut.EXCLUDED],
        REASONS[LeftOut.UNSUBSCRIBED],
    }
    counts_agree(message)


def test_an_erased_user_gets_nothing(app: Any, make: Factory) -> None:
    form = make.form()
    [user] = applicants(make, form, 1)
    with transaction() as session:
        record = session.get_one(User, user)
        record.erased_at = record.created_at
    assert reasons(draft(form_id=form)) == {"Person 0": "no_email"}


@pytest.mark.parametrize("state", ["sent", "failed", "pending"])
def test_an_unpaid_invoice_leaves_out(
    app: Any, make: Factory, sandbox: Any, time: Any, state: str
) -> None:
    if state == "failed":
        sandbox.control("settings", {"bank_outcome": "declined"})
    invoice = make.invoice() if state == "sent" else debit_pending(make)
    if state == "failed":
        _let_the_bank_answer(sandbox, time)
    assert fetch(Invoice, invoice).state == state
    assert _reason(make, invoice) == {LeftOut.UNPAID: 1}


@pytest.mark.parametrize("state", ["draft", "deleted"])
def test_a_draft_or_a_deleted_invoice_excludes_nobody(app: Any, make: Factory, state: str) -> None:
    invoice = make.invoice(state="draft")
    if state == "deleted":
        invoicing.delete_invoice(invoice, actor=STAFF)
    assert _reason(make, invoice) == {}


def test_one_unpaid_invoice_among_paid_ones_leaves_out(
    app: Any, make: Factory, sandbox: Any
) -> None:
    first = make.invoice()
    pay(first)
    make.invoice(fetch(Invoice, first).user_id)
    assert _reason(make, first) == {LeftOut.UNPAID: 1}


def test_paid_in_part_stays_out_paid_in_full_is_back(app: Any, make: Factory, sandbox: Any) -> None:
    invoice = make.invoice(total=2000)
    part = in_person.Manual(Tender.CASH, 500)
    in_person.process_manual(invoice, part, shown_balance=2000, actor=STAFF)
    assert _reason(make, invoice) == {LeftOut.UNPAID: 1}
    rest = in_person.Manual(Tender.CASH, 1500)
    in_person.process_manual(invoice, rest, shown_balance=1500, actor=STAFF)
    assert _reason(make, invoice) == {}


def test_a_returned_debit_leaves_out_again(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    invoice = debit_pending(make)
    _let_the_bank_answer(sandbox, time)
    assert fetch(Invoice, invoice).state == "paid"
    assert _reason(make, invoice) == {}
    [payment] = payments_of(invoice)
    _say(payment, PaymentState.RETURNED)
    assert _reason(make, invoice) == {LeftOut.UNPAID: 1}


def test_set_back_to_draft_brings_back(app: Any, make: Factory, sandbox: Any) -> None:
    invoice = make.invoice()
    assert _reason(make, invoice) == {LeftOut.UNPAID: 1}
    redraft.set_back_to_draft(invoice, reason="Wrong amount", actor=STAFF)
    assert _reason(make, invoice) == {}


def test_an_address_two_users_share_gets_one_letter(app: Any, make: Factory) -> None:
    form = make.form()
    for name, email in (("First", "Home@example.org"), ("Second", "home@example.org")):
        make.application(make.user(name, email=email), form_id=form)
    message = draft(form_id=form, extra="HOME@example.org")
    assert look(message).letters == 1
    send_message(message, actor=STAFF)
    assert addresses_of(message, "waiting") == ["Home@example.org"]
    assert reasons(message) == {"Second": "same_address", "HOME@example.org": "same_address"}


def test_the_one_of_two_who_owes_nothing_still_gets_the_letter(app: Any, make: Factory) -> None:
    form = make.form()
    owes = make.user("Owes", email="home@example.org")
    make.application(owes, form_id=form)
    make.application(make.user("Square", email="home@example.org"), form_id=form)
    make.invoice(owes)
    message = draft(form_id=form)
    assert reasons(message) == {"Owes": "unpaid"}
    assert look(message).letters == 1


def test_a_typed_address_of_somebody_who_owes_is_left_out(app: Any, make: Factory) -> None:
    make.invoice(make.user(email="Owes@example.org"))
    message = draft(extra="owes@EXAMPLE.org\nfine@example.org")
    assert reasons(message) == {"owes@EXAMPLE.org": "unpaid"}
    assert look(message).letters == 1


def test_a_user_with_two_approved_applications_gets_one_letter(app: Any, make: Factory) -> None:
    form = make.form()
    [user] = applicants(make, form, 1)
    second = make.application(user, form_id=form)
    message = draft(form_id=form)
    send_message(message, actor=STAFF)
    assert [row.application_id for row in rows(message)] == [second]


def test_a_message_of_a_site_stays_in_it(app: Any, make: Factory) -> None:
    form, here, there = make.form(), make.site(), make.site()
    users = [make.user("Here"), make.user("There")]
    for user, site in zip(users, (here, there), strict=True):
        make.application(user, form_id=form, site_id=site)
    message = draft(form_id=form, site_id=here)
    send_message(message, actor=STAFF)
    assert [row.user_id for row in rows(message)] == users[:1]


def test_it_is_decided_when_it_is_sent_and_not_again(
    app: Any, make: Factory, sandbox: Any, sink: Any
) -> None:
    form = make.form()
    owed, owes = applicants(make, form, 2)
    invoice = make.invoice(owed)
    message = draft(form_id=form)
    assert reasons(message) == {"Person 0": "unpaid"}
    pay(invoice)
    make.invoice(owes)
    assert reasons(message) == {"Person 1": "unpaid"}
    send_message(message, actor=STAFF)
    make.invoice(owed)
    applicants(make, form, 1)
    assert addresses_of(message, "waiting") == [fetch(User, owed).email]
    work(message)
    assert sink.addresses == [fetch(User, owed).email]


def test_nobody_to_send_to_is_refused_and_changes_nothing(app: Any, make: Factory) -> None:
    form = make.form()
    [user] = applicants(make, form, 1)
    make.invoice(user)
    for message, word in (
        (draft(), "Choose a form"),
        (draft(form_id=make.form()), "no approved applications"),
        (draft(form_id=form), "unpaid invoice (1)"),
        (draft(extra="a@example.org", excluded="A@example.org"), "excluded (1)"),
    ):
        with pytest.raises(Refusal, match="Nobody would get this message") as caught:
            send_message(message, actor=STAFF)
        assert word in caught.value.sentence
        assert (caught.value.code, caught.value.field) == ("nobody", "form")
        assert rows(message) == []
        counts_agree(message)


def test_the_number_of_statements_does_not_grow_with_the_audience(app: Any, make: Factory) -> None:
    counts = []
    for size in (3, 300):
        form = make.form()
        crowd(form, size, start=size)
        message = draft(form_id=form)
        counts.append((_statements(lambda m=message: look(m)), _sending(message)))
        assert look(message).letters == size
    assert counts[0] == counts[1]
    assert counts[0][0] <= 4


def _sending(message: int) -> int:
    return _statements(lambda: send_message(message, actor=STAFF))


def _statements(verb: Any) -> int:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    engine = runtime.current().engine
    event.listen(engine, "before_cursor_execute", note)
    verb()
    event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def _reason(make: Factory, invoice_id: int) -> dict[LeftOut, int]:
    """Why the invoice's user would be left out of a message to applicants like them."""
    form = make.form()
    make.application(fetch(Invoice, invoice_id).user_id, form_id=form)
    return look(draft(form_id=form)).left_out


def _let_the_bank_answer(sandbox: Any, time: Any) -> None:
    sandbox.advance(days=4)
    time.advance(days=4)
    reconcile()


def _say(payment: Payment, state: PaymentState) -> None:
    with transaction() as session:
        outcomes.record(session, payment.id, Answer(Verdict.ACCEPTED, state), SYSTEM)


def _deactivate(user_id: int) -> None:
    with transaction() as session:
        record = session.query(Application).filter_by(user_id=user_id).one()
        application = lock(session, Application, record.id)
        move(session, application, "deactivate", "inactive", STAFF, "Moved away")


def _unsubscribe(address: str) -> None:
    message = draft(extra=address)
    send_message(message, actor=STAFF)
    [row] = rows(message)
    unsubscribe(unsubscribe_url(row.id).rpartition("/")[2])
