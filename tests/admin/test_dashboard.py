"""The dashboard: what needs attention, the numbers, the chart, the newest events."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from billing import charging, clock, invoicing, mailing
from billing.database import transaction
from billing.history import note
from billing.label_ends import delete_label
from models import Invoice, Label, OutgoingEmail, Payment, db
from models.states import EmailState, InvoiceState, PaymentState, Tender
from tests.billing.helpers import pay
from tests.conftest import Gateway
from tests.support import STAFF, Clock, Factory, emails, fetch

Build = Callable[..., FlaskClient]
PAGE = "/admin/"


def text_of(answer: Any) -> str:
    """The page's words, without its tags."""
    assert answer.status_code == 200
    body = answer.get_data(as_text=True)
    body = re.sub(r"<svg class=\"icon\".*?</svg>", "", body, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that reach the database meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


def overdue_invoice(make: Factory, **more: Any) -> int:
    """An invoice that was due ten days ago, in an office where that is overdue."""
    make.settings(overdue_age=0)
    invoice = make.invoice(**more)
    day = clock.now().date() - dt.timedelta(days=10)
    with transaction() as session:
        session.get_one(Invoice, invoice).overdue_on = day
    return invoice


def test_an_empty_office_is_told_how_to_begin(make: Factory, staff_client: Build) -> None:
    client = staff_client()
    shown = text_of(client.get(PAGE))
    assert "There are no applications and no invoices yet." in shown
    assert "Add a user" in shown
    make.user()
    shown = text_of(client.get(PAGE))
    assert "Open a user or a unit and choose Create invoice." in shown
    assert "choose Generate Invoice" in shown


def test_a_good_day(make: Factory, staff_client: Build) -> None:
    make.invoice(total=2000)
    answer = staff_client().get(PAGE)
    shown = text_of(answer)
    assert "Nothing needs attention right now." in shown
    assert "Outstanding on 1 invoice $20.00" in shown
    assert "Overdue $0.00" in shown
    assert 'class="overdue"' not in answer.get_data(as_text=True)


def test_overdue_says_how_many_how_much_and_since_when(make: Factory, staff_client: Build) -> None:
    overdue_invoice(make, total=2000)
    answer = staff_client().get(PAGE)
    since = clock.now().date() - dt.timedelta(days=10)
    shown = text_of(answer)
    assert f"1 invoice is overdue the oldest since {since:%b} {since.day}, {since.year}" in shown
    assert "Overdue $20.00" in shown
    assert "/admin/invoice/?state=overdue" in answer.get_data(as_text=True)
    assert 'class="overdue"' in answer.get_data(as_text=True)


def test_failed_charges(make: Factory, staff_client: Build) -> None:
    invoice = make.invoice()
    with transaction() as session:
        session.get_one(Invoice, invoice).state = InvoiceState.FAILED
    shown = text_of(staff_client().get(PAGE))
    assert "1 charge failed the reason is on each invoice $20.00" in shown


def test_an_undelivered_email(make: Factory, staff_client: Build) -> None:
    make.invoice()
    (email,) = [row.id for row in emails()]
    mailing.claim_email(email)
    mailing.record_failure(email, "No such mailbox", final=True)
    assert fetch(OutgoingEmail, email).state is EmailState.FAILED
    assert "1 e-mail could not be delivered" in text_of(staff_client().get(PAGE))
    assert "delivered" not in text_of(staff_client(["dashboard.view"]).get(PAGE))


def test_an_email_the_mail_server_does_not_take(
    make: Factory, staff_client: Build, time: Clock
) -> None:
    make.invoice()
    [email] = [row.id for row in emails()]
    mailing.claim_email(email)
    mailing.record_failure(email, "The mail server could not be reached", final=False)
    client = staff_client()
    assert "not got out" not in text_of(client.get(PAGE))
    time.advance(minutes=16)
    shown = client.get(PAGE)
    assert "1 e-mail has not got out yet we keep trying; the reason is on each" in text_of(shown)
    assert "/admin/outgoingemail/?state=queued" in shown.get_data(as_text=True)
    assert "not got out" not in text_of(staff_client(["dashboard.view"]).get(PAGE))


def test_a_payment_without_an_answer(
    make: Factory, staff_client: Build, sandbox: Gateway, time: Clock
) -> None:
    invoice = make.invoice()
    sandbox.fault("sale", "drop", "after")
    attempt = charging.pay_invoice(
        invoice, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF
    )
    assert attempt.outcome == "unknown"
    client = staff_client()
    assert "no answer yet" not in text_of(client.get(PAGE))
    time.advance(minutes=5)
    assert fetch(Payment, attempt.payment_id).state is PaymentState.STARTED
    assert "1 payment has no answer yet" in text_of(client.get(PAGE))


def test_money_no_invoice_has_used(make: Factory, staff_client: Build) -> None:
    user = make.user()
    make.invoice(user)
    payment = make.add(
        Payment(
            user_id=user,
            tender=Tender.CASH,
            state=PaymentState.SETTLED,
            amount=5000,
            allocated=0,
            refunded=1000,
            currency="USD",
            reference="cf-1",
            started_at=clock.now(),
            collected_at=clock.now(),
        )
    )
    answer = staff_client().get(PAGE)
    shown = text_of(answer)
    assert "1 payment is not fully used" in shown
    assert "$40.00" in shown
    assert f"/admin/payment/details/?id={payment}" in answer.get_data(as_text=True)


def test_the_chart_and_its_table_show_the_same_honest_numbers(
    make: Factory, staff_client: Build
) -> None:
    user = make.user()
    make.invoice(user)
    now = clock.now()
    for number, (weeks, amount, state) in enumerate(
        [
            (0, 1000, PaymentState.SETTLED),
            (0, 500, PaymentState.SUBMITTED),
            (3, 6000, PaymentState.SETTLED),
            (3, 9900, PaymentState.RETURNED),
            (20, 7700, PaymentState.SETTLED),
        ]
    ):
        moment = now - dt.timedelta(weeks=weeks)
        make.add(
            Payment(
                user_id=user,
                tender=Tender.CASH,
                state=state,
                amount=amount,
                allocated=amount,
                refunded=0,
                currency="USD",
                reference=f"cf-{number}",
                started_at=moment,
                collected_at=moment,
            )
        )
    answer = staff_client().get(PAGE)
    shown = text_of(answer)
    body = answer.get_data(as_text=True)
    assert "up to $60.00 a week" in shown
    chart = body[body.index('class="chart"') :]
    heights = [int(found) for found in re.findall(r'<rect [^>]*height="(\d+)"', chart)][:12]
    assert heights == [0, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 25]
    assert "so far $15.00" in shown
    assert "$77.00" not in shown
    assert "style=" not in body
    assert "Received this month $" in shown


def test_the_newest_events_lead_to_what_they_are_about(make: Factory, staff_client: Build) -> None:
    application = make.application()
    issued = invoicing.generate_invoice(application, description="Dogs", due_on=None, actor=STAFF)
    answer = staff_client().get(PAGE)
    assert "Invoice #1 : E-mail with the link queued" in text_of(answer)
    assert f"/admin/invoice/details/?id={issued.invoice_id}" in answer.get_data(as_text=True)
    assert "What happened last" not in text_of(staff_client(["dashboard.view"]).get(PAGE))


def test_an_event_about_a_deleted_label_leads_nowhere(make: Factory, staff_client: Build) -> None:
    here, gone = make.add(Label(name="Here")), make.add(Label(name="Gone"))
    payment = pay(make.invoice()).payment_id
    with transaction() as session:
        for key in (here, gone):
            note(session, session.get_one(Label, key), "edit", "Changed", STAFF)
    delete_label(gone, actor=STAFF)
    for client in (staff_client(), staff_client(["dashboard.view", "history.view"])):
        shown = client.get(PAGE).text
        assert f"/admin/label/details/?id={gone}" not in shown
        assert f">Payment #{payment}<" in shown or f"Payment #{payment}:" in shown
    page = staff_client().get(PAGE)
    assert f'<a href="/admin/label/details/?id={here}">Here</a>' in page.text
    assert "Label: Changed" in text_of(page)


def test_another_sites_records_are_neither_counted_nor_told(
    make: Factory, staff_client: Build
) -> None:
    mine, other = make.site(), make.site()
    overdue_invoice(make, total=7700, site_id=other)
    make.invoice(total=2000, site_id=mine)
    shown = text_of(staff_client(sites=(mine,)).get(PAGE))
    assert "Outstanding on 1 invoice $20.00" in shown
    assert "Nothing needs attention" in shown
    assert "$77.00" not in shown
    assert "Invoice #1 " not in shown
    assert "Invoice #2 " in shown
    assert "1 invoice is overdue" in text_of(staff_client(sites=(other,)).get(PAGE))


def test_it_takes_eight_statements_however_much_there_is(
    app: Flask, make: Factory, staff_client: Build
) -> None:
    client = staff_client()
    counts = []
    for _ in range(2):
        for _ in range(3):
            overdue_invoice(make, user_id=make.user())
            make.application()
        with counted() as seen:
            assert client.get(PAGE).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 8, "\n".join(seen)


def test_who_may_not_see_it_is_led_to_what_they_may(
    make: Factory, staff_client: Build, client: FlaskClient
) -> None:
    assert staff_client(["invoices.view"]).get(PAGE).location == "/admin/invoice/"
    assert staff_client([]).get(PAGE).status_code == 403
    assert "/admin/login" in client.get(PAGE).location


@pytest.mark.parametrize("permission", ["invoices.view", "payments.view", "emails.view"])
def test_each_part_needs_its_permission(
    make: Factory, staff_client: Build, permission: str
) -> None:
    overdue_invoice(make)
    shown = text_of(staff_client(["dashboard.view", permission]).get(PAGE))
    assert ("Outstanding on" in shown) == (permission == "invoices.view")
    assert ("Received this month" in shown) == (permission == "payments.view")
