"""The nightly run: who is charged, who is written to, what a preview says, and sudden deaths."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from billing import clock, in_person, nightly, rounds, runtime
from billing.billing_choice import set_billing_method
from billing.database import lock, transaction
from billing.redraft import set_back_to_draft
from billing.rounds import Result
from billing.settings import change_settings
from config import Config
from jobs import charges
from models import Invoice, InvoiceVersion, Payment, User
from models.states import BillingMethod, BillingTrigger
from tests.billing import night_process
from tests.billing.helpers import (
    HARD_DECLINE,
    SEPA,
    SOFT_DECLINE,
    charge,
    keep,
    only_refusals,
    reconcile,
    refusal_of,
    rows_of,
    together,
)
from tests.billing.nights import automatic_user, draft, expire, look, states, tonight
from tests.support import STAFF, Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")

AUTOMATIC = BillingTrigger.AUTOMATIC


def test_who_has_a_method_is_charged_and_nobody_writes(make: Factory, sandbox: Any) -> None:
    invoice = draft(make, automatic_user(make))
    assert tonight().sentence == "1 charged"
    assert states(invoice) == ["paid"]
    assert fetch(Invoice, invoice).number == 1
    assert [email.kind for email in emails()] == ["receipt"]
    assert len(rows_of(InvoiceVersion)) == len(sandbox.transactions()) == 1


def test_a_debit_is_on_its_way_after_the_run(make: Factory) -> None:
    user = automatic_user(make, method=False)
    keep(user, SEPA)
    invoice = draft(make, user)
    assert tonight().sentence == "1 charged"
    assert states(invoice) == ["pending"]


def test_who_can_not_be_charged_is_sent_the_invoice(make: Factory, sandbox: Any) -> None:
    by_invoice = automatic_user(make)
    set_billing_method(by_invoice, BillingMethod.INVOICE, actor=STAFF)
    expired = automatic_user(make)
    expire(expired)
    users = [by_invoice, expired, automatic_user(make, method=False)]
    invoices = [draft(make, user) for user in users]
    assert tonight().sentence == "3 sent"
    assert states(*invoices) == ["sent"] * 3
    assert [email.kind for email in emails()] == ["invoice"] * 3
    assert sandbox.transactions() == []


def test_one_without_email_is_issued_and_says_that_nothing_went_out(make: Factory) -> None:
    user = automatic_user(make, method=False, email=None, no_email=True)
    invoice = draft(make, user)
    assert tonight().sentence == "1 sent"
    assert states(invoice) == ["sent"]
    assert emails() == []


@pytest.mark.parametrize(
    ("office", "own", "taken"),
    [
        (AUTOMATIC, BillingTrigger.DEFAULT, True),
        (AUTOMATIC, BillingTrigger.MANUAL, False),
        (BillingTrigger.MANUAL, BillingTrigger.DEFAULT, False),
        (BillingTrigger.MANUAL, AUTOMATIC, True),
    ],
)
def test_the_trigger_decides(
    make: Factory, office: BillingTrigger, own: BillingTrigger, taken: bool
) -> None:
    change_settings({"billing_trigger": office.value}, STAFF)
    invoice = draft(make, automatic_user(make, billing_trigger=own))
    assert look().to_charge.count == int(taken)
    tonight()
    assert states(invoice) == ["paid" if taken else "draft"]
    if not taken:
        assert refusal_of(lambda: nightly.charge_or_send(invoice)).code == "manual"


def _empty(make: Factory, user: int) -> int:
    return draft(make, user, total=0)


def _set_back(make: Factory, user: int) -> int:
    invoice = make.invoice(user)
    set_back_to_draft(invoice, reason="x", actor=STAFF)
    return invoice


def _silent(make: Factory, user: int) -> int:
    invoice = draft(make, user)
    with transaction() as session:
        lock(session, Invoice, invoice).silent = True
    return invoice


def _erased(make: Factory, user: int) -> int:
    invoice = draft(make, user)
    with transaction() as session:
        lock(session, User, user).erased_at = clock.now()
    return invoice


@pytest.mark.parametrize("build", [_empty, _set_back, _silent, _erased])
def test_what_it_leaves_alone(
    make: Factory, sandbox: Any, build: Callable[[Factory, int], int]
) -> None:
    invoice = build(make, automatic_user(make))
    before = len(emails())
    assert tonight().sentence == "nothing to do"
    found = look()
    assert found.groups == ()
    assert (states(invoice), len(emails())) == (["draft"], before)
    refusal_of(lambda: nightly.charge_or_send(invoice))
    assert sandbox.transactions() == []


def test_what_is_open_already_is_not_taken_again(make: Factory, sandbox: Any) -> None:
    invoice = make.invoice(automatic_user(make))
    assert tonight().sentence == "nothing to do"
    assert refusal_of(lambda: nightly.charge_or_send(invoice)).code == "not_open"
    assert sandbox.transactions() == []


def test_a_run_counts_what_became_of_each_and_goes_on(make: Factory, sandbox: Any) -> None:
    user = automatic_user(make)
    held = draft(make, automatic_user(make))
    declined = [draft(make, user, SOFT_DECLINE), draft(make, user, HARD_DECLINE)]
    charged = [draft(make, user, 2000 + cents) for cents in range(3)]
    sent = draft(make, automatic_user(make, method=False))
    in_person.authorise_card(
        held, nonce="fake-valid-nonce", amount=2000, shown_balance=2000, actor=STAFF
    )
    assert tonight().sentence == "3 charged, 1 sent, 2 declined, 1 skipped"
    assert states(*declined, *charged, sent, held) == [
        *["failed"] * 2,
        *["paid"] * 3,
        "sent",
        "draft",
    ]
    assert fetch(Invoice, declined[0]).retry_on is not None
    assert fetch(Invoice, declined[1]).retry_on is None
    assert tonight().sentence == "1 skipped"


def test_one_that_breaks_does_not_stop_the_others(
    make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = automatic_user(make)
    invoices = [draft(make, user, 2000 + cents) for cents in range(3)]
    real = nightly.charge_or_send

    def sometimes(invoice_id: int) -> Result:
        if invoice_id == invoices[1]:
            raise ZeroDivisionError
        return real(invoice_id)

    monkeypatch.setattr(nightly, "charge_or_send", sometimes)
    assert tonight().sentence == "2 charged, 1 broken off"
    assert states(*invoices) == ["paid", "draft", "paid"]


def test_a_gateway_that_does_not_answer_ends_the_run_and_the_next_one_goes_on(
    make: Factory, sandbox: Any, time: Any
) -> None:
    user = automatic_user(make)
    invoices = [draft(make, user, 2000 + cents) for cents in range(7)]
    sandbox.fault("sale", "drop", "before", times=None)
    piece = tonight()
    assert piece.sentence == "5 unanswered; stopped after 5 in a row without an answer"
    sandbox.control("faults", method="DELETE")
    for minutes in (11, 5):
        time.advance(minutes=minutes)
        reconcile()
    assert states(*invoices) == ["draft"] * 7
    assert tonight().sentence == "7 charged"
    assert [len(payments_of(invoice)) for invoice in invoices] == [2] * 5 + [1] * 2


def test_a_request_the_gateway_refuses_is_told_to_staff(make: Factory) -> None:
    make.settings(email="office@example.org")
    user = automatic_user(make, method=False)
    make.payment_method(user, "the-gateway-forgot-it")
    invoice = draft(make, user)
    assert tonight().sentence == "1 failed"
    assert states(invoice) == ["draft"]
    [notice] = emails("staff_notice")
    assert "Nothing was charged" in notice.params["sentence"]
    assert notice.invoice_id == invoice


def test_a_run_is_done_in_pieces_that_add_up(
    make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = automatic_user(make)
    invoices = [draft(make, user, 2000 + cents) for cents in range(3)]
    monkeypatch.setattr(rounds, "PIECE", dt.timedelta(0))
    monkeypatch.setattr(rounds, "CHUNK", 2)
    first = nightly.run_nightly()
    assert (first.after, first.sentence) == (invoices[0], "1 charged so far")
    monkeypatch.undo()
    rest = nightly.run_nightly(first.after or 0, first.tally)
    assert (rest.after, rest.sentence) == (None, "3 charged")


@pytest.fixture
def asked(app: Any) -> Iterator[list[tuple[str, list[int]]]]:
    """The jobs that were asked for, instead of queueing them."""
    real = runtime.current()
    found: list[tuple[str, list[int]]] = []
    note = lambda name, ids: found.append((name, ids))  # noqa: E731
    runtime.bind(dataclasses.replace(real, enqueue=note))
    yield found
    runtime.bind(real)


def test_the_job_queues_its_next_piece_and_the_last_one_tells_the_sum(
    make: Factory, asked: list[tuple[str, list[int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = automatic_user(make)
    for cents in range(3):
        draft(make, user, 2000 + cents)
    failed = make.invoice(user, total=SOFT_DECLINE)
    charge(failed)
    with transaction() as session:
        lock(session, Invoice, failed).retry_on = clock.today("UTC")
    monkeypatch.setattr(rounds, "PIECE", dt.timedelta(0))
    said = []
    ids: list[int] = []
    for _ in range(4):
        asked.clear()
        said.append(charges.charge_tonight(ids))
        ids = dict(asked).get("charges.nightly", [])
    assert said == ["1 charged so far", "2 charged so far", "3 charged so far", "3 charged"]
    asked.clear()
    assert charges.charge_again([]) == "1 declined so far"
    assert charges.charge_again(dict(asked)["charges.retry"]) == "1 declined"


def test_two_runs_at_once_charge_each_once(app: Any, make: Factory, sandbox: Any) -> None:
    sandbox.control("settings", {"duplicate_checking": False})
    sandbox.fault("sale", "latency", "before", seconds=0.1, times=None)
    user = automatic_user(make)
    invoices = [draft(make, user) for _ in range(4)]
    only_refusals(together(app, [tonight] * 3))
    assert states(*invoices) == ["paid"] * 4
    assert len(sandbox.transactions()) == len(rows_of(Payment)) == 4


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_is_killed_and_begun_again_charges_nobody_twice(
    app: Any, config: Config, make: Factory, sandbox: Any, time: Any, when: str
) -> None:
    sandbox.control("settings", {"duplicate_checking": False})
    user = automatic_user(make)
    invoices = [draft(make, user, 2000 + cents) for cents in range(4)]
    sent = draft(make, automatic_user(make, method=False))
    process = night_process.begin(config, die=when, at=2)
    night_process.go(process)
    assert night_process.finish(process) == ""
    assert process.returncode == -9
    assert states(*invoices, sent) == ["paid", "pending", "draft", "draft", "draft"]
    again = night_process.begin(config)
    night_process.go(again)
    assert night_process.finish(again) == "2 charged, 1 sent"
    for _ in range(4):
        time.advance(minutes=6)
        reconcile()
    assert tonight().sentence == ("1 charged" if when == "before" else "nothing to do")
    assert states(*invoices, sent) == ["paid"] * 4 + ["sent"]
    amounts = sorted(transaction["amount"] for transaction in sandbox.transactions())
    assert amounts == ["20.00", "20.01", "20.02", "20.03"]
