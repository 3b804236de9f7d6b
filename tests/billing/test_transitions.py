"""The tables of edges: every state against every verb, and every answer of the gateway."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from billing import attempts, in_person, invoicing, outcomes, redraft, refunds
from billing.actor import SYSTEM
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.gateway import Answer, Verdict
from billing.items import Line
from billing.transitions import EDGES, move
from messaging.drafts import Content, create_message
from models import Application, History, Invoice, Payment
from models.states import InvoiceState as I
from models.states import PaymentState as P
from models.states import Tender
from tests.billing.helpers import (
    SOFT_DECLINE,
    VISA,
    charge,
    debit_pending,
    keep,
    pay,
    refusal_of,
    rows_of,
    together,
)
from tests.support import STAFF, Factory, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox")


def invoice_in(state: str, make: Factory, sandbox: Any) -> int:
    """Bring a fresh invoice to ``state`` by the verbs that lead there."""
    if state == "pending":
        return debit_pending(make)
    user = make.user()
    keep(user)
    total = SOFT_DECLINE if state == "failed" else 2000
    start = "draft" if state in ("draft", "deleted") else "sent"
    invoice = make.invoice(user, total=total, state=start)
    if state == "deleted":
        invoicing.delete_invoice(invoice, actor=STAFF)
    if state == "paid":
        pay(invoice)
    if state == "failed":
        charge(invoice)
        sandbox.control("settings", {"amounts": "plain"})
    assert fetch(Invoice, invoice).state == state
    return invoice


def _balance(invoice: int) -> int:
    return int(fetch(Invoice, invoice).balance)


def _authorise(invoice: int) -> Any:
    balance = _balance(invoice)
    return in_person.authorise_card(
        invoice, nonce=VISA, amount=balance, shown_balance=balance, actor=STAFF
    )


def _cash(invoice: int) -> Any:
    balance = _balance(invoice)
    manual = in_person.Manual(Tender.CASH, balance)
    return in_person.process_manual(invoice, manual, shown_balance=balance, actor=STAFF)


def _edit(invoice: int) -> None:
    lines = [Line("Another line", 2000)]
    invoicing.edit_draft(invoice, description="Other", due_on=None, lines=lines, actor=STAFF)


def _redraft(invoice: int) -> None:
    redraft.set_back_to_draft(
        invoice, reason="Mistake", confirmed=True, switch_billing_method=True, actor=STAFF
    )


VERBS: dict[str, Callable[[int], Any]] = {
    "send": lambda invoice: invoicing.send_invoice(invoice, actor=STAFF),
    "pay": pay,
    "charge": charge,
    "authorise": _authorise,
    "process cash": _cash,
    "edit": _edit,
    "redraft": _redraft,
    "delete": lambda invoice: invoicing.delete_invoice(invoice, actor=STAFF),
}
# (from, verb) -> to; every pair that is missing must be refused.
ALLOWED = {
    ("draft", "send"): "sent",
    ("draft", "charge"): "paid",
    ("draft", "authorise"): "draft",
    ("draft", "process cash"): "paid",
    ("draft", "edit"): "draft",
    ("draft", "delete"): "deleted",
    ("sent", "send"): "sent",
    ("sent", "pay"): "paid",
    ("sent", "charge"): "paid",
    ("sent", "authorise"): "sent",
    ("sent", "process cash"): "paid",
    ("sent", "redraft"): "draft",
    ("failed", "send"): "failed",
    ("failed", "pay"): "paid",
    ("failed", "charge"): "paid",
    ("failed", "authorise"): "failed",
    ("failed", "process cash"): "paid",
    ("failed", "redraft"): "draft",
    ("pending", "redraft"): "draft",
}
STATES = [state.value for state in I]


@pytest.mark.parametrize(("state", "verb"), ALLOWED)
def test_an_allowed_verb_moves_along_the_table(
    app: Any, make: Factory, sandbox: Any, state: str, verb: str
) -> None:
    invoice = invoice_in(state, make, sandbox)
    VERBS[verb](invoice)
    assert fetch(Invoice, invoice).state == ALLOWED[state, verb]


@pytest.mark.parametrize("state", STATES)
def test_every_other_verb_is_refused_and_changes_nothing(
    app: Any, make: Factory, sandbox: Any, state: str
) -> None:
    invoice = invoice_in(state, make, sandbox)
    for name, verb in VERBS.items():
        if (state, name) not in ALLOWED:
            assert refusal_of(partial(verb, invoice)).sentence


def test_a_draft_that_is_paid_already_closes_when_it_is_sent(app: Any, make: Factory) -> None:
    invoice = make.invoice(total=2000)
    manual = in_person.Manual(Tender.CASH, 500)
    in_person.process_manual(invoice, manual, shown_balance=2000, actor=STAFF)
    redraft.set_back_to_draft(invoice, reason="Too much", actor=STAFF)
    lines = [Line("Less", 500)]
    invoicing.edit_draft(invoice, description="Less", due_on=None, lines=lines, actor=STAFF)
    assert invoicing.send_invoice(invoice, actor=STAFF).emailed is False
    assert fetch(Invoice, invoice).state == "paid"


@pytest.mark.parametrize("model", [Invoice, Payment, Application])
def test_move_refuses_every_edge_the_table_lacks(app: Any, make: Factory, model: type[Any]) -> None:
    makers: dict[str, Callable[[], int]] = {
        "Invoice": make.invoice,
        "Payment": lambda: _started(make)[0],
        "Message": lambda: create_message(Content("News", "Text"), actor=STAFF),
    }
    record_id = makers.get(model.__name__, make.application)()
    now = fetch(model, record_id).state
    states = type(now)
    for verb in {edge.verb for edge in EDGES[model]}:
        for target in states:
            known = any(
                edge.verb == verb and now in edge.sources and target in edge.targets
                for edge in EDGES[model]
            )
            if not known:
                refusal = refusal_of(partial(_move, model, record_id, verb, target))
                assert refusal.code == "not_allowed"


def test_every_move_writes_one_history_row_with_both_states(app: Any, make: Factory) -> None:
    invoice = make.invoice(state="draft")
    invoicing.send_invoice(invoice, actor=STAFF)
    moves = rows_of(History, History.record_id == invoice, History.to_state == "sent")
    assert [(row.verb, row.from_state, row.actor_name) for row in moves] == [
        ("send", "draft", STAFF.name)
    ]


def test_of_two_sessions_that_move_the_same_record_one_wins(app: Any, make: Factory) -> None:
    invoice = make.invoice(state="draft")
    verbs = [lambda: invoicing.delete_invoice(invoice, actor=STAFF)] * 2
    results = together(app, verbs)
    assert sorted(isinstance(result, Refusal) for result in results) == [False, True]
    deleted = rows_of(History, History.record_id == invoice, History.verb == "delete")
    assert len(deleted) == 1


def test_a_state_that_changed_behind_the_reader_is_not_overwritten(app: Any, make: Factory) -> None:
    invoice = make.invoice(state="draft")
    stale = fetch(Invoice, invoice)
    invoicing.delete_invoice(invoice, actor=STAFF)

    def delete() -> None:
        with transaction() as session:
            session.add(stale)
            move(session, stale, "delete", I.DELETED, STAFF, "Deleted")

    assert refusal_of(delete).code == "changed"


def _move(model: type[Any], record_id: int, verb: str, target: str) -> None:
    with transaction() as session:
        move(session, lock(session, model, record_id), verb, target, SYSTEM, "Tried")


# What the gateway may say of a payment in each state, and where that leads; else nothing moves.
OUTCOMES: dict[P, dict[P, P]] = {
    P.STARTED: {
        said: said
        for said in (
            P.AUTHORISED,
            P.PENDING,
            P.SUBMITTED,
            P.SETTLED,
            P.DECLINED,
            P.FAILED,
            P.VOIDED,
        )
    },
    P.AUTHORISED: {said: said for said in (P.SUBMITTED, P.SETTLED, P.DECLINED, P.VOIDED)},
    P.PENDING: {said: said for said in (P.SUBMITTED, P.SETTLED, P.DECLINED, P.VOIDED)},
    P.SUBMITTED: {P.SETTLED: P.SETTLED, P.DECLINED: P.DECLINED, P.VOIDED: P.VOIDED},
    P.SETTLED: {P.DECLINED: P.RETURNED, P.RETURNED: P.RETURNED},
    P.DECLINED: {said: said for said in (P.PENDING, P.SUBMITTED, P.SETTLED)},
    P.VOIDED: {said: said for said in (P.PENDING, P.SUBMITTED, P.SETTLED)},
    P.FAILED: {said: said for said in (P.PENDING, P.SUBMITTED, P.SETTLED)},
    P.RETURNED: {},
    P.REVERSED: {},
}
_WAYS = {
    P.RETURNED: (P.SETTLED, P.RETURNED),
    P.REVERSED: (),
    P.STARTED: (),
}


def _started(make: Factory, tender: Tender = Tender.CARD) -> tuple[int, int]:
    invoice_id = make.invoice()
    with transaction() as session:
        invoice = lock(session, Invoice, invoice_id)
        payment = attempts.start(session, invoice, invoice.balance_now, tender, STAFF)
        move(session, invoice, "charge", I.PENDING, STAFF, "Started")
        return payment.id, invoice_id


def _record(payment_id: int, said: P) -> None:
    with transaction() as session:
        outcomes.record(session, payment_id, Answer(Verdict.ACCEPTED, said), SYSTEM)


def _payment_in(state: P, make: Factory) -> int:
    if state is P.REVERSED:
        invoice = make.invoice()
        _cash(invoice)
        [payment] = payments_of(invoice)
        refunds.reverse_payment(payment.id, reason="Typing mistake", actor=STAFF)
        return int(payment.id)
    payment_id, _invoice = _started(make)
    for said in _WAYS.get(state, (state,)):
        _record(payment_id, said)
    assert fetch(Payment, payment_id).state is state
    return payment_id


@pytest.mark.parametrize("state", list(P), ids=str)
def test_every_answer_moves_a_payment_along_its_table(app: Any, make: Factory, state: P) -> None:
    for said in P:
        if said is P.REVERSED:
            continue
        payment = _payment_in(state, make)
        _record(payment, said)
        assert fetch(Payment, payment).state is OUTCOMES[state].get(said, state), said


@pytest.mark.parametrize("state", [P.SUBMITTED, P.SETTLED, P.DECLINED, P.VOIDED, P.FAILED])
def test_the_same_answer_twice_changes_no_state_and_writes_no_history(
    app: Any, make: Factory, state: P
) -> None:
    payment = _payment_in(state, make)
    before = rows_of(History)
    _record(payment, state)
    assert fetch(Payment, payment).state is state
    assert len(rows_of(History)) == len(before)
