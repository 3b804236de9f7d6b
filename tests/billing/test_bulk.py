"""Bulk actions: the forecast agrees with the guards, is counted in SQL, and is what is done."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, insert

from billing import bulk_outcomes, clock, guards, reminding, runtime
from billing.actor import Actor
from billing.bulk import begin_run, forecast_rows
from billing.bulk_outcomes import CHARGE, LABEL, PDF, REMIND, SEND, VERBS, BulkVerb
from billing.charging import charge_customer
from billing.database import reading, transaction
from billing.errors import Refusal
from billing.in_person import Manual, process_manual
from billing.invoicing import delete_invoice, send_invoice
from billing.labelling import add_label
from models import BulkRow, BulkRun, History, Invoice, Label
from models.states import ActorKind, BulkResult, InvoiceState, Tender
from tests.billing.bulk_kinds import EVERYTHING, begin, every_kind, look, only
from tests.billing.helpers import VISA, keep, pay, refusal_of, rows_of
from tests.support import STAFF, Factory, fetch

GUARDS: dict[str, Callable[..., Refusal | None]] = {
    "send": guards.why_not_send,
    "charge": guards.why_not_charge,
    "remind": reminding.why_not_remind,
}


@contextmanager
def writes_and_reads() -> Iterator[list[str]]:
    """Collect every statement the heart sends meanwhile."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not re.match(r"BEGIN|COMMIT|SAVEPOINT|RELEASE", statement):
            seen.append(statement)

    engine = runtime.current().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def boss(make: Factory) -> Actor:
    """A member of staff who may do everything."""
    return Actor(ActorKind.STAFF, make.staff(), "Sam Staff", "127.0.0.1")


def outcomes(verb: BulkVerb, conditions: list[Any], **params: Any) -> dict[int, str]:
    with reading() as session:
        rows = forecast_rows(session, verb, conditions, params)
    return {row.id: row.outcome for row in rows}


def many(make: Factory, count: int, **values: Any) -> None:
    """Make ``count`` drafts at once, without the verbs."""
    user = make.user()
    row = {
        "user_id": user,
        "state": InvoiceState.DRAFT,
        "currency": "USD",
        "description": "Rent",
        "total": 2000,
        "created_at": clock.now(),
        **values,
    }
    with transaction() as session:
        session.execute(insert(Invoice), [row] * count)


# The forecast.


@pytest.mark.parametrize("name", list(GUARDS))
def test_what_sql_says_of_every_kind_is_what_the_guard_says(
    app: Any, make: Factory, sandbox: Any, name: str
) -> None:
    kinds = every_kind(make)
    verb = VERBS[name]
    said = outcomes(verb, EVERYTHING)
    reasons = set()
    for kind, invoice_id in kinds.items():
        with reading() as session:
            refusal = GUARDS[name](session, session.get_one(Invoice, invoice_id))
        outcome = said[invoice_id]
        if refusal is None:
            assert outcome in verb.goes, (kind, outcome)
        else:
            assert outcome == refusal.code, (kind, outcome)
            reasons.add(outcome)
    # No verb leaves a sent invoice without a balance: it is closed as paid.
    unseen = {"no_balance"} if verb is REMIND else set()
    assert reasons == set(verb.stays) - unseen, "a reason that no kind of invoice stands for"


@pytest.mark.parametrize("name", list(GUARDS))
def test_the_verb_itself_agrees(app: Any, make: Factory, sandbox: Any, name: str) -> None:
    """Also with rules that stand in the verb and not in its guard."""
    kinds = every_kind(make)
    said = outcomes(VERBS[name], EVERYTHING)
    for kind, invoice_id in kinds.items():
        refusal = _refused(name, invoice_id)
        if refusal is None:
            assert said[invoice_id] in VERBS[name].goes, kind
        else:
            assert said[invoice_id] == refusal.code, kind


def _refused(name: str, invoice_id: int) -> Refusal | None:
    balance = fetch(Invoice, invoice_id).balance
    try:
        if name == "send":
            send_invoice(invoice_id, actor=STAFF)
        elif name == "charge":
            charge_customer(invoice_id, shown_balance=balance, actor=STAFF)
        else:
            reminding.remind(invoice_id, actor=STAFF)
    except Refusal as refusal:
        return refusal
    return None


def test_a_draft_without_a_balance_and_people_without_email_are_told_apart(
    app: Any, make: Factory, sandbox: Any
) -> None:
    kinds = every_kind(make)
    said = outcomes(SEND, EVERYTHING)
    assert said[kinds["covered draft"]] == "close"
    assert said[kinds["draft"]] == "send"
    assert said[kinds["sent"]] == "resend"
    assert said[kinds["draft without e-mail"]] == "send_on_paper"
    assert said[kinds["of somebody erased"]] == "resend_on_paper"


def test_counts_and_sums_by_outcome(app: Any, make: Factory, sandbox: Any) -> None:
    user = make.user()
    keep(user)
    for total in (1000, 2500):
        make.invoice(user, total=total)
    make.invoice(total=700)
    found = look(CHARGE, EVERYTHING)
    assert [(each.code, each.count, each.amount) for each in found.outcomes] == [
        ("charge", 2, 3500),
        ("no_payment_method", 1, 700),
    ]
    assert (found.chosen, found.going, found.amount) == (3, 2, 3500)
    assert found.outcomes[1].words == "can't: no payment method on file"


def test_only_a_part_of_a_balance_that_was_paid_is_left_out(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    process_manual(invoice, Manual(Tender.CASH, 500, 500), shown_balance=2000, actor=STAFF)
    assert look(REMIND, EVERYTHING).amount == 1500


def test_labels_are_put_on_and_taken_off_where_that_changes_anything(
    app: Any, make: Factory
) -> None:
    label = make.add(Label(name="VIP", note=""))
    with_it, without, deleted = make.invoice(), make.invoice(), make.invoice(state="draft")
    add_label([with_it], label, actor=STAFF)
    delete_invoice(deleted, actor=STAFF)
    put_on = outcomes(LABEL, EVERYTHING, label=label, how="add")
    assert put_on == {with_it: "has_it", without: "add", deleted: "deleted"}
    taken_off = outcomes(LABEL, EVERYTHING, label=label, how="remove")
    assert taken_off == {with_it: "remove", without: "has_it_not", deleted: "deleted"}


def test_nothing_chosen_is_a_forecast_of_nothing(app: Any) -> None:
    found = look(SEND, only())
    assert (found.outcomes, found.chosen, found.going, found.amount) == ((), 0, 0, 0)


def test_a_forecast_of_two_thousand_takes_a_few_statements(app: Any, make: Factory) -> None:
    many(make, 2000)
    with writes_and_reads() as seen:
        found = look(PDF, EVERYTHING)
        outcomes(SEND, EVERYTHING)
    assert len(seen) <= 4
    assert found.too_many
    assert look(SEND, EVERYTHING).chosen == 2000


# Beginning.


def test_two_thousand_rows_are_made_in_a_few_statements(
    app: Any, make: Factory, boss: Actor
) -> None:
    make.add(Label(name="VIP", note=""))
    many(make, 2000)
    mark = look(LABEL, EVERYTHING, boss, label=1, how="add").mark
    with writes_and_reads() as seen:
        run = begin_run(LABEL, EVERYTHING, {"label": 1, "how": "add"}, mark=mark, actor=boss)
    assert len(seen) <= 12
    assert fetch(BulkRun, run).total == 2000
    assert len(rows_of(BulkRow, BulkRow.result == BulkResult.WAITING)) == 2000


def test_a_run_holds_what_goes_with_the_balance_that_was_seen(
    app: Any, make: Factory, sandbox: Any, boss: Actor
) -> None:
    kinds = every_kind(make)
    run = begin(CHARGE, EVERYTHING, boss)
    rows = {row.invoice_id: row.shown_balance for row in rows_of(BulkRow)}
    assert rows == {
        kinds[kind]: fetch(Invoice, kinds[kind]).balance
        for kind in (
            "draft of somebody with a card",
            "sent to somebody with a card",
            "partly paid",
            "failed",
            "of somebody erased",
            "card expires",
            "reminded today",
        )
    }
    (row,) = rows_of(History, History.record == "bulkrun")
    assert row.record_id == run
    assert re.fullmatch(r"Charge customer for 7 invoices, \$[\d,.]+ in all", row.sentence)


def test_what_changed_since_is_not_done(app: Any, make: Factory, sandbox: Any, boss: Actor) -> None:
    user = make.user()
    keep(user)
    invoice = make.invoice(user)
    mark = look(CHARGE, EVERYTHING, boss).mark
    process_manual(invoice, Manual(Tender.CASH, 1, 1), shown_balance=2000, actor=boss)
    again = lambda: begin_run(CHARGE, EVERYTHING, {}, mark=mark, actor=boss)  # noqa: E731
    assert refusal_of(again).code == "changed"
    make.invoice(user, total=1999)
    assert refusal_of(again).code == "changed"


@pytest.mark.parametrize("mark", ["", "0:", "0-0-0", "1-2000-999", "nonsense", "1-1-1"])
def test_a_made_up_mark_does_nothing(app: Any, make: Factory, boss: Actor, mark: str) -> None:
    make.invoice()
    refusal = refusal_of(lambda: begin_run(SEND, EVERYTHING, {}, mark=mark, actor=boss))
    assert refusal.code == "changed"


def test_when_everything_is_refused_nothing_begins(
    app: Any, make: Factory, sandbox: Any, boss: Actor
) -> None:
    pay(make.invoice(), VISA)
    assert refusal_of(lambda: begin(SEND, EVERYTHING, boss)).code == "nothing_to_do"
    assert refusal_of(lambda: begin(SEND, only(), boss)).code == "nothing_to_do"


def test_more_than_allowed_are_refused(app: Any, make: Factory, boss: Actor) -> None:
    many(make, PDF.most + 1)
    assert refusal_of(lambda: begin(PDF, EVERYTHING, boss)).code == "too_many"


def test_refused_ones_among_too_many_do_not_make_them_fewer(
    app: Any, make: Factory, boss: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = dataclasses.replace(SEND, most=2)
    monkeypatch.setitem(VERBS, few.name, few)
    monkeypatch.setattr(bulk_outcomes, "SEND", few)
    pay(make.invoice(), VISA)
    for _ in range(3):
        make.invoice()
    assert look(few, EVERYTHING).too_many
    assert refusal_of(lambda: begin(few, EVERYTHING, boss)).code == "too_many"


def test_a_label_that_is_gone_is_refused(app: Any, make: Factory, boss: Actor) -> None:
    make.invoice()
    params = {"label": 77, "how": "add"}
    refusal = refusal_of(lambda: begin(LABEL, EVERYTHING, boss, **params))
    assert (refusal.code, refusal.field) == ("no_label", "label")
