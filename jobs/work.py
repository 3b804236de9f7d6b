"""The one function RQ calls: runs a named job inside the application.

A job that fails is logged with its traceback and ends in RQ's failed registry; what it was about is
still in the database, where its sweep or its diary finds it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import Flask
from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from jobs import bulk_actions, charges, disputes, emails, messages, sweeps
from jobs.queues import QUEUES
from jobs.schedule import recorded

log = logging.getLogger(__name__)

JOBS: dict[str, Callable[[list[int]], str]] = {
    "bulk.run": bulk_actions.run,
    "bulk.sweep": bulk_actions.sweep,
    "charges.nightly": charges.charge_tonight,
    "charges.retry": charges.charge_again,
    "disputes.check": disputes.check_disputes,
    "disputes.search": disputes.search_disputes,
    "emails.deliver": emails.deliver,
    "emails.sweep": emails.sweep,
    "messages.send": messages.send,
    "messages.sweep": messages.sweep,
    "reconciliation.check": sweeps.check_payments,
    "reconciliation.sweep": sweeps.reconcile,
    "notifications.process": sweeps.process_notifications,
    "notifications.sweep": sweeps.sweep_notifications,
    "overdue.mark": sweeps.mark_overdue,
    "overdue.notices": sweeps.overdue_notices,
    "holds.release": sweeps.release_holds,
    "methods.expiring": charges.announce_expiring,
    "methods.forget": sweeps.forget_methods,
    "notices.digest": sweeps.send_digests,
}

_app: Flask | None = None


class OutOfTime(BaseException):
    """A job took longer than it may.

    No ``Exception``: whoever handles what goes wrong with one letter or one payment must not take
    this for such a thing and go on.
    """


class Deadline(UnixSignalDeathPenalty):
    """RQ's alarm for jobs, raising ``OutOfTime``."""

    def __init__(self, timeout: int, exception: type[Exception], **more: Any) -> None:
        ends_job = issubclass(exception, JobTimeoutException)
        super().__init__(timeout, OutOfTime if ends_job else exception, **more)


class Worker(SimpleWorker):
    """No fork per job: jobs here are short, and forking costs more."""

    death_penalty_class = Deadline


def bind(app: Flask) -> None:
    """Give this worker process its application."""
    global _app
    _app = app


def run(name: str, ids: list[int]) -> str:
    """Run job ``name`` over ``ids`` and return what it did, in a few words."""
    if _app is None:
        raise RuntimeError("jobs.work.bind() has not been called in this worker")
    with _app.app_context():
        return recorded(name, lambda: JOBS[name](ids))


def serve(app: Flask, connection: Redis) -> None:
    """Work until told to stop."""
    bind(app)
    worker = Worker(
        list(QUEUES),
        connection=connection,
        serializer=JSONSerializer,
        worker_ttl=30,
        maintenance_interval=15,
    )
    worker.work(logging_level="WARNING")
