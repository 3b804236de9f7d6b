"""The timetable: every slot once, however many schedulers, and nothing lost without Redis."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading

import pytest
from flask import Flask
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select

from billing.database import reading
from config import Config
from jobs import queues, schedule, work
from jobs.desk import JobDesk
from models import JobRun
from tests.support import Clock, Factory, emails

# What runs once a day waits for its hour, also the first time (see test_midnights).
FREQUENT = [entry.name for entry in schedule.TIMETABLE if entry.seconds]
NOWHERE = "redis://127.0.0.1:9/0"
# No slot of any job ends within the next twenty-five seconds.
AT_EASE = dt.datetime(2031, 5, 20, 12, 0, 5, tzinfo=dt.UTC)


@pytest.fixture
def enqueuer(app: Flask, config: Config) -> queues.Enqueuer:
    """Asks for jobs on queues that are empty."""
    queues.connect(config).flushall()
    return queues.Enqueuer(config)


def waiting(config: Config) -> list[str]:
    """The names of the jobs that wait, over all queues."""
    found = []
    for name in queues.QUEUES:
        queue = Queue(name, connection=queues.connect(config), serializer=JSONSerializer)
        found += [job.args[0] for job in queue.jobs]
    return found


def test_two_schedulers_ask_once(
    app: Flask, enqueuer: queues.Enqueuer, config: Config, time: Clock
) -> None:
    time.set(AT_EASE)

    def beat() -> None:
        with app.app_context():
            schedule.beat(enqueuer)

    threads = [threading.Thread(target=beat) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waiting(config)) == sorted(FREQUENT)


def test_a_slot_is_asked_for_when_it_comes(enqueuer: queues.Enqueuer, time: Clock) -> None:
    time.set(AT_EASE)
    assert schedule.beat(enqueuer) == FREQUENT
    assert "overdue.mark" not in schedule.beat(enqueuer)
    time.advance(hours=1, minutes=1)
    assert "overdue.mark" in schedule.beat(enqueuer)


def test_without_redis_the_slot_waits(
    app: Flask, config: Config, enqueuer: queues.Enqueuer
) -> None:
    assert schedule.beat(queues.Enqueuer(dataclasses.replace(config, redis_url=NOWHERE))) == []
    assert schedule.beat(enqueuer) == FREQUENT


def test_without_redis_a_verb_succeeds_and_the_sweep_delivers(
    app: Flask, make: Factory, config: Config, enqueuer: queues.Enqueuer
) -> None:
    queues.Enqueuer(dataclasses.replace(config, redis_url=NOWHERE))("emails.deliver", [1])
    make.invoice()
    queues.connect(config).flushall()
    assert work.JOBS["emails.sweep"]([]) == "1 e-mails were waiting"
    assert waiting(config) == ["emails.deliver"]
    assert emails("invoice")[0].state == "queued"


def test_a_real_worker_runs_jobs_and_their_runs_are_kept(
    app: Flask, enqueuer: queues.Enqueuer, config: Config
) -> None:
    schedule.beat(enqueuer)
    work.bind(app)
    connection = queues.connect_worker(config.redis_url)
    worker = SimpleWorker(list(queues.QUEUES), connection=connection, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="ERROR")
    runs = {run.name: run for run in all_of_runs()}
    assert set(runs) == {entry.name for entry in schedule.TIMETABLE}
    assert all(run.ok and run.finished_at for name, run in runs.items() if name in FREQUENT)
    assert schedule.late_jobs() == []
    entry = next(each for each in JobDesk(enqueuer).entries() if each.name == "overdue.mark")
    assert entry.message == "0 invoices became overdue"


def test_a_job_that_does_not_come_back_is_late(enqueuer: queues.Enqueuer, time: Clock) -> None:
    schedule.beat(enqueuer)
    assert schedule.late_jobs() == []
    time.advance(minutes=3)
    assert "emails.sweep" in schedule.late_jobs()


def all_of_runs() -> list[JobRun]:
    with reading() as session:
        return list(session.scalars(select(JobRun)))
