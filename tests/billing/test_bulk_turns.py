"""Turns at bulk actions: every row claimed once, one worker a run, stopping, and who may."""

from __future__ import annotations

from typing import Any

import pytest

from billing import bulk_turns
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
