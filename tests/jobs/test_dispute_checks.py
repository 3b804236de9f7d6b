"""The daily look at open disputes: what no webhook told is found all the same."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from billing import clock, disputes, notifications, rounds, runtime
from billing.actor import SYSTEM
from billing.gateway import DisputeNews
from jobs import work
from jobs.schedule import TIMETABLE
from models import Dispute, Invoice, Payment
from models.states import DisputeState
from sandbox.server import Server
from tests.billing.disputing import becomes, settled, titles
from tests.billing.helpers import everything, rows_of, signed_news
from tests.support import Clock, Factory, fetch

pytestmark = pytest.mark.usefixtures("sandbox", "proven")

Disputed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def disputed(make: Factory, sandbox: Any) -> Disputed:
    """``disputed(amount)`` returns an invoice, its payment's and its dispute's gateway ids.

    Only the dispute's opening reaches the office; of its end no webhook will tell.
    """

    def build(amount: str = "20.00") -> tuple[int, str, str]:
        invoice, payment, gateway_id = settled(make, sandbox)
        sandbox.control(f"transactions/{gateway_id}/dispute-open", {"amount": amount})
        number = sandbox.control("webhooks", method="GET")[0]["subject_id"]
        minor = int(amount.replace(".", ""))
        opened = DisputeNews(number, DisputeState.OPEN, minor, "fraud", dt.date(2026, 12, 6))
        disputes.record(payment, opened, actor=SYSTEM)
        return invoice, gateway_id, number

    return build


def look() -> str:
    return work.JOBS["disputes.check"]([])


def states() -> list[str]:
    return [dispute.state.value for dispute in rows_of(Dispute)]


def test_it_runs_once_a_day() -> None:
    [entry] = [entry for entry in TIMETABLE if entry.name == "disputes.check"]
    assert (entry.seconds, entry.hour) == (0, 5)


def test_an_end_nobody_told_us_of_is_found(
    app: Any, make: Factory, disputed: Disputed, sandbox: Any
) -> None:
    make.settings(email="office@example.org")
    lost, won, still, part = (disputed(amount) for amount in ("20.00", "20.00", "20.00", "5.00"))
    for (_invoice, gateway_id, _number), end in ((lost, "lost"), (won, "won"), (part, "lost")):
        sandbox.control(f"transactions/{gateway_id}/dispute-{end}")
    assert look() == "3 changed, 1 unchanged"
    assert states() == ["lost", "won", "open", "lost"]
    balances = [fetch(Invoice, each[0]).balance for each in (lost, won, still, part)]
    assert balances == [2000, 0, 0, 500]
    assert titles()[4:] == ["A dispute was lost", "A dispute was won", "A dispute was lost"]
    before = {name: rows for name, rows in everything().items() if name != "payments"}
    assert look() == "1 unchanged"
    assert {name: rows for name, rows in everything().items() if name != "payments"} == before


def test_nothing_open_asks_nobody(app: Any, sandbox: Any) -> None:
    sandbox.fault("*", "status", times=None)
    assert look() == "nothing to do"


def test_more_time_and_another_amount_are_noticed(
    app: Any, disputed: Disputed, sandbox_server: Server
) -> None:
    _invoice, _gateway_id, number = disputed()
    with sandbox_server.desk.writing() as opened:
        opened.db.execute(
            "UPDATE disputes SET amount = 700, opened_at = opened_at + ? WHERE id = ?",
            (30 * 86400, number),
        )
    assert look() == "1 unchanged"
    [dispute] = rows_of(Dispute)
    assert dispute.amount == 700
    assert dispute.reply_by > clock.now().date() + dt.timedelta(days=30)


@pytest.mark.parametrize("kind", ["status", "drop", "html"])
def test_one_bad_answer_does_not_stop_the_others(
    app: Any,
    disputed: Disputed,
    sandbox: Any,
    kind: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    both = [disputed(), disputed()]
    for _invoice, gateway_id, _number in both:
        sandbox.control(f"transactions/{gateway_id}/dispute-lost")
    sandbox.fault("dispute", kind, order_id=rows_of(Payment)[0].reference)
    with caplog.at_level(logging.WARNING):
        assert look() == "1 changed, 1 unanswered"
    assert states() == ["open", "lost"]
    assert f"dispute {rows_of(Dispute)[0].id} waits for the next round" in caplog.text
    assert look() == "1 changed"
    assert states() == ["lost", "lost"]


def test_a_payment_that_can_not_be_looked_up_waits_as_well(
    app: Any, disputed: Disputed, sandbox: Any
) -> None:
    invoice, gateway_id, _number = disputed()
    sandbox.control(f"transactions/{gateway_id}/dispute-lost")
    sandbox.fault("find", "status")
    assert look() == "1 unanswered"
    assert fetch(Invoice, invoice).state == "paid"
    assert look() == "1 changed"


def test_a_dispute_the_gateway_does_not_know_stays_as_it_is(
    app: Any, make: Factory, sandbox: Any, disputed: Disputed
) -> None:
    _invoice, payment, _gateway_id = settled(make, sandbox)
    for number in range(6):
        news = DisputeNews(f"nowhere{number}", DisputeState.OPEN, 100)
        disputes.record(payment, news, actor=SYSTEM)
    sandbox.control(f"transactions/{disputed()[1]}/dispute-won")
    assert look() == "1 changed, 6 unknown"
    assert states() == ["open"] * 6 + ["won"]


def test_a_silent_gateway_is_left_alone_until_tomorrow(
    app: Any, make: Factory, sandbox: Any
) -> None:
    _invoice, payment, _gateway_id = settled(make, sandbox)
    for number in range(8):
        news = DisputeNews(f"d{number}", DisputeState.OPEN, 100)
        disputes.record(payment, news, actor=SYSTEM)
    sandbox.fault("dispute", "status", times=None)
    assert look() == "5 unanswered; stopped after 5 in a row without an answer"
    assert states() == ["open"] * 8


def test_a_long_round_goes_on_in_pieces(
    app: Any,
    make: Factory,
    sandbox: Any,
    disputed: Disputed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queued: list[tuple[str, list[int]]] = []
    bound = runtime.current()
    runtime.bind(replace(bound, enqueue=lambda name, ids: queued.append((name, ids))))
    for gateway_id in [disputed()[1] for _ in range(3)]:
        sandbox.control(f"transactions/{gateway_id}/dispute-won")
    monkeypatch.setattr(rounds, "PIECE", dt.timedelta(0))
    said: list[str] = []
    ids: list[int] = []
    for _ in range(4):
        queued.clear()
        said.append(work.JOBS["disputes.check"](ids))
        ids = next((ids for name, ids in queued if name == "disputes.check"), [])
    assert said == [
        "1 changed so far",
        "2 changed so far",
        "3 changed so far",
        "3 changed",
    ]
    assert states() == ["won"] * 3


def test_a_webhook_that_comes_after_all_changes_nothing_more(
    app: Any, make: Factory, disputed: Disputed, sandbox_server: Server, time: Clock
) -> None:
    invoice, _gateway_id, number = disputed("5.00")
    becomes(sandbox_server, number, "lost")
    assert look() == "1 changed"
    before = [everything()[name] for name in ("disputes", "invoices", "allocations")]
    news = notifications.receive(*signed_news(sandbox_server, number, "dispute_lost"))
    notifications.process(news)
    assert [everything()[name] for name in ("disputes", "invoices", "allocations")] == before
    assert fetch(Invoice, invoice).balance == 500
