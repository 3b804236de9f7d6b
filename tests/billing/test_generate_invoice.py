"""Generate Invoice: an approved application's debt becomes a numbered, announced invoice."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import pytest

from billing import clock, invoicing
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.invoicing import Issued
from billing.redraft import set_back_to_draft
from models import Application, History, Invoice, InvoiceVersion
from tests.billing.helpers import only_refusals, pay, refusal_of, rows_of, together
from tests.support import STAFF, Factory, emails, fetch


def generate(application: int, description: str = "Balance", due_on: Any = None) -> Issued:
    return invoicing.generate_invoice(
        application, description=description, due_on=due_on, actor=STAFF
    )


def raise_fees(application: int, fees: int) -> None:
    with transaction() as session:
        lock(session, Application, application).fees_total = fees


def test_the_debt_becomes_a_sent_invoice_with_the_first_number(app: Any, make: Factory) -> None:
    issued = generate(make.application(fees=2000), "  Dog park balance  ")
    invoice = fetch(Invoice, issued.invoice_id)
    assert (issued.number, invoice.number, invoice.state) == (1, 1, "sent")
    assert (invoice.total, invoice.balance, invoice.currency) == (2000, 2000, "USD")
    assert invoice.description == "Dog park balance"
    assert invoice.issued_on == invoice.sent_on == clock.today("UTC")


def test_its_item_says_what_it_is_for(app: Any, make: Factory) -> None:
    issued = generate(make.application(fees=2000))
    content = rows_of(InvoiceVersion)[0].content
    assert content["items"][0]["description"] == "Outstanding application balance"
    assert content["items"][0]["gross"] == 2000
    assert issued.emailed


def test_what_was_sent_is_frozen(app: Any, make: Factory) -> None:
    issued = generate(make.application(user_id=make.user("Zoë 王"), fees=2000))
    make.settings(organisation="Renamed")
    [version] = rows_of(InvoiceVersion)
    assert (version.invoice_id, version.version, version.total) == (issued.invoice_id, 1, 2000)
    assert version.content["organisation"]["name"] == "Your office"
    assert version.content["bill_to"]["name"] == "Zoë 王"


def test_the_email_is_queued_once_with_the_invoice(app: Any, make: Factory) -> None:
    user = make.user(email="maria@example.org")
    issued = generate(make.application(user_id=user))
    [email] = emails()
    assert (email.kind, email.state, email.to_address) == ("invoice", "queued", "maria@example.org")
    assert (email.invoice_id, email.user_id) == (issued.invoice_id, user)


def test_history_tells_it_on_the_invoice_and_on_the_application(app: Any, make: Factory) -> None:
    application = make.application(fees=2000)
    issued = generate(application)
    [made] = rows_of(History, History.verb == "generate")
    assert (made.record, made.record_id, made.to_state) == ("invoice", issued.invoice_id, "sent")
    assert "$20.00" in made.sentence
    assert (made.actor_name, made.actor_kind) == (STAFF.name, "staff")
    [told] = rows_of(History, History.verb == "generate_invoice")
    assert (told.record, told.record_id) == ("application", application)


def test_history_never_names_the_customer(app: Any, make: Factory) -> None:
    generate(make.application(user_id=make.user("Unmistakable Name")))
    assert all("Unmistakable" not in row.sentence for row in rows_of(History))


@pytest.mark.parametrize("state", ["draft", "pending"])
def test_an_application_that_is_not_approved_is_refused(
    app: Any, make: Factory, state: str
) -> None:
    application = make.application(state=state)
    assert refusal_of(lambda: generate(application)).code == "application_not_approved"


def test_bad_input_is_refused_at_its_place(app: Any, make: Factory) -> None:
    application = make.application()
    yesterday = clock.today("UTC") - dt.timedelta(days=1)
    cases = [
        (lambda: generate(application, " \n "), "description_missing", "description"),
        (lambda: generate(application, "\x00"), "description_missing", "description"),
        (lambda: generate(application, "x" * 10_000), "description_too_long", "description"),
        (lambda: generate(application, due_on=yesterday), "due_in_past", "due_on"),
        (lambda: generate(application, due_on=dt.date(9999, 1, 1)), "due_too_far", "due_on"),
        (lambda: generate(10**9), "not_found", None),
    ]
    for verb, code, field in cases:
        refusal = refusal_of(verb)
        assert (refusal.code, refusal.field) == (code, field)


def test_the_longest_description_and_a_due_date_of_today_are_fine(app: Any, make: Factory) -> None:
    issued = generate(make.application(), "x" * 1000, clock.today("UTC"))
    assert fetch(Invoice, issued.invoice_id).due_on == clock.today("UTC")


def test_past_is_judged_by_the_offices_own_date(app: Any, make: Factory, time: Any) -> None:
    application = make.application()
    make.settings(timezone="Pacific/Kiritimati")
    time.set(dt.datetime(2027, 3, 1, 20, tzinfo=dt.UTC))  # already the 2nd in Kiritimati
    refusal = refusal_of(lambda: generate(application, due_on=dt.date(2027, 3, 1)))
    assert refusal.code == "due_in_past"


def test_nothing_outstanding_is_refused(app: Any, make: Factory, sandbox: Any) -> None:
    free = make.application(fees=0)
    assert refusal_of(lambda: generate(free)).code == "nothing_outstanding"
    paid = make.application(fees=2000)
    pay(generate(paid).invoice_id)
    assert refusal_of(lambda: generate(paid)).code == "nothing_outstanding"


def test_a_debt_is_invoiced_once_and_the_refusal_names_the_invoice(app: Any, make: Factory) -> None:
    application = make.application()
    number = generate(application).number
    refusal = refusal_of(lambda: generate(application))
    assert refusal.code == "already_invoiced"
    assert f"#{number}" in refusal.sentence


def test_a_user_without_email_gets_an_invoice_and_staff_hear_it(app: Any, make: Factory) -> None:
    user = make.user(email=None, no_email=True)
    issued = generate(make.application(user_id=user))
    assert issued.emailed is False
    assert emails() == []
    [told] = rows_of(History, History.verb == "announce")
    assert "no e-mail" in told.sentence
    assert fetch(Invoice, issued.invoice_id).state == "sent"


def test_fees_raised_later_are_invoiced_as_the_difference(app: Any, make: Factory) -> None:
    application = make.application(fees=2000)
    generate(application)
    raise_fees(application, 2600)
    assert fetch(Application, application).outstanding_balance == 2600
    second = generate(application)
    assert fetch(Invoice, second.invoice_id).total == 600
    assert second.number == 2


def test_a_deleted_invoice_frees_its_debt(app: Any, make: Factory) -> None:
    application = make.application(fees=2000)
    first = generate(application).invoice_id
    set_back_to_draft(first, reason="Mistake", actor=STAFF)
    assert refusal_of(lambda: generate(application)).code == "already_invoiced"
    invoicing.delete_invoice(first, actor=STAFF)
    assert fetch(Invoice, generate(application).invoice_id).total == 2000


def test_eight_at_once_make_one_invoice(app: Any, make: Factory) -> None:
    application = make.application(fees=2000)
    results = together(app, [lambda: generate(application)] * 8)
    assert {refusal.code for refusal in only_refusals(results)} == {"already_invoiced"}
    assert len([result for result in results if not isinstance(result, Refusal)]) == 1
    assert [row.number for row in rows_of(Invoice)] == [1]
    assert len(emails()) == 1


def test_two_applications_of_one_user_at_once_both_get_theirs(app: Any, make: Factory) -> None:
    user = make.user()
    applications = [make.application(user_id=user) for _ in range(4)]
    verbs = [partial(generate, application) for application in applications]
    assert only_refusals(together(app, verbs)) == []
    assert sorted(row.number for row in rows_of(Invoice)) == [1, 2, 3, 4]
