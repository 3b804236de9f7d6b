"""``/readyz`` says 503 for each thing that keeps the office from its work, and what it is."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy.exc import OperationalError

from billing import mailing
from config import Config
from jobs import emails as delivery
from jobs import queues, schedule
from jobs.smtp import mail
from models import db
from tests.messaging.helpers import Sink
from tests.support import Clock, Factory, emails


def ready(client: FlaskClient) -> tuple[int, dict[str, str]]:
    """The status, and what is wrong."""
    answer = client.get("/readyz")
    said: Any = answer.get_json()
    assert said["status"] == ("ready" if answer.status_code == 200 else "not ready")
    assert set(said["checks"]) == {"database", "outbox", "queue", "jobs"}
    return answer.status_code, {name: why for name, why in said["checks"].items() if why != "ok"}


@pytest.fixture
def mail_server(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> Sink:
    """A real mail server that this process's letters go to."""
    for name, value in (("server", sink.host), ("port", sink.port), ("use_tls", False)):
        monkeypatch.setattr(mail, name, value)
    return sink


def deliver_due() -> None:
    delivery.deliver(mailing.due_emails())


def test_a_good_day(client: FlaskClient) -> None:
    assert ready(client) == (200, {})


def test_without_a_database(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> Any:
        raise OperationalError("", {}, Exception("gone"))

    monkeypatch.setattr(db.session, "execute", gone)
    assert ready(client) == (503, {"database": "does not answer"})


def test_without_redis(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Redis.from_url("redis://127.0.0.1:9/0", socket_connect_timeout=2)
    monkeypatch.setattr(queues, "connect", lambda _url: gone)
    assert ready(client) == (503, {"queue": "does not answer"})
    gone.close()


def test_with_a_job_nobody_does(client: FlaskClient, config: Config, time: Clock) -> None:
    queues.connect(config).flushall()
    schedule.beat(queues.Enqueuer(config))
    time.advance(minutes=3)
    status, wrong = ready(client)
    assert (status, set(wrong)) == (503, {"jobs"})
    assert "emails.sweep" in wrong["jobs"]


def test_with_letters_nobody_delivers(client: FlaskClient, make: Factory, time: Clock) -> None:
    make.invoice()
    time.advance(minutes=14)
    assert ready(client) == (200, {})
    time.advance(minutes=2)
    waits = "e-mail has been waiting for more than 15 minutes"
    assert ready(client) == (503, {"outbox": waits})


def test_with_a_mail_server_that_is_gone(
    client: FlaskClient, make: Factory, time: Clock, mail_server: Sink
) -> None:
    """From the first quarter of an hour on until a letter gets out, also when all are given up."""
    make.invoice()
    mail_server.rcpt = lambda _address: "451 Not today"
    deliver_due()
    assert ready(client) == (200, {})
    silent = "the mail server has taken no e-mail for more than 15 minutes"
    for _ in range(mailing.MAX_TRIES - 1):
        time.advance(hours=13)
        deliver_due()
        assert ready(client) == (503, {"outbox": silent})
    assert emails("invoice")[0].state == "failed"
    time.advance(days=2)
    assert ready(client) == (503, {"outbox": silent})
    mail_server.rcpt = lambda _address: None
    make.invoice()
    deliver_due()
    assert ready(client) == (200, {})


def test_one_address_that_takes_nothing_is_no_reason(
    app: Flask, client: FlaskClient, make: Factory, time: Clock, mail_server: Sink
) -> None:
    make.invoice()
    make.invoice()
    refused, full, *_ = (letter.to_address for letter in emails("invoice"))
    answers = {refused: "550 No such user", full: "452 Mailbox full"}
    mail_server.rcpt = lambda address: answers.get(address)
    deliver_due()
    make.invoice()
    deliver_due()
    time.advance(minutes=20)
    deliver_due()
    assert [letter.state for letter in emails("invoice")] == ["failed", "queued", "sent"]
    assert ready(client) == (200, {})


def test_an_address_that_was_refused_for_good_is_no_reason(
    client: FlaskClient, make: Factory, time: Clock, mail_server: Sink
) -> None:
    make.invoice()
    mail_server.rcpt = lambda _address: "550 No such user"
    deliver_due()
    time.advance(hours=1)
    assert emails("invoice")[0].state == "failed"
    assert ready(client) == (200, {})
