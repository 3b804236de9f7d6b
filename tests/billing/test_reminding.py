"""Reminding: who can be reminded, once a day, and a letter that never says overdue too early."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from billing import clock
from billing.actions import invoice_actions
from billing.database import reading
from billing.in_person import Manual, process_manual
from billing.invoicing import delete_invoice
from billing.reminding import remind
from jobs.letters import Letter, render
from models import History, Invoice, OutgoingEmail
from models.states import Tender
from tests.billing.helpers import VISA, debit_pending, pay, refusal_of, rows_of, together
from tests.support import STAFF, Clock, Factory, emails, fetch

CASH = Manual(Tender.CASH, 500, 500)


def reminder_of(invoice_id: int) -> Letter:
    """Remind, and return the letter as it would be delivered now."""
    remind(invoice_id, actor=STAFF)
    with reading() as session:
        return render(session.get_one(OutgoingEmail, emails("reminder")[-1].id), session)


def today() -> dt.date:
    return clock.today("America/Los_Angeles")


@pytest.fixture(autouse=True)
def _office(make: Factory, time: Clock) -> None:
    make.settings(timezone="America/Los_Angeles", overdue_age=3)


def test_a_reminder_is_one_letter_and_one_line_of_history(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    before = len(rows_of(History))
    remind(invoice, actor=STAFF)
    (email,) = emails("reminder")
    assert email.invoice_id == invoice
    (row,) = rows_of(History)[before:]
    assert (row.verb, row.sentence) == ("remind", "Reminder of $20.00 queued")
    assert (row.actor_id, row.record_id) == (STAFF.id, invoice)


def test_once_a_day_is_enough(app: Any, make: Factory, time: Clock) -> None:
    invoice = make.invoice()
    remind(invoice, actor=STAFF)
    assert refusal_of(lambda: remind(invoice, actor=STAFF)).code == "reminded"
    time.advance(days=1)
    remind(invoice, actor=STAFF)
    assert len(emails("reminder")) == 2


def test_the_day_is_the_offices(app: Any, make: Factory, time: Clock) -> None:
    time.set(dt.datetime(2030, 3, 5, 7, 58, tzinfo=dt.UTC))
    invoice = make.invoice()
    remind(invoice, actor=STAFF)
    time.set(dt.datetime(2030, 3, 5, 8, 1, tzinfo=dt.UTC))
    remind(invoice, actor=STAFF)
    assert len(emails("reminder")) == 2


def test_who_presses_twice_at_once_sends_one(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    together(app, [lambda: remind(invoice, actor=STAFF)] * 4)
    assert len(emails("reminder")) == 1
    assert len(rows_of(History, History.verb == "remind")) == 1


def test_drafts_and_closed_invoices_are_refused(app: Any, make: Factory, sandbox: Any) -> None:
    draft = make.invoice(state="draft")
    assert refusal_of(lambda: remind(draft, actor=STAFF)).code == "draft"
    delete_invoice(draft, actor=STAFF)
    assert refusal_of(lambda: remind(draft, actor=STAFF)).code == "not_open"
    paid = make.invoice()
    pay(paid, VISA)
    assert refusal_of(lambda: remind(paid, actor=STAFF)).code == "not_open"
    assert refusal_of(lambda: remind(999_999, actor=STAFF)).code == "not_found"


def test_nobody_is_reminded_while_a_payment_is_on_its_way(
    app: Any, make: Factory, sandbox: Any
) -> None:
    invoice = debit_pending(make)
    assert refusal_of(lambda: remind(invoice, actor=STAFF)).code == "pending"


def test_without_an_email_it_is_refused(app: Any, make: Factory) -> None:
    user = make.user(email=None, no_email=True)
    invoice = make.invoice(user)
    assert refusal_of(lambda: remind(invoice, actor=STAFF)).code == "no_email"


def test_the_letter_asks_for_what_is_left_and_has_a_link(app: Any, make: Factory) -> None:
    invoice = make.invoice(due_on=today() + dt.timedelta(days=9))
    process_manual(invoice, payment=CASH, shown_balance=2000, actor=STAFF)
    letter = reminder_of(invoice)
    for words in (letter.html, letter.text):
        assert "$15.00" in words
        assert "/i/" in words
        assert "$5.00" not in words
    assert "$15.00" in letter.subject


@pytest.mark.parametrize(
    ("days", "said", "never"),
    [
        (-9, "overdue", "friendly"),
        (-4, "overdue", "friendly"),
        (-3, "Was due on", "overdue"),
        (0, "Due on", "overdue"),
        (5, "Due on", "overdue"),
        (None, "friendly", "overdue"),
    ],
)
def test_it_says_overdue_only_when_it_is(
    app: Any, make: Factory, time: Clock, days: int | None, said: str, never: str
) -> None:
    """Age 3: overdue from the fourth day after the due date, as everywhere else."""
    time.set(dt.datetime(2030, 3, 5, 20, 0, tzinfo=dt.UTC))
    due = dt.date(2030, 3, 5)
    invoice = make.invoice(due_on=due if days is not None else None)
    time.advance(days=-(days or 0))
    if days is not None and days > 0:
        time.set(dt.datetime(2030, 3, 5 - days + 1, 20, 0, tzinfo=dt.UTC))
    letter = reminder_of(invoice)
    for words in (letter.subject + letter.html, letter.subject + letter.text):
        assert said in words
        assert never not in words
        assert "past due" not in words.lower()


def test_money_that_came_meanwhile_is_not_asked_for(app: Any, make: Factory, sandbox: Any) -> None:
    invoice = make.invoice()
    remind(invoice, actor=STAFF)
    pay(invoice, VISA)
    with reading() as session:
        letter = render(session.get_one(OutgoingEmail, emails("reminder")[0].id), session)
    assert "has been paid in the meantime" in letter.text
    assert "Left to pay" not in letter.text


def test_the_button_stands_after_charge_and_says_why_not(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    remind(invoice, actor=STAFF)
    with reading() as session:
        actions = invoice_actions(session, session.get_one(Invoice, invoice))
    assert [action.label for action in actions][:3] == ["Resend", "Charge customer", "Remind"]
    assert actions[2].permission == "invoices.send"
    assert actions[2].why_not == "This user was reminded of it today. Once a day is enough."


def test_the_page_of_the_button(
    app: Any, make: Factory, staff_client: Callable[..., Any], post: Callable[..., Any]
) -> None:
    invoice = make.invoice()
    client = staff_client(["invoices.view", "invoices.send"])
    address = f"/admin/invoice/remind/letter/?id={invoice}"
    assert "$20.00" in client.get(address).text
    assert emails("reminder") == []
    assert post(client, address).status_code == 303
    assert len(emails("reminder")) == 1
    assert "Once a day is enough" in client.get(address).text
    assert staff_client(["invoices.view"]).get(address).status_code == 403


def test_the_page_is_bound_to_the_persons_sites(
    app: Any, make: Factory, staff_client: Callable[..., Any], post: Callable[..., Any]
) -> None:
    here, there = make.site(), make.site()
    invoice = make.invoice(site_id=there)
    client = staff_client(["invoices.view", "invoices.send"], (here,))
    assert post(client, f"/admin/invoice/remind/letter/?id={invoice}").status_code == 404
    assert emails("reminder") == []
    assert fetch(Invoice, invoice).state == "sent"
