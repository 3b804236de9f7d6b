"""Turns at bulk actions: every row claimed once, one worker a run, stopping, and who may."""

from __future__ import annotations

from threading import Event
from time import sleep
from typing import Any

import pytest

from billing import bulk_results, bulk_turns
from billing.actor import Actor
from billing.bulk import stop_run
from billing.bulk_outcomes import PDF, SEND
from billing.bulk_turns import Report
from billing.database import reading, transaction
from models import BulkRow, BulkRun, Role, Staff
from models.permissions import PERMISSIONS
from models.states import ActorKind, BulkResult
from tests.billing.bulk_kinds import EVERYTHING, begin
from tests.billing.helpers import refusal_of, rows_of, together
from tests.support import Clock, Factory, emails, fetch


@pytest.fixture
def boss(make: Factory) -> Actor:
    """A member of staff who may do everything."""
    return Actor(ActorKind.STAFF, make.staff(), "Sam Staff", "127.0.0.1")


def test_every_row_is_claimed_once_by_however_many(app: Any, make: Factory, boss: Actor) -> None:
    for _ in range(6):
        make.invoice()
    run = begin(SEND, EVERYTHING, boss)
    turn = bulk_turns.take_turn(run)
    assert turn is not None
    found = together(app, [lambda: bulk_turns.next_rows(turn, limit=2)] * 5)
    claimed = [row.id for rows in found for row in rows]
    assert len(claimed) == len(set(claimed)) == 6


def test_one_worker_at_a_time_has_a_run(app: Any, make: Factory, boss: Actor, time: Clock) -> None:
    make.invoice()
    run = begin(SEND, EVERYTHING, boss)
    first = bulk_turns.take_turn(run)
    assert first is not None
    assert bulk_turns.take_turn(run) is None
    assert bulk_turns.sweep()[0] == 0
    time.advance(minutes=4)
    assert bulk_turns.sweep()[0] == 1
    assert bulk_turns.take_turn(run) is not None


def test_stopping_leaves_the_rest_undone(app: Any, make: Factory, boss: Actor) -> None:
    for _ in range(3):
        make.invoice()
    run = begin(SEND, EVERYTHING, boss)
    turn = bulk_turns.take_turn(run)
    assert turn is not None
    (row,) = bulk_turns.next_rows(turn)
    assert stop_run(run, actor=boss) == 2
    assert fetch(BulkRun, run).finished_at is None
    report = Report(row.id, BulkResult.DONE, "Sent.")
    assert bulk_turns.next_rows(turn, [report]) == []
    bulk_turns.end_turn(turn)
    stopped = fetch(BulkRun, run)
    assert stopped.finished_at is not None
    assert [each.result for each in rows_of(BulkRow)] == ["done", "stopped", "stopped"]
    assert refusal_of(lambda: stop_run(run, actor=boss)).code == "ended"
    assert bulk_turns.take_turn(run) is None


def test_stopping_before_it_began_ends_it(app: Any, make: Factory, boss: Actor) -> None:
    make.invoice()
    run = begin(SEND, EVERYTHING, boss)
    stop_run(run, actor=boss)
    assert fetch(BulkRun, run).finished_at is not None
    assert len(emails("invoice_again")) == 0


@pytest.mark.parametrize("how", ["deactivated", "permission taken"])
def test_a_run_of_somebody_who_may_no_more_ends(
    app: Any, make: Factory, boss: Actor, how: str
) -> None:
    make.invoice()
    run = begin(SEND, EVERYTHING, boss)
    with transaction() as session:
        person = session.get_one(Staff, boss.id)
        if how == "deactivated":
            person.active = False
        else:
            session.get_one(Role, person.roles[0].id).permissions = [
                name for name in PERMISSIONS if name != "invoices.send"
            ]
    assert bulk_turns.take_turn(run) is None
    assert fetch(BulkRun, run).finished_at is not None
    (row,) = rows_of(BulkRow)
    assert (row.result, row.sentence) == (
        "stopped",
        "Whoever asked for this may not do it any more.",
    )


def test_old_files_are_dropped(app: Any, make: Factory, boss: Actor, time: Clock) -> None:
    make.invoice()
    run = begin(PDF, EVERYTHING, boss)
    turn = bulk_turns.take_turn(run)
    assert turn is not None
    (row,) = bulk_turns.next_rows(turn, limit=50)
    bulk_turns.end_turn(turn, [Report(row.id, BulkResult.DONE, "In the file.")], file=b"%PDF")
    bulk_turns.sweep()
    with reading() as session:
        assert session.get_one(BulkRun, run).file == b"%PDF"
    time.advance(days=7, minutes=1)
    bulk_turns.sweep()
    with reading() as session:
        assert session.get_one(BulkRun, run).file is None


def test_a_worker_that_lost_its_turn_leaves_the_run_to_who_has_it(
    app: Any, make: Factory, boss: Actor, time: Clock
) -> None:
    make.invoice()
    make.invoice()
    run = begin(SEND, EVERYTHING, boss)
    slow = bulk_turns.take_turn(run)
    time.advance(minutes=4)
    fresh = bulk_turns.take_turn(run)
    assert slow is not None
    assert fresh is not None
    (row,) = bulk_turns.next_rows(fresh)
    assert bulk_turns.next_rows(slow) == []
    assert not bulk_turns.keep_on(slow, [])
    bulk_turns.end_turn(slow)
    # Else a third would take the row in hand for one that nobody has, and do it as well.
    assert bulk_turns.take_turn(run) is None
    (other,) = bulk_turns.next_rows(fresh, [Report(row.id, BulkResult.DONE, "Sent.")])
    bulk_turns.end_turn(fresh, [Report(other.id, BulkResult.DONE, "Sent.")])
    assert fetch(BulkRun, run).finished_at is not None


def test_who_takes_a_run_over_and_who_comes_back_to_it_do_not_wait_for_each_other(
    app: Any, make: Factory, boss: Actor, time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.invoice()
    run = begin(SEND, EVERYTHING, boss)
    slow = bulk_turns.take_turn(run)
    assert slow is not None
    (row,) = bulk_turns.next_rows(slow)
    time.advance(minutes=4)
    looked = Event()
    look = bulk_results.what_became_of

    def look_slowly(*about: Any) -> Any:
        looked.set()
        sleep(0.3)
        return look(*about)

    def come_back() -> Any:
        looked.wait(10)
        return bulk_turns.next_rows(slow, [Report(row.id, BulkResult.DONE, "Sent.")])

    monkeypatch.setattr(bulk_turns, "what_became_of", look_slowly)
    taken, rows = together(app, [lambda: bulk_turns.take_turn(run), come_back])
    assert isinstance(taken, bulk_turns.Turn)
    assert rows == []
