"""What is lost with its worker, or with Redis, is asked for again; what hangs is broken off."""

from __future__ import annotations

import datetime as dt
import signal
from typing import Any

import pytest
from flask import Flask
from rq.job import Job
from rq.serializers import JSONSerializer

from billing import rounds
from billing.database import reading
from config import Config
from jobs import queues, schedule, work
from models import JobRun, Payment
from tests.billing.conftest import POSTGRESQL
from tests.billing.helpers import reconcile, rows_of
from tests.billing.nights import automatic_user, draft
from tests.held import Held
from tests.jobs.test_bulk_actions import sales_of
from tests.jobs.test_bulk_crashes import _kill, _until, workers
from tests.jobs.test_messages import Workers
from tests.support import Clock, Factory

__all__ = ["workers"]

NIGHTLY = "charges.nightly"
EVENING = dt.datetime(2027, 3, 1, 22, 0, 5, tzinfo=dt.UTC)


def next_night(time: Clock, enqueuer: queues.Enqueuer) -> None:
    """Have the nightly run asked for, on a timetable that is there since the day before."""
    time.set(EVENING)
    schedule.beat(enqueuer)
    time.set(EVENING + dt.timedelta(hours=3))
    assert NIGHTLY in schedule.beat(enqueuer)


@pytest.fixture
def enqueuer(app: Flask, config: Config) -> queues.Enqueuer:
    queues.connect(config).flushall()
    return queues.Enqueuer(config)


def nightly() -> JobRun:
    with reading() as session:
        return session.get_one(JobRun, NIGHTLY)


def test_a_piece_is_not_the_end(
    app: Flask,
    make: Factory,
    sandbox: Any,
    enqueuer: queues.Enqueuer,
    time: Clock,
    monkeypatch: Any,
) -> None:
    next_night(time, enqueuer)
    user = automatic_user(make)
    for total in (2000, 2100):
        draft(make, user, total)
    monkeypatch.setattr(rounds, "PIECE", dt.timedelta(0))
    work.bind(app)
    assert work.run(NIGHTLY, []) == "1 charged so far"
    first = nightly()
    assert (first.finished_at, first.message) == (None, "1 charged so far")
    assert first.started_at is not None
    monkeypatch.undo()
    assert work.run(NIGHTLY, []) == "1 charged"
    assert nightly().finished_at is not None
    time.advance(minutes=3)
    assert NIGHTLY not in schedule.late_jobs()


@pytest.mark.parametrize("lost", ["before it began", "in its middle", "between two pieces"])
def test_a_run_without_a_sign_of_life_is_asked_for_again(
    app: Flask, enqueuer: queues.Enqueuer, time: Clock, lost: str
) -> None:
    class Killed(BaseException):
        pass

    def work_on() -> str:
        if lost == "in its middle":
            raise Killed
        return schedule.SoFar("1 charged so far")

    next_night(time, enqueuer)
    if lost != "before it began":
        time.advance(minutes=10)
        if lost == "in its middle":
            with pytest.raises(Killed):
                schedule.recorded(NIGHTLY, work_on)
        else:
            schedule.recorded(NIGHTLY, work_on)
    time.advance(minutes=14)
    assert NIGHTLY in schedule.late_jobs()
    assert NIGHTLY not in schedule.beat(enqueuer)
    time.advance(minutes=2)
    assert NIGHTLY in schedule.beat(enqueuer)
    assert NIGHTLY not in schedule.beat(enqueuer)
    schedule.recorded(NIGHTLY, lambda: "1 charged")
    time.advance(minutes=16)
    assert NIGHTLY not in schedule.late_jobs()
    assert NIGHTLY not in schedule.beat(enqueuer)


def test_what_ended_badly_has_ended(enqueuer: queues.Enqueuer, time: Clock) -> None:
    def broken() -> str:
        raise ValueError("out of paper")

    next_night(time, enqueuer)
    with pytest.raises(ValueError, match="paper"):
        schedule.recorded(NIGHTLY, broken)
    time.advance(minutes=16)
    assert NIGHTLY not in schedule.beat(enqueuer)
    assert (nightly().ok, nightly().message) == (False, "out of paper")


def test_a_piece_does_not_make_good_what_failed_before(
    enqueuer: queues.Enqueuer, time: Clock
) -> None:
    """Who begins where the last success ended must not take the failure's end for one."""
    test_what_ended_badly_has_ended(enqueuer, time)
    schedule.recorded(NIGHTLY, lambda: schedule.SoFar("1 charged so far"))
    assert schedule.last_success(NIGHTLY) is None


def test_a_job_that_hangs_is_ended_by_nobody_who_handles_errors(
    app: Flask, enqueuer: queues.Enqueuer, config: Config, monkeypatch: Any
) -> None:
    swallowed: list[Exception] = []

    def hang(_ids: list[int]) -> str:
        for _ in range(2):
            try:
                signal.pause()
            except Exception as error:
                swallowed.append(error)
        return "never"

    monkeypatch.setitem(work.JOBS, NIGHTLY, hang)
    monkeypatch.setattr(queues, "JOB_SECONDS", 1)
    enqueuer.enqueue(NIGHTLY, [])
    work.bind(app)
    connection = queues.connect_worker(config.redis_url)
    worker = work.Worker(["money"], connection=connection, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="CRITICAL")
    assert swallowed == []
    [failed] = worker.queues[0].failed_job_registry.get_job_ids()
    job = Job.fetch(failed, connection=connection, serializer=JSONSerializer)
    assert "OutOfTime" in str(job.latest_result().exc_string)


@POSTGRESQL
def test_a_night_whose_worker_is_killed_goes_on_and_charges_nobody_twice(
    app: Flask, make: Factory, sandbox: Any, held: Held, workers: Workers, time: Clock
) -> None:
    sandbox.control("settings", {"duplicate_checking": False})
    enqueuer = queues.Enqueuer(workers.config)
    next_night(time, enqueuer)
    user = automatic_user(make)
    invoices = [draft(make, user, 2000 + cents) for cents in range(5)]
    sandbox.fault("sale", "latency", "after", times=3)
    held.passing = 2
    worker = workers.start()
    assert held.begun.wait(120)
    _kill(worker)
    held.released.set()
    assert len(rows_of(Payment, Payment.state == "started")) == 1
    assert nightly().finished_at is None
    time.advance(minutes=16)
    assert NIGHTLY in schedule.late_jobs()
    assert NIGHTLY in schedule.beat(enqueuer)
    workers.start()
    _until(lambda: nightly().finished_at is not None)
    reconcile(rounds=2)
    assert [sales_of(each, sandbox) for each in invoices] == [1] * 5
