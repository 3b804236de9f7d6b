"""The search for disputes: what no webhook announced is found, what is known is left alone."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

import pytest

from billing import clock, dispute_search, runtime
from billing.database import transaction
from billing.errors import GatewayError
from billing.rounds import Result
from models import Dispute, History, Invoice, Payment, StaffNotice
from sandbox.server import Server
from tests.billing.disputing import becomes, disputed, hear, settled, titles
from tests.billing.helpers import everything, rows_of
from tests.support import Factory, fetch

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def long_ago() -> dt.date:
    return clock.now().date() - dt.timedelta(days=30)


def search() -> str:
    return dispute_search.search(long_ago()).sentence


def stranger(sandbox: Any) -> str:
    """Have a sale disputed that the same account made for another system; return its id."""
    gateway: Any = runtime.current().gateway
    body = {
        "amount": "5.00",
        "payment_method_nonce": "fake-valid-nonce",
        "options": {"submit_for_settlement": True},
    }
    sale = str(gateway._own().transaction.sale(body).transaction.id)
    sandbox.advance(days=2)
    sandbox.control(f"transactions/{sale}/dispute-open")
    return sale


def test_an_opening_nobody_announced_is_found(app: Any, make: Factory, sandbox: Any) -> None:
    make.staff(["notices.receive"])
    invoice, payment, number = disputed(make, sandbox)
    assert search() == "1 changed"
    [dispute] = rows_of(Dispute)
    assert (dispute.gateway_id, dispute.state, dispute.payment_id) == (number, "open", payment)
    assert (dispute.amount, dispute.reason) == (2000, "fraud")
    assert (dispute.reply_by - dispute.opened_at.date()).days == 14
    for record, number_of in (("invoice", invoice), ("payment", payment), ("dispute", dispute.id)):
        about = (History.record == record, History.record_id == number_of)
        [row] = rows_of(History, *about, History.sentence.contains("disputed"))
        assert row.actor_kind == "system"
    before = everything()
    assert search() == "1 unchanged"
    assert everything() == before
    [notice] = rows_of(StaffNotice)
    assert (notice.kind, notice.payment_id) == ("dispute", payment)
    assert titles() == ["A payment is disputed"]


def test_one_that_was_lost_before_anybody_heard_of_it_is_found(
    app: Any, make: Factory, sandbox: Any
) -> None:
    make.settings(email="office@example.org")
    invoice, payment, _number = disputed(make, sandbox, "lost")
    assert search() == "1 changed"
    assert (fetch(Payment, payment).state, fetch(Invoice, invoice).state) == ("returned", "sent")
    assert titles() == ["A dispute was lost"]
    assert search() == "1 unchanged"


def test_lost_here_and_won_since_is_found(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(email="office@example.org")
    invoice, payment, number = disputed(make, sandbox, "lost")
    hear(sandbox_server, number, "dispute_lost")
    sandbox.advance(days=60)
    becomes(sandbox_server, number, "won")
    # Long after it was received: what counts is the day of the decision.
    recently = clock.now().date() + dt.timedelta(days=55)
    assert dispute_search.search(recently).sentence == "1 changed"
    back = fetch(Payment, payment)
    assert (back.state, back.unapplied) == ("settled", 2000)
    assert fetch(Invoice, invoice).state == "sent"
    assert titles()[-1] == "A lost dispute was won after all"
    assert search() == "1 unchanged"


def test_a_request_for_papers_takes_no_money_however_it_ends(
    app: Any, make: Factory, sandbox: Any
) -> None:
    make.settings(email="office@example.org")
    for end in ("lost", "expired", "accepted", "won"):
        invoice, payment, gateway_id = settled(make, sandbox)
        sandbox.control(f"transactions/{gateway_id}/dispute-open", {"kind": "retrieval"})
        sandbox.control(f"transactions/{gateway_id}/dispute-{end}")
        assert dispute_search.search(long_ago()).tally[Result.CHANGED] == 1
        assert (fetch(Payment, payment).state, fetch(Invoice, invoice).state) == ("settled", "paid")
    assert {(row.state, row.reason) for row in rows_of(Dispute)} == {("won", "retrieval")}
    assert titles() == ["A dispute has ended"] * 4


def test_more_time_and_another_amount_are_noticed(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    _invoice, _payment, number = disputed(make, sandbox)
    search()
    with sandbox_server.desk.writing() as opened:
        opened.db.execute("UPDATE disputes SET amount = 700 WHERE id = ?", (number,))
    assert search() == "1 unchanged"
    [dispute] = rows_of(Dispute)
    assert dispute.amount == 700
    about = (History.record == "dispute", History.record_id == dispute.id)
    assert len(rows_of(History, *about, History.verb == "correct")) == 1


def test_what_went_on_since_the_search_counts(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    _invoice, _payment, number = disputed(make, sandbox, "lost")
    [found] = runtime.current().gateway.changed_disputes(long_ago())
    becomes(sandbox_server, number, "won")
    dispute_search._look_at(*found)
    assert rows_of(Dispute)[0].state == "won"


@pytest.mark.parametrize("kind", ["status", "drop", "html"])
def test_a_gateway_that_does_not_answer_changes_nothing(
    app: Any, make: Factory, sandbox: Any, kind: str
) -> None:
    disputed(make, sandbox)
    before = everything()
    sandbox.fault("dispute", kind)
    with pytest.raises(GatewayError):
        search()
    assert everything() == before
    assert search() == "1 changed"


def test_one_without_an_answer_does_not_stop_the_others(
    app: Any, make: Factory, sandbox: Any
) -> None:
    payments = [disputed(make, sandbox)[1] for _ in range(3)]
    sandbox.fault("find", "status", order_id=fetch(Payment, payments[1]).reference)
    piece = dispute_search.search(long_ago())
    assert (piece.sentence, piece.in_vain) == ("2 changed, 1 unanswered", 1)
    assert sorted(row.payment_id for row in rows_of(Dispute)) == [payments[0], payments[2]]
    assert search() == "1 changed, 2 unchanged"


def test_a_gateway_that_falls_silent_is_left_alone(app: Any, make: Factory, sandbox: Any) -> None:
    for _ in range(6):
        disputed(make, sandbox)
    sandbox.fault("find", "status", times=None)
    assert search() == "5 unanswered; stopped after 5 in a row without an answer"
    assert rows_of(Dispute) == []
    sandbox.control("faults", method="DELETE")
    assert search() == "6 changed"


def test_a_dispute_of_another_system_is_only_logged(
    app: Any, make: Factory, sandbox: Any, caplog: pytest.LogCaptureFixture
) -> None:
    make.settings(email="office@example.org")
    sale = stranger(sandbox)
    before = everything()
    with caplog.at_level(logging.INFO, logger="billing.dispute_search"):
        assert search() == "1 unknown"
    assert f"is about {sale}, not ours" in caplog.text
    assert everything() == before
    assert titles() == []


def test_what_happened_before_the_day_is_not_looked_at(
    app: Any, make: Factory, sandbox: Any
) -> None:
    disputed(make, sandbox)
    later = clock.now().date() + dt.timedelta(days=10)
    assert dispute_search.search(later).sentence == "nothing to do"


def test_nobody_is_asked_inside_a_transaction(app: Any, sandbox: Any) -> None:
    with transaction(), pytest.raises(RuntimeError, match="inside a database transaction"):
        runtime.current().gateway.changed_disputes(long_ago())
