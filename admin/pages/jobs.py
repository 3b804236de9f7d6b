"""The timetable: when each job ran, how it ended, when it runs next, and "Run now".

The jobs are another room's. ``wsgi.py`` hands in a ``JobDesk`` as ``app.extensions["job_desk"]``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Protocol

from flask import current_app, flash, redirect, request, url_for
from flask_admin import expose

from admin.base.access import not_found, requires
from admin.base.page import PanelPage
from admin.base.words import words
from billing.errors import Refusal

DESK = "job_desk"


class JobEntry(Protocol):
    """One job of the timetable; moments are aware.

    seconds     -- how often it runs; 0: once a day
    next_run_at -- its next start
    started_at  -- its last start, and ``finished_at`` its last end; None: never
    ok, message -- how it ended the last time
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def seconds(self) -> int: ...
    @property
    def next_run_at(self) -> dt.datetime: ...
    @property
    def started_at(self) -> dt.datetime | None: ...
    @property
    def finished_at(self) -> dt.datetime | None: ...
    @property
    def ok(self) -> bool: ...
    @property
    def message(self) -> str: ...


class JobDesk(Protocol):
    """The panel's way to the timetable."""

    def entries(self) -> Sequence[JobEntry]:
        """Return every job, in the timetable's order."""

    def run_now(self, name: str) -> None:
        """Queue a job at once; ``Refusal`` when the queue does not answer."""


class JobsPage(PanelPage):
    """The jobs, and starting one by hand."""

    label = "Jobs"
    permission = "jobs.view"
    slug = "jobs"
    icon = "timer"
    group = "Office"

    @expose("/")
    def index(self) -> Any:
        jobs = [(job, state_of(job), rhythm_of(job)) for job in desk().entries()]
        return self.render("admin/pages/jobs.html", jobs=jobs, spoken=words())

    @expose("/run/", methods=("POST",))
    @requires("jobs.run")
    def run(self) -> Any:
        """Queue the job that the form names."""
        wanted = request.form.get("name", "")
        job = next((each for each in desk().entries() if each.name == wanted), None)
        if job is None:
            not_found()
        try:
            desk().run_now(job.name)
        except Refusal as refusal:
            flash(f"“{job.title}” was not started. {refusal.sentence}", "error")
        else:
            flash(f"“{job.title}” is queued; look again in a moment.", "success")
        return redirect(url_for(".index"), 303)


def state_of(job: JobEntry) -> str:
    """Return "waiting" (never ran), "running", "done" or "failed"."""
    if job.started_at is None:
        return "waiting"
    if job.finished_at is None or job.finished_at < job.started_at:
        return "running"
    return "done" if job.ok else "failed"


def rhythm_of(job: JobEntry) -> str:
    """Return how often a job runs, in words."""
    if not job.seconds:
        return "every day"
    sizes = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
    unit, size = next(each for each in sizes if job.seconds % each[1] == 0)
    count = job.seconds // size
    return f"every {unit}" if count == 1 else f"every {count} {unit}s"


def desk() -> JobDesk:
    """Return the desk this application was given."""
    found: JobDesk = current_app.extensions[DESK]
    return found
