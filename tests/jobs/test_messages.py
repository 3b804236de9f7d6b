"""Messages through the real queue and real worker processes: killed, resumed, and very many."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time as stopwatch
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis

from config import Config
from jobs.messages import TURN_SECONDS
from jobs.queues import Enqueuer
from jobs.schedule import TIMETABLE
from jobs.work import JOBS
from messaging.delivery import CHUNK
from messaging.sending import send_message
from tests.billing.conftest import POSTGRESQL
from tests.messaging.helpers import (
    Sink,
    addresses_of,
    counts_agree,
    crowd,
    draft,
    how_far,
    state_of,
)
from tests.support import STAFF, Clock, Factory

ROOT = Path(__file__).resolve().parent.parent.parent
MANY = 5000


class Workers:
    """Real worker processes on this test's database and a Redis database of their own."""

    def __init__(self, config: Config, sink: Sink, log: Path) -> None:
        self.config = dataclasses.replace(
            config, redis_url=config.redis_url.replace("db=0", "db=9")
        )
        self._log = log
        self._running: list[subprocess.Popen[bytes]] = []
        self._environ = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "COUNTERFOIL_MODE": "demo",
            "DATABASE_URL": config.database_url,
            "REDIS_URL": self.config.redis_url,
            "SECRET_KEY": config.secret_key,
            "SECURITY_PASSWORD_SALT": config.password_salt,
            "PUBLIC_URL": config.public_url,
            "GATEWAY_URL": config.gateway_url,
            "CLOCK_FILE": str(config.clock_file),
            "SMTP_HOST": sink.host,
            "SMTP_PORT": str(sink.port),
            "SMTP_SECURITY": "none",
        }
        Redis.from_url(self.config.redis_url).flushdb()

    def start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "wsgi", "worker"],
                cwd=ROOT,
                env=self._environ,
                stdout=log,
                stderr=log,
            )
        self._running.append(worker)
        return worker

    def ask(self, name: str, ids: list[int]) -> None:
        Enqueuer(self.config).enqueue(name, ids)

    def stop(self) -> None:
        for worker in self._running:
            worker.kill()
            worker.wait()
        Redis.from_url(self.config.redis_url).flushdb()


@pytest.fixture
def workers(app: Any, config: Config, sink: Sink, tmp_path: Path) -> Iterator[Workers]:
    made = Workers(config, sink, tmp_path / "worker.log")
    yield made
    made.stop()


def _until(condition: Callable[[], bool], seconds: float = 120) -> None:
    ends = stopwatch.monotonic() + seconds
    while not condition():
        assert stopwatch.monotonic() < ends, "it did not happen in time"
        stopwatch.sleep(0.05)


def test_the_sweep_is_in_the_timetable_and_both_jobs_are_known() -> None:
    assert "messages.sweep" in {entry.name for entry in TIMETABLE}
    assert {"messages.send", "messages.sweep"} <= set(JOBS)


def test_a_worker_killed_in_the_middle_goes_on_without_writing_anybody_twice(
    app: Any, sink: Sink, workers: Workers, time: Clock
) -> None:
    count = CHUNK * 4 + 7
    addresses = [f"typed{number}@example.org" for number in range(count)]
    message = draft(extra="\n".join(addresses))
    send_message(message, actor=STAFF)
    sink.pause = 0.02
    worker = workers.start()
    workers.ask("messages.send", [message])
    _until(lambda: len(sink.addresses) >= CHUNK + 9)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    stopwatch.sleep(0.2)
    held = addresses_of(message, "sending")
    assert 0 < len(held) <= CHUNK
    sink.pause = 0.0
    time.advance(minutes=3)
    workers.start()
    workers.ask("messages.sweep", [])
    _until(lambda: how_far(message).sent == count - len(held))
    assert state_of(message) == "sending"
    time.advance(minutes=10)
    workers.ask("messages.sweep", [])
    _until(lambda: state_of(message) == "sent")
    assert sink.twice() == []
    assert sorted(addresses_of(message, "unknown")) == sorted(held)
    assert set(addresses) == {*sink.addresses, *held}
    counts_agree(message)


@POSTGRESQL
def test_two_workers_and_two_requests_write_to_nobody_twice(
    app: Any, sink: Sink, workers: Workers
) -> None:
    message = draft(extra="\n".join(f"typed{number}@example.org" for number in range(200)))
    send_message(message, actor=STAFF)
    for _ in range(2):
        workers.start()
    for _ in range(4):
        workers.ask("messages.send", [message])
    _until(lambda: state_of(message) == "sent")
    assert (len(sink.addresses), sink.twice()) == (200, [])
    counts_agree(message)


@POSTGRESQL
def test_thousands_take_few_connections_and_little_memory(
    app: Any, make: Factory, sink: Sink, workers: Workers
) -> None:
    form = make.form()
    crowd(form, MANY)
    message = draft(body="Hello {name}.\n\n" + "A longer text. " * 100, form_id=form)
    sink.keep_content = False
    send_message(message, actor=STAFF)
    worker = psutil.Process(workers.start().pid)
    started = stopwatch.monotonic()
    workers.ask("messages.send", [message])
    _until(lambda: len(sink.addresses) > MANY // 10)
    early = worker.memory_info().rss
    _until(lambda: state_of(message) == "sent", seconds=600)
    turns = (stopwatch.monotonic() - started) / TURN_SECONDS + 1
    assert (len(set(sink.addresses)), sink.twice()) == (MANY, [])
    assert sink.connections <= turns
    assert worker.memory_info().rss - early < 16 * 1024 * 1024
    counts_agree(message)
