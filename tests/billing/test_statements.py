"""Statements: what one person owes now, whole or for one unit, and their letter."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import pytest

from billing import statements
from billing.crediting import credit_invoice
from billing.database import reading, transaction
from billing.in_person import Manual, process_manual
from billing.statements import Statement
from documents import statement_pdf
from jobs.letters import render
from models import History, Invoice, OutgoingEmail, Unit, User
from models.states import Tender
from tests.billing.helpers import debit_pending, pay, refusal_of, rows_of
from tests.documents.pdf_reader import read
from tests.support import STAFF, Factory, emails, fetch

pytestmark = pytest.mark.usefixtures("sandbox")


def statement(user: int, unit: int | None = None, **more: Any) -> Statement:
    with reading() as session:
        about = session.get_one(Unit, unit) if unit else None
        return statements.statement_of(session, session.get_one(User, user), about, **more)


def numbers(found: Statement) -> list[int]:
    return [row.invoice.id for row in found.rows]


def test_it_lists_what_is_owed_the_oldest_first(app: Any, make: Factory) -> None:
    user = make.user()
    late = make.invoice(user, total=3000, due_on=dt.date(2030, 6, 1))
    soon = make.invoice(user, total=1000, due_on=dt.date(2030, 1, 1))
    make.invoice(user, total=500, state="draft")
    make.invoice(make.user(), total=700)
    pay(make.invoice(user, total=900))
    found = statement(user)
    assert numbers(found) == [soon, late]
    assert (found.owed, found.to_pay, found.in_flight, found.overdue) == (4000, 4000, 0, 0)


def test_the_sums_count_what_has_no_row(
    app: Any, make: Factory, time: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.settings(overdue_age=0)
    monkeypatch.setattr(statements, "MOST", 1)
    user = make.user()
    for total in (1000, 200, 30):
        make.invoice(user, total=total)
    time.advance(days=2)
    found = statement(user)
    assert len(found.rows) == 1
    assert (found.owed, found.in_flight, found.overdue) == (1230, 0, 1230)


def test_what_is_being_collected_is_not_asked_for(app: Any, make: Factory) -> None:
    pending = debit_pending(make)
    found = statement(fetch(Invoice, pending).user_id)
    assert [row.in_flight for row in found.rows] == [True]
    assert (found.owed, found.in_flight, found.to_pay) == (2000, 2000, 0)


def test_what_is_overdue_is_marked_by_the_one_rule(app: Any, make: Factory, time: Any) -> None:
    make.settings(overdue_age=0)
    user = make.user()
    make.invoice(user, total=1000)
    assert statement(user).overdue == 0
    time.advance(days=2)
    assert statement(user).overdue == 1000


def test_a_part_that_was_paid_is_taken_off(app: Any, make: Factory) -> None:
    user = make.user()
    invoice = make.invoice(user, total=2000)
    in_cash(invoice, 500)
    (row,) = statement(user).rows
    assert (row.invoice.total, row.paid, row.invoice.balance) == (2000, 500, 1500)


def test_what_was_credited_stands_apart_from_what_was_paid(app: Any, make: Factory) -> None:
    user = make.user()
    invoice = make.invoice(user, total=10000)
    in_cash(invoice, 4000)
    credit_invoice(invoice, amount=1000, shown_balance=6000, reason="Goodwill", actor=STAFF)
    make.invoice(user, total=2500)
    found = statement(user)
    for row in found.rows:
        assert row.invoice.total - row.paid - row.credited == row.invoice.balance
    row = next(row for row in found.rows if row.invoice.id == invoice)
    assert (row.paid, row.credited, row.invoice.balance) == (4000, 1000, 5000)
    assert found.owed == 7500
    statements.email_statement(user, actor=STAFF)
    (queued,) = emails("statement")
    with reading() as session:
        letter = render(session.get_one(OutgoingEmail, queued.id), session)
    assert "$50.00 of $100.00 ($40.00 paid, $10.00 credited)" in letter.text
    assert all(said in letter.html for said in ("Credited", "−$10.00", "−$40.00"))
    (attached,) = letter.attachments
    drawn = read(attached.data).text
    assert all(said in drawn for said in ("Credited", "−$10.00", "−$40.00", "$50.00"))


def test_without_a_credit_nobody_reads_of_one(app: Any, make: Factory) -> None:
    user = make.user()
    in_cash(make.invoice(user, total=2000), 500)
    found = statement(user)
    assert [row.credited for row in found.rows] == [0]
    with reading() as session:
        drawn = read(statement_pdf(session, found)).text
    assert "−$5.00" in drawn
    assert "Credited" not in drawn


def in_cash(invoice: int, amount: int) -> None:
    shown = fetch(Invoice, invoice).balance
    process_manual(invoice, Manual(Tender.CASH, amount), shown_balance=shown, actor=STAFF)


def test_each_owes_for_a_unit_apart_from_the_others(app: Any, make: Factory) -> None:
    site = make.site()
    unit = make.unit(site, "A 12")
    former, present = make.user("Former Tenant"), make.user("Present Tenant")
    billable = fetch(Unit, unit).billable_id
    for user in (former, present):
        invoice = make.invoice(user, total=1000, site_id=site)
        about(invoice, billable)
    elsewhere = make.invoice(former, total=400)
    with reading() as session:
        owing = statements.owing_for(session, session.get_one(Unit, unit))
    assert [user.id for user in owing] == [former, present]
    assert statement(former, unit).owed == 1000
    assert elsewhere not in numbers(statement(former, unit))
    assert statement(former).owed == 1400


def about(invoice: int, billable: int) -> None:
    with transaction() as session:
        session.get_one(Invoice, invoice).billable_id = billable


def test_other_sites_can_be_left_out(app: Any, make: Factory) -> None:
    here, there = make.site(), make.site()
    user = make.user()
    mine = make.invoice(user, site_id=here)
    make.invoice(user, site_id=there)
    assert numbers(statement(user, site_ids=[here])) == [mine]


def test_the_letter_tells_how_things_stand_when_it_is_written(app: Any, make: Factory) -> None:
    user = make.user("Maria Alvarez")
    first, second = make.invoice(user, total=1000), make.invoice(user, total=2500)
    address = statements.email_statement(user, actor=STAFF)
    assert address == fetch(User, user).email
    pay(first)
    (row,) = emails("statement")
    with reading() as session:
        letter = render(session.get_one(OutgoingEmail, row.id), session)
    assert letter.subject == "Your statement: $25.00 to pay"
    assert f"Invoice #{fetch(Invoice, second).number}" in letter.text
    assert f"Invoice #{fetch(Invoice, first).number}," not in letter.text
    (attached,) = letter.attachments
    words = read(attached.data).text
    assert "Maria Alvarez" in words
    assert "$25.00" in words
    noted = [each.sentence for each in rows_of(History, History.verb == "statement")]
    assert noted == ["Statement sent by e-mail"]


def test_each_asked_for_statement_is_a_letter_of_its_own(app: Any, make: Factory) -> None:
    user = make.user()
    make.invoice(user)
    for _ in range(2):
        statements.email_statement(user, actor=STAFF)
    assert len(emails("statement")) == 2


def test_what_can_not_be_sent_is_refused(app: Any, make: Factory) -> None:
    silent, quits = make.user(email=None, no_email=True), make.user()
    make.invoice(silent)
    for user, code in ((silent, "no_email"), (quits, "nothing")):
        refused = refusal_of(partial(statements.email_statement, user, actor=STAFF))
        assert refused.code == code
    assert emails("statement") == []


def test_a_letter_after_everything_was_paid_says_thank_you(app: Any, make: Factory) -> None:
    user = make.user()
    invoice = make.invoice(user)
    statements.email_statement(user, actor=STAFF)
    pay(invoice)
    (row,) = emails("statement")
    with reading() as session:
        letter = render(session.get_one(OutgoingEmail, row.id), session)
    assert letter.subject == "Your statement: nothing to pay"
    assert "Nothing is open any more" in letter.text
