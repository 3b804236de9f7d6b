"""The timetable. Any number of schedulers may run: a slot is taken by one conditional update.

Slots are counted on the office's clock, so moving the demo clock by three days makes everything due
that those days would have made due.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from redis.exceptions import RedisError
from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from billing import clock
from billing.database import reading, transaction
from billing.office import get_settings
from jobs.queues import Enqueuer
from models import JobRun

log = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
MAX_MESSAGE = 500
LATE = dt.timedelta(minutes=2)
# Longer than a worker may spend on a job: one that neither began nor ended since was lost with its
# worker, or with Redis, and is asked for again. Should it only be slow, its verbs find it done.
LOST = dt.timedelta(minutes=15)


class SoFar(str):
    """What a job says that asked for its next piece: it has not ended yet."""


@dataclass(frozen=True)
class Entry:
    """A job and when it runs; ``title`` is for the panel.

    seconds -- how often; or, for one that runs once a day, 0 and
    hour    -- of the office's day, 0 being its midnight
    """

    name: str
    seconds: int
    title: str
    hour: int = 0

    def slot(self, now: dt.datetime, timezone: str) -> int:
        """Return the number of the slot ``now`` is in; it never goes back while time goes on.

        A daily job's slots are the office's dates, so there is one a day on every day of the year,
        also on those of 23 or 25 hours, and even where the clocks skip the hour it runs at.
        """
        if self.seconds:
            return int(now.timestamp()) // self.seconds
        local = clock.local(now, timezone)
        return local.toordinal() - (local.hour < self.hour)

    def next_run(self, now: dt.datetime, timezone: str) -> dt.datetime:
        """Return when the slot after the present one begins."""
        upcoming = self.slot(now, timezone) + 1
        if self.seconds:
            return dt.datetime.fromtimestamp(upcoming * self.seconds, dt.UTC)
        day = dt.date.fromordinal(upcoming)
        wall = dt.datetime.combine(day, dt.time(self.hour), ZoneInfo(timezone))
        return wall.astimezone(dt.UTC)


TIMETABLE = (
    Entry("emails.sweep", 30, "Deliver e-mail that is waiting"),
    Entry("messages.sweep", 60, "Go on with messages that are being sent"),
    Entry("bulk.sweep", 60, "Go on with bulk actions"),
    Entry("notifications.sweep", 60, "Act on the gateway's news"),
    Entry("reconciliation.sweep", 60, "Look payments up at the gateway"),
    Entry("holds.release", 300, "Release card holds nobody processed"),
    Entry("overdue.mark", 3600, "Mark overdue invoices"),
    Entry("methods.forget", 3600, "Tell the gateway which payment methods were removed"),
    Entry("charges.nightly", 0, "Charge or send what is billed automatically"),
    Entry("charges.retry", 0, "Charge again what was declined softly"),
    Entry("disputes.search", 0, "Search the gateway for disputes nobody announced", hour=5),
    Entry("disputes.check", 0, "Ask the gateway about open disputes", hour=5),
    Entry("methods.expiring", 0, "Announce cards that are about to expire", hour=6),
    Entry("notices.digest", 0, "Send staff their daily digest", hour=7),
)


def beat(enqueuer: Enqueuer) -> list[str]:
    """Ask once for everything whose slot has come or that was lost, and return the names.

    A slot whose job could not be queued is given back, so Redis being gone only delays it.
    """
    asked = []
    with reading() as session:
        timezone = get_settings(session).timezone
    for entry in TIMETABLE:
        slot = entry.slot(clock.now(), timezone)
        previous = _take(entry, slot)
        if previous is None:
            continue
        try:
            enqueuer.enqueue(entry.name, [])
            asked.append(entry.name)
        except RedisError as error:
            log.warning("%s waits: Redis does not answer (%s)", entry.name, error)
            _give_back(entry.name, slot, previous)
    return asked


def serve(enqueuer: Enqueuer, stop: threading.Event) -> None:
    """Beat until ``stop`` is set. A database that is gone is waited for."""
    while not stop.is_set():
        try:
            beat(enqueuer)
        except Exception:
            log.exception("the scheduler missed a beat")
        stop.wait(BEAT_SECONDS)


def recorded(name: str, work: Callable[[], str]) -> str:
    """Run ``work``; if it is a job of the timetable, keep when it ran and how it ended."""
    if name not in {entry.name for entry in TIMETABLE}:
        return work()
    _note(name, started_at=clock.now())
    try:
        message = work()
    except Exception as error:
        _note(name, finished_at=clock.now(), ok=False, message=f"{error}"[:MAX_MESSAGE])
        raise
    if isinstance(message, SoFar):
        _note(name, message=message[:MAX_MESSAGE])
    else:
        _note(name, finished_at=clock.now(), ok=True, message=message[:MAX_MESSAGE])
    return message


def last_success(name: str) -> dt.datetime | None:
    """Return when job ``name`` last ended, or None when that was no success or never happened."""
    with reading() as session:
        run = session.get(JobRun, name)
    return run.finished_at if run is not None and run.ok else None


def late_jobs() -> list[str]:
    """Return the names of jobs that should have finished by now and have not (for /readyz)."""
    names = [entry.name for entry in TIMETABLE]
    with reading() as session:
        late = set(session.scalars(select(JobRun.name).where(_silent_for(LATE))))
    return [name for name in names if name in late]


def _silent_for(age: dt.timedelta) -> ColumnElement[bool]:
    """Return the condition that a job was asked for, has not ended, and is silent for ``age``.

    Each piece of a job that is done in pieces begins anew, which is a sign of life.
    """
    asked, started, ended = JobRun.asked_at, JobRun.started_at, JobRun.finished_at
    since = clock.now() - age
    return and_(
        asked < since,
        or_(started.is_(None), started < since),
        or_(ended.is_(None), ended < asked, ended < started),
    )


def _take(entry: Entry, slot: int) -> int | None:
    """Take ``slot`` for this scheduler and return the slot before it, or None if it was taken.

    What was lost is taken once more: its slot is then its own before.

    A daily job waits for its hour the first time too: installing this at noon charges nobody.
    """
    name = entry.name
    with transaction() as session:
        _be_there(session, name, 0 if entry.seconds else slot)
        previous = session.scalars(select(JobRun.slot).where(JobRun.name == name)).one()
        taken = session.execute(
            update(JobRun)
            .where(
                JobRun.name == name,
                JobRun.slot == previous,
                or_(JobRun.slot < slot, and_(JobRun.slot == slot, _silent_for(LOST))),
            )
            .values(slot=slot, asked_at=clock.now())
            .returning(JobRun.name)
            .execution_options(synchronize_session=False)
        )
        return previous if taken.scalar_one_or_none() else None


def _be_there(session: Session, name: str, slot: int) -> None:
    """Make the job's row where it is missing; two schedulers may both try at their first beat."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    fresh = {"name": name, "slot": slot, "ok": True, "message": ""}
    session.execute(dialect.insert(JobRun).values(**fresh).on_conflict_do_nothing())


def _give_back(name: str, slot: int, previous: int) -> None:
    with transaction() as session:
        session.execute(
            update(JobRun)
            .where(JobRun.name == name, JobRun.slot == slot)
            .values(slot=previous)
            .execution_options(synchronize_session=False)
        )


def _note(name: str, **values: object) -> None:
    with transaction() as session:
        session.execute(
            update(JobRun)
            .where(JobRun.name == name)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
