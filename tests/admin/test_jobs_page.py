"""The jobs page: the timetable with its results, and "Run now"."""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from admin.pages.jobs import rhythm_of, state_of
from billing import clock
from billing.database import transaction
from config import Config
from models import JobRun, db
from tests.support import Browser, Factory, csrf_token, sign_in
from wsgi import create_app

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]
PAGE = "/admin/jobs/"


def text_of(answer: Any) -> str:
    return html.unescape(answer.get_data(as_text=True))


def queued(config: Config) -> list[str]:
    connection = Redis.from_url(config.redis_url)
    queue = Queue("default", connection=connection, serializer=JSONSerializer)
    return [job.args[0] for job in queue.jobs]


def test_every_job_with_its_last_and_next_run(make: Factory, staff_client: Build) -> None:
    now = clock.now()
    with transaction() as session:
        for name, ok, message in (
            ("overdue.mark", True, "3 marked"),
            ("emails.sweep", False, "No server"),
        ):
            session.add(JobRun(name=name, started_at=now, finished_at=now, ok=ok, message=message))
    shown = text_of(staff_client().get(PAGE))
    assert "Mark overdue invoices" in shown
    assert "3 marked" in shown
    assert "every hour" in shown
    assert "No server" in shown
    assert "badge-bad" in shown
    assert "Never" in shown


def test_run_now_queues_the_job(staff_client: Build, post: Post, config: Config) -> None:
    client = staff_client()
    before = queued(config).count("overdue.mark")
    answer = post(client, f"{PAGE}run/", {"name": "overdue.mark"})
    assert answer.status_code == 303
    assert "“Mark overdue invoices” is queued" in text_of(client.get(answer.location))
    assert queued(config).count("overdue.mark") == before + 1


def test_without_redis_it_says_so(config: Config, app: Flask, make: Factory) -> None:
    gone = create_app(dataclasses.replace(config, redis_url="redis://127.0.0.1:1/0"))
    gone.test_client_class = Browser
    client = gone.test_client()
    sign_in(client, make.staff())
    token = csrf_token(gone, client)
    answer = client.post(f"{PAGE}run/", data={"csrf_token": token, "name": "overdue.mark"})
    assert answer.status_code == 303
    shown = text_of(client.get(answer.location))
    with gone.app_context():
        db.engine.dispose()
    assert "“Mark overdue invoices” was not started." in shown
    assert "The queue can't be reached" in shown


def test_a_job_that_is_not_in_the_timetable_is_not_found(staff_client: Build, post: Post) -> None:
    for name in ("os.system", ""):
        assert post(staff_client(), f"{PAGE}run/", {"name": name}).status_code == 404
    assert post(staff_client(), f"{PAGE}run/").status_code == 404


def test_looking_and_running_are_two_permissions(staff_client: Build, post: Post) -> None:
    looker = staff_client(["jobs.view"])
    assert "Run now" not in text_of(looker.get(PAGE))
    assert post(looker, f"{PAGE}run/", {"name": "overdue.mark"}).status_code == 403
    assert staff_client(["dashboard.view"]).get(PAGE).status_code == 403
    able = staff_client()
    assert able.post(f"{PAGE}run/", data={"name": "overdue.mark"}).status_code == 400
    assert able.get(f"{PAGE}run/").status_code == 405


@pytest.mark.parametrize(
    ("started", "finished", "ok", "state"),
    [
        (None, None, True, "waiting"),
        (2, 1, True, "running"),
        (1, 2, True, "done"),
        (1, 2, False, "failed"),
        (1, None, True, "running"),
    ],
)
def test_how_a_job_stands(started: int | None, finished: int | None, ok: bool, state: str) -> None:
    def moment(hour: int | None) -> dt.datetime | None:
        return None if hour is None else dt.datetime(2027, 1, 1, hour, tzinfo=dt.UTC)

    job: Any = SimpleNamespace(started_at=moment(started), finished_at=moment(finished), ok=ok)
    assert state_of(job) == state


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "every second"),
        (30, "every 30 seconds"),
        (300, "every 5 minutes"),
        (3600, "every hour"),
        (86_400, "every day"),
        (90, "every 90 seconds"),
    ],
)
def test_how_often_a_job_runs(seconds: int, words: str) -> None:
    job: Any = SimpleNamespace(seconds=seconds)
    assert rhythm_of(job) == words
