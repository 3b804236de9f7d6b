"""What the panel may see of the timetable, and the button that runs a job now.

The panel does not import this room; ``wsgi.py`` hands it the desk.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from redis.exceptions import RedisError
from sqlalchemy import select

from billing import clock
from billing.database import reading
from billing.errors import NotFound, Refusal
from billing.office import get_settings
from jobs.queues import Enqueuer
from jobs.schedule import TIMETABLE
from models import JobRun


@dataclass(frozen=True)
class JobEntry:
    """One job of the timetable as staff see it; ``seconds``: how often it runs, 0: daily."""

    name: str
    title: str
    seconds: int
    next_run_at: dt.datetime
    started_at: dt.datetime | None = None
    finished_at: dt.datetime | None = None
    ok: bool = True
    message: str = ""


class JobDesk:
    """Lists the timetable with its last and next runs, and queues a job at once."""

    def __init__(self, enqueuer: Enqueuer) -> None:
        self._enqueuer = enqueuer

    def entries(self) -> list[JobEntry]:
        """Return every job of the timetable, in its order."""
        with reading() as session:
            runs = {run.name: run for run in session.scalars(select(JobRun))}
            timezone = get_settings(session).timezone
        now = clock.now()
        found = []
        for entry in TIMETABLE:
            run = runs.get(entry.name)
            found.append(
                JobEntry(
                    name=entry.name,
                    title=entry.title,
                    seconds=entry.seconds,
                    next_run_at=entry.next_run(now, timezone),
                    started_at=run.started_at if run else None,
                    finished_at=run.finished_at if run else None,
                    ok=run.ok if run else True,
                    message=run.message if run else "",
                )
            )
        return found

    def run_now(self, name: str) -> None:
        """Queue a job at once; ``Refusal`` when the queue can't be reached."""
        if name not in {entry.name for entry in TIMETABLE}:
            raise NotFound("job")
        try:
            self._enqueuer.enqueue(name, [])
        except RedisError as error:
            raise Refusal(
                "The queue can't be reached right now. The job will run by itself later.",
                "queue_down",
            ) from error
