"""The daily search for disputes as a job: where it begins, and what counts as done."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from billing import clock, rounds, runtime
from billing.database import reading, transaction
from billing.errors import GatewayError
from jobs import schedule, work
from jobs.disputes import SearchUnfinished
from models import Dispute, JobRun, Payment
from tests.billing.disputing import disputed
from tests.billing.helpers import rows_of
from tests.support import Clock, Factory, fetch

pytestmark = pytest.mark.usefixtures("sandbox", "proven")

NAME = "disputes.search"


@pytest.fixture(autouse=True)
def asked_for(app: Any) -> None:
    """The row of a job the timetable has asked for before."""
    with transaction() as session:
        session.add(JobRun(name=NAME, slot=0, ok=True, message=""))


def run() -> str:
    return schedule.recorded(NAME, lambda: work.JOBS[NAME]([]))


def noted() -> tuple[bool, str]:
    with reading() as session:
        row = session.get_one(JobRun, NAME)
    return row.ok, row.message


def test_it_runs_once_a_day_before_the_open_ones_are_asked_about() -> None:
    names = [entry.name for entry in schedule.TIMETABLE]
    entry = schedule.TIMETABLE[names.index(NAME)]
    assert (entry.seconds, entry.hour) == (0, 5)
    assert names[names.index(NAME) + 1] == "disputes.check"


def test_it_begins_120_days_ago_and_then_three_days_before_the_last_success(
    app: Any, make: Factory, sandbox: Any, time: Clock
) -> None:
    disputed(make, sandbox)
    time.advance(days=100)
    assert run() == "1 changed"
    disputed(make, sandbox)
    assert run() == "nothing to do"
    assert len(rows_of(Dispute)) == 1
    sandbox.advance(days=96)
    disputed(make, sandbox)
    assert run() == "1 changed"


def test_what_got_no_answer_is_searched_for_the_next_day(
    app: Any, make: Factory, sandbox: Any, time: Clock
) -> None:
    disputed(make, sandbox)
    time.advance(days=50)
    sandbox.fault("dispute", "status")
    with pytest.raises(GatewayError):
        run()
    assert noted()[0] is False
    assert rows_of(Dispute) == []
    time.advance(days=1)
    assert run() == "1 changed"
    assert noted() == (True, "1 changed")


def test_one_without_an_answer_is_searched_for_the_next_day(
    app: Any, make: Factory, sandbox: Any, time: Clock
) -> None:
    payments = [disputed(make, sandbox)[1] for _ in range(2)]
    time.advance(days=50)
    sandbox.fault("find", "status", order_id=fetch(Payment, payments[0]).reference)
    with pytest.raises(SearchUnfinished):
        run()
    assert noted() == (False, "1 changed, 1 unanswered")
    time.advance(days=1)
    assert run() == "1 changed, 1 unchanged"
    time.advance(days=1)
    assert run() == "nothing to do"


def test_a_long_search_goes_on_in_pieces_from_the_same_day(
    app: Any, make: Factory, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[tuple[str, list[int]]] = []
    bound = runtime.current()
    runtime.bind(replace(bound, enqueue=lambda name, ids: queued.append((name, ids))))
    for _ in range(3):
        disputed(make, sandbox)
    monkeypatch.setattr(rounds, "PIECE", dt.timedelta(0))
    day = (clock.now() - dt.timedelta(days=120)).date().toordinal()
    said: list[str] = []
    ids: list[int] = []
    for _ in range(4):
        queued.clear()
        said.append(work.JOBS[NAME](ids))
        ids = next((ids for name, ids in queued if name == NAME), [day])
        assert ids[0] in (day, day + 1)
    assert said == ["1 changed so far", "2 changed so far", "3 changed so far", "3 changed"]
