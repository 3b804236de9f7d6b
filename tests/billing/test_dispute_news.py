"""News of disputes: in any order, late, repeated, bare, forged; each has its effect once."""

from __future__ import annotations

import datetime as dt
import itertools
from functools import partial
from typing import Any

import pytest

from billing import disputes, notifications, reconciliation
from billing.actor import SYSTEM
from billing.errors import GatewayError
from billing.gateway import DisputeNews, ForgedNotification
from models import Dispute, GatewayNotification, History, Payment
from models.states import DisputeState
from sandbox.server import Server
from tests.billing.disputing import becomes, disputed, ends, hear, settled, titles
from tests.billing.helpers import everything, only_refusals, rows_of, signed_news, together
from tests.support import Clock, Factory, emails, fetch

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


@pytest.mark.parametrize("end", ["won", "lost"])
def test_news_in_any_order_and_repeated_ends_in_the_same_place(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server, end: str
) -> None:
    _invoice, payment, dispute = disputed(make, sandbox)
    becomes(sandbox_server, dispute, "under_review")
    becomes(sandbox_server, dispute, end)
    kinds = ["dispute_opened", "dispute_under_review", f"dispute_{end}"]
    news = [signed_news(sandbox_server, dispute, kind) for kind in kinds]
    first = None
    for order in itertools.permutations([*news, news[2]]):
        for each in order:
            notifications.process(notifications.receive(*each))
        first = first or ends()
        assert ends() == first
    assert rows_of(Dispute)[0].state == end
    assert fetch(Payment, payment).state == ("returned" if end == "lost" else "settled")
    moves = rows_of(History, History.record == "dispute", History.to_state == end)
    assert len(moves) == 1


STEPS = {
    "open": DisputeNews("d1", DisputeState.OPEN, 2000, "fraud", dt.date(2026, 12, 1)),
    "won": DisputeNews("d1", DisputeState.WON, 2000),
    "lost": DisputeNews("d1", DisputeState.LOST, 2000),
}


@pytest.mark.parametrize("end", ["won", "lost"])
def test_what_was_read_late_never_undoes_the_end(
    app: Any, make: Factory, sandbox: Any, end: str
) -> None:
    """Two workers may each have asked the gateway before the other wrote down what it said."""
    places = set()
    for order in sorted(set(itertools.permutations(["open", end, "open", end]))):
        _invoice, payment, _gateway_id = settled(make, sandbox)
        reconciliation.check_payment(payment)
        name = f"d{payment}"
        for step in order:
            said = DisputeNews(name, STEPS[step].state, 2000)
            disputes.record(payment, said, actor=SYSTEM)
        [dispute] = rows_of(Dispute, Dispute.gateway_id == name)
        places.add((dispute.state, fetch(Payment, payment).state))
    assert places == {(DisputeState(end), "settled" if end == "won" else "returned")}


def test_the_same_news_at_once_has_one_effect(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(email="office@example.org")
    _invoice, _payment, dispute = disputed(make, sandbox, "lost")
    ids = [
        notifications.receive(*signed_news(sandbox_server, dispute, kind))
        for kind in ("dispute_opened", "dispute_lost")
    ]
    results = together(app, [partial(notifications.process, n) for n in ids * 3])
    assert only_refusals(results) == []
    assert len(rows_of(Dispute)) == 1
    assert len(emails("staff_notice")) == 1


def test_more_time_is_written_down_while_it_is_open(app: Any, make: Factory, sandbox: Any) -> None:
    _invoice, payment, _gateway_id = settled(make, sandbox)
    disputes.record(payment, STEPS["open"], actor=SYSTEM)
    later = DisputeNews("d1", DisputeState.OPEN, 1500, "fraud", dt.date(2026, 12, 24))
    assert disputes.record(payment, later, actor=SYSTEM) is False
    [dispute] = rows_of(Dispute)
    assert (dispute.reply_by, dispute.amount) == (dt.date(2026, 12, 24), 1500)


def test_news_with_hardly_anything_in_it_is_kept_all_the_same(
    app: Any, make: Factory, sandbox: Any
) -> None:
    _invoice, payment, _gateway_id = settled(make, sandbox)
    bare = DisputeNews("bare", DisputeState.OPEN, reason="x" * 300)
    assert disputes.record(payment, bare, actor=SYSTEM)
    [dispute] = rows_of(Dispute)
    assert (dispute.amount, dispute.reply_by, len(dispute.reason)) == (2000, None, 80)


def test_news_waits_while_the_gateway_does_not_answer(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    _invoice, _payment, dispute = disputed(make, sandbox)
    news = notifications.receive(*signed_news(sandbox_server, dispute, "dispute_opened"))
    sandbox.fault("find", "status", status=500)
    with pytest.raises(GatewayError):
        notifications.process(news)
    assert rows_of(Dispute) == []
    assert notifications.waiting_notifications() == [news]
    notifications.process(news)
    assert len(rows_of(Dispute)) == 1


@pytest.mark.parametrize("forge", ["signature", "key", "three-parts"])
def test_forged_news_changes_nothing(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server, forge: str
) -> None:
    _invoice, _payment, dispute = disputed(make, sandbox, "lost")
    before = everything()
    with pytest.raises(ForgedNotification):
        notifications.receive(*signed_news(sandbox_server, dispute, "dispute_lost", forge))
    assert everything() == before


def test_a_dispute_of_an_unknown_payment_is_kept_as_news(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    from billing import runtime

    gateway: Any = runtime.current().gateway
    body = {
        "amount": "5.00",
        "payment_method_nonce": "fake-valid-nonce",
        "options": {"submit_for_settlement": True},
    }
    stranger = gateway._own().transaction.sale(body).transaction.id
    sandbox.advance(days=2)
    sandbox.control(f"transactions/{stranger}/dispute-open")
    dispute = sandbox.control("webhooks", method="GET")[0]["subject_id"]
    hear(sandbox_server, dispute, "dispute_opened")
    [row] = rows_of(GatewayNotification)
    assert (row.matched, row.gateway_id) == (False, stranger)
    assert rows_of(Dispute) == []


def test_a_dispute_that_is_lost_a_second_time_is_told_again(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server, time: Clock
) -> None:
    make.settings(email="office@example.org")
    _invoice, payment, dispute = disputed(make, sandbox, "lost")
    for status in ("lost", "won", "lost"):
        becomes(sandbox_server, dispute, status)
        hear(sandbox_server, dispute, f"dispute_{status}")
        sandbox.advance(days=1)
        time.advance(days=1)
    assert fetch(Payment, payment).state == "returned"
    assert titles() == [
        "A dispute was lost",
        "A lost dispute was won after all",
        "A dispute was lost",
    ]
