"""Bulk actions carried out: by the single verbs, each invoice once, whatever dies on the way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from billing import bulk_turns, charging
from billing.actor import Actor
from billing.bulk import stop_run
from billing.bulk_outcomes import CHARGE, LABEL, PDF, REMIND, SEND
from billing.database import reading, transaction
from billing.proof import verify
from billing.redraft import set_back_to_draft
from jobs import bulk_actions
from jobs.schedule import TIMETABLE
from jobs.work import JOBS
from models import BulkRow, BulkRun, History, Invoice, Label, User
from models.states import ActorKind, BillingMethod
from tests.billing.bulk_kinds import EVERYTHING, begin
from tests.billing.helpers import HARD_DECLINE, keep, pay, reconcile, rows_of
from tests.documents.pdf_reader import read
from tests.support import Clock, Factory, emails, fetch, payments_of


@pytest.fixture
def boss(make: Factory) -> Actor:
    return Actor(ActorKind.STAFF, make.staff(), "Sam Staff", "127.0.0.1")


def results(run: int) -> dict[int, tuple[str, str]]:
    rows = rows_of(BulkRow, BulkRow.run_id == run)
    return {row.invoice_id: (row.result.value, row.sentence) for row in rows}


def with_card(make: Factory, count: int, total: int = 2000) -> list[int]:
    user = make.user()
    keep(user)
    return [make.invoice(user, total=total) for _ in range(count)]


def sales_of(invoice: int, sandbox: Any) -> int:
    """How many times the gateway was asked for this invoice's money."""
    references = [payment.reference for payment in payments_of(invoice)]
    return sum(len(sandbox.transactions(reference)) for reference in references)


def test_the_jobs_are_known_and_the_sweep_is_in_the_timetable() -> None:
    assert {"bulk.run", "bulk.sweep"} <= set(JOBS)
    assert "bulk.sweep" in {entry.name for entry in TIMETABLE}


# Each verb.


def test_sending_is_the_single_verb_for_each(app: Any, make: Factory, boss: Actor) -> None:
    draft = make.invoice(state="draft")
    paper = make.invoice(make.user(email=None, no_email=True), state="draft")
    sent = make.invoice()
    run = begin(SEND, EVERYTHING, boss)
    assert bulk_actions.run([run]) == "3 invoices done"
    assert results(run) == {
        draft: ("done", "Sent."),
        paper: ("done", "Issued; nothing was e-mailed."),
        sent: ("done", "Sent."),
    }
    assert fetch(Invoice, draft).number is not None
    assert {email.kind for email in emails()} == {"invoice", "invoice_again"}
    (row,) = rows_of(History, History.record_id == draft, History.verb == "send")
    assert (row.actor_id, row.actor_name, row.ip) == (boss.id, "Sam Staff", "127.0.0.1")
    assert fetch(BulkRun, run).finished_at is not None


def test_charging_tells_the_bank_and_our_own_rules_apart(
    app: Any, make: Factory, sandbox: Any, boss: Actor
) -> None:
    (good,) = with_card(make, 1)
    (declined,) = with_card(make, 1, HARD_DECLINE)
    (changed,) = with_card(make, 1)
    (switched,) = with_card(make, 1)
    run = begin(CHARGE, EVERYTHING, boss)
    charging.charge_customer(changed, amount=500, shown_balance=2000, actor=boss)
    with transaction() as session:
        user = session.get_one(Invoice, switched).user
        session.get_one(User, user.id).billing_method = BillingMethod.INVOICE
    bulk_actions.run([run])
    found = results(run)
    assert found[good] == ("done", "$20.00 charged.")
    assert found[declined][0] == "declined"
    assert found[declined][1].startswith("Declined: ")
    assert found[changed][0] == "refused"
    assert "$15.00 is to pay now" in found[changed][1]
    assert found[switched][0] == "refused"
    assert fetch(Invoice, good).state == "paid"
    assert len(emails("receipt")) == 2
    assert len(emails("payment_failed")) == 1
    assert verify() == []


@pytest.mark.parametrize("verb", [CHARGE, SEND])
def test_what_staff_set_back_after_it_was_confirmed_is_left_alone(
    app: Any, make: Factory, sandbox: Any, boss: Actor, verb: Any
) -> None:
    """Also once it was edited: the run is of what staff saw. What was a draft then is done."""
    (before,), (after,) = with_card(make, 1), with_card(make, 1)
    set_back_to_draft(before, reason="Wrong items", actor=boss)
    run = begin(verb, EVERYTHING, boss)
    set_back_to_draft(after, reason="Wrong customer", actor=boss)
    bulk_actions.run([run])
    assert results(run)[before][0] == "done"
    assert results(run)[after] == (
        "refused",
        "This invoice was set back to draft: a person decides.",
    )
    assert fetch(Invoice, after).state == "draft"
    assert payments_of(after) == []


def test_a_charge_nobody_answers_is_unknown_until_it_is_looked_up(
    app: Any, make: Factory, sandbox: Any, boss: Actor, time: Clock
) -> None:
    (invoice,) = with_card(make, 1)
    run = begin(CHARGE, EVERYTHING, boss)
    sandbox.fault("sale", "drop", "after")
    bulk_actions.run([run])
    assert results(run)[invoice][0] == "unknown"
    assert fetch(BulkRun, run).finished_at is not None
    assert bulk_actions.sweep([]) == "0 runs looked after, 0 invoices known now"
    time.advance(minutes=2)
    reconcile()
    bulk_actions.sweep([])
    assert results(run)[invoice] == ("done", "$20.00 charged.")
    assert len(sandbox.transactions()) == 1


def test_reminding_each(app: Any, make: Factory, boss: Actor) -> None:
    invoices = [make.invoice() for _ in range(2)]
    run = begin(REMIND, EVERYTHING, boss)
    bulk_actions.run([run])
    assert set(results(run).values()) == {("done", "Reminder queued.")}
    assert [email.invoice_id for email in emails("reminder")] == invoices


@pytest.mark.parametrize(
    ("how", "sentence"), [("add", "Label put on."), ("remove", "Label taken off.")]
)
def test_labelling_in_chunks(
    app: Any, make: Factory, boss: Actor, how: str, sentence: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(bulk_actions, "LABELS_AT_ONCE", 2)
    label = make.add(Label(name="VIP", note=""))
    invoices = [make.invoice() for _ in range(5)]
    if how == "remove":
        bulk_actions.run([begin(LABEL, EVERYTHING, boss, label=label, how="add")])
    run = begin(LABEL, EVERYTHING, boss, label=label, how=how)
    bulk_actions.run([run])
    assert set(results(run).values()) == {("done", sentence)}
    with reading() as session:
        labelled = [bool(session.get_one(Invoice, each).labels) for each in invoices]
    assert labelled == [how == "add"] * 5
    written = rows_of(History, History.verb == "label")
    assert Counter(row.record_id for row in written) == Counter(
        invoices * (2 if how == "remove" else 1)
    )


def test_one_file_of_all_invoices(app: Any, make: Factory, sandbox: Any, boss: Actor) -> None:
    invoices = [make.invoice(description=f"Dog number {number}") for number in range(3)]
    pay(invoices[1])
    draft = make.invoice(state="draft", description="A draft of a cat")
    run = begin(PDF, EVERYTHING, boss)
    bulk_actions.run([run])
    assert set(results(run).values()) == {("done", "In the file.")}
    with reading() as session:
        made = session.get_one(BulkRun, run)
        file, name = made.file, made.file_name
    assert name == f"invoices-{run}.pdf"
    text = read(file or b"").text
    for number in range(3):
        assert f"Dog number {number}" in text
    assert "A draft of a cat" in text
    assert text.count("Counterfoil") >= 4
    assert "Paid in full" in text
    assert fetch(Invoice, draft).number is None


def test_a_file_that_cannot_be_made_says_so(
    app: Any, make: Factory, boss: Actor, monkeypatch: Any
) -> None:
    def broken(*_: Any, **__: Any) -> bytes:
        raise ValueError("no ink")

    make.invoice()
    run = begin(PDF, EVERYTHING, boss)
    monkeypatch.setattr(bulk_actions, "invoices_pdf", broken)
    bulk_actions.run([run])
    assert set(results(run).values()) == {("failed", bulk_actions.BROKE)}
    assert fetch(BulkRun, run).finished_at is not None


@pytest.mark.parametrize("drawn", [1, 2, 3])
def test_a_file_is_not_half_made(
    app: Any, make: Factory, boss: Actor, monkeypatch: Any, drawn: int
) -> None:
    monkeypatch.setattr(bulk_actions, "PAPERS_AT_ONCE", 1)
    for _ in range(3):
        make.invoice()
    run = begin(PDF, EVERYTHING, boss)
    real = bulk_turns.keep_on
    calls: list[int] = []

    def keep_on(turn: Any, reports: Any) -> bool:
        calls.append(1)
        if len(calls) == drawn:
            stop_run(run, actor=boss)
        return real(turn, reports)

    monkeypatch.setattr(bulk_turns, "keep_on", keep_on)
    bulk_actions.run([run])
    assert {result for result, _ in results(run).values()} == {"stopped"}
    with reading() as session:
        assert session.get_one(BulkRun, run).file is None
    assert fetch(BulkRun, run).finished_at is not None
