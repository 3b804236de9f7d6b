"""Delivery of the outbox against a real mail server that accepts, refuses or is gone."""

from __future__ import annotations

import email
import email.policy
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from billing import mailing
from billing.database import transaction
from jobs import emails as delivery
from jobs.smtp import mail
from jobs.smtp_answers import is_final
from models import History, OutgoingEmail
from tests.messaging.helpers import Sink
from tests.support import STAFF, Clock, Factory, all_of, emails


@pytest.fixture
def sink(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    """A real mail server that this process's letters go to."""
    with Sink() as server:
        for name, value in (("server", server.host), ("port", server.port), ("use_tls", False)):
            monkeypatch.setattr(mail, name, value)
        yield server


@pytest.fixture
def letter(make: Factory) -> OutgoingEmail:
    """A queued letter with the link of an invoice."""
    make.invoice()
    return emails("invoice")[0]


def test_accepted_means_sent(sink: Sink, letter: OutgoingEmail) -> None:
    assert delivery.deliver([letter.id]) == "1 of 1 e-mails sent"
    sent = emails("invoice")[0]
    assert (sent.state, sent.tries, sent.error) == ("sent", 1, "")
    message = email.message_from_bytes(sink.raw[0], policy=email.policy.default)
    assert message["Message-ID"] == sent.message_id
    assert {part.get_content_type() for part in message.walk()} >= {"text/plain", "text/html"}
    assert max(len(line) for line in sink.raw[0].splitlines()) < 998
    assert sent.subject == message["Subject"]


def test_a_server_without_a_goodbye_has_had_the_letter(
    sink: Sink, letter: OutgoingEmail, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang_up(server: Any, *_: Any) -> str:
        server.transport.abort()
        return "221 Bye"

    monkeypatch.setattr(sink, "handle_QUIT", hang_up, raising=False)
    delivery.deliver([letter.id])
    assert emails("invoice")[0].state == "sent"
    assert len(sink.raw) == 1


def test_the_same_job_twice_sends_once(sink: Sink, letter: OutgoingEmail) -> None:
    delivery.deliver([letter.id])
    delivery.deliver([letter.id])
    assert len(sink.raw) == 1


def test_refused_for_good_is_shown_to_staff(sink: Sink, letter: OutgoingEmail) -> None:
    sink.rcpt = lambda _address: "550 No such user"
    delivery.deliver([letter.id])
    failed = emails("invoice")[0]
    assert failed.state == "failed"
    assert "550" in failed.error
    assert any(row.verb == "email_failed" for row in all_of(History))


def test_failed_can_be_sent_again(sink: Sink, letter: OutgoingEmail) -> None:
    sink.rcpt = lambda _address: "550 No such user"
    delivery.deliver([letter.id])
    sink.rcpt = lambda _address: None
    mailing.retry_email(letter.id, actor=STAFF)
    delivery.deliver([letter.id])
    assert emails("invoice")[0].state == "sent"


def test_not_today_is_tried_again_later(sink: Sink, letter: OutgoingEmail, time: Clock) -> None:
    sink.rcpt = lambda _address: "451 Try again later"
    delivery.deliver([letter.id])
    waiting = emails("invoice")[0]
    assert (waiting.state, waiting.tries) == ("queued", 1)
    sink.rcpt = lambda _address: None
    assert mailing.due_emails() == []
    time.advance(minutes=2)
    delivery.deliver(mailing.due_emails())
    assert emails("invoice")[0].state == "sent"


def test_a_server_that_is_gone_loses_nothing(
    app: Flask, letter: OutgoingEmail, monkeypatch: pytest.MonkeyPatch, time: Clock
) -> None:
    for name, value in (("server", "127.0.0.1"), ("port", 9), ("use_tls", False)):
        monkeypatch.setattr(mail, name, value)
    for _ in range(mailing.MAX_TRIES):
        delivery.deliver([letter.id])
        time.advance(hours=13)
    failed = emails("invoice")[0]
    assert (failed.state, failed.tries) == ("failed", mailing.MAX_TRIES)
    assert "could not be reached" in failed.error


def test_certificates_are_verified(
    sink: Sink, letter: OutgoingEmail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "use_tls", True)
    delivery.deliver([letter.id])
    assert emails("invoice")[0].state == "queued"
    assert sink.raw == []


def test_a_worker_that_died_with_a_letter_is_relieved(
    sink: Sink, letter: OutgoingEmail, time: Clock
) -> None:
    assert mailing.claim_email(letter.id)
    assert delivery.deliver([letter.id]) == "0 of 1 e-mails sent"
    time.advance(minutes=11)
    delivery.deliver(mailing.due_emails())
    assert emails("invoice")[0].state == "sent"


def test_the_link_in_a_password_letter_is_forgotten(sink: Sink, make: Factory) -> None:
    with transaction() as session:
        queued: Any = mailing.queue_email(
            session,
            "staff_password",
            "password:1",
            None,
            params={"link": "https://pay.example.org/admin/reset/secret", "hours": "4"},
            to_address="sam@office.example",
        )
    delivery.deliver([queued.id])
    sent = emails("staff_password")[0]
    assert b"admin/reset/secret" in sink.raw[0]
    assert "secret" not in sent.html + sent.text + str(sent.params)


def test_a_server_that_is_gone_is_tried_once_and_the_rest_stays_due(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make.invoice()
    letters = [letter.id for letter in emails("invoice")]
    for name, value in (("server", "127.0.0.1"), ("port", 9), ("use_tls", False)):
        monkeypatch.setattr(mail, name, value)
    assert delivery.deliver(letters) == "0 of 3 e-mails sent"
    assert mailing.due_emails() == letters[1:]
    assert [letter.tries for letter in emails("invoice")] == [1, 0, 0]


def test_a_server_that_refuses_one_letter_gets_the_next(sink: Sink, make: Factory) -> None:
    for _ in range(2):
        make.invoice()
    first, second = emails("invoice")
    sink.rcpt = lambda address: "451 Try again later" if address == first.to_address else None
    assert delivery.deliver([first.id, second.id]) == "1 of 2 e-mails sent"


def test_a_slow_server_is_left_when_the_turn_is_over(
    sink: Sink, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make.invoice()
    letters = [letter.id for letter in emails("invoice")]
    monkeypatch.setattr(delivery, "TURN_SECONDS", 0)
    assert delivery.deliver(letters) == "1 of 3 e-mails sent"
    assert mailing.due_emails() == letters[1:]


def test_a_letter_that_kills_its_worker_is_given_up(
    app: Flask, letter: OutgoingEmail, make: Factory, time: Clock
) -> None:
    make.settings(email="office@example.org")
    for _ in range(mailing.MAX_TRIES):
        assert mailing.claim_email(letter.id)
        time.advance(minutes=11)
    assert not mailing.claim_email(letter.id)
    failed = emails("invoice")[0]
    assert (failed.state, failed.tries) == ("failed", mailing.MAX_TRIES)
    assert failed.error == "The worker stopped while sending it."
    [notice] = emails("staff_notice")
    assert "could not be delivered" in notice.params["sentence"]
    assert letter.id not in mailing.due_emails()
    mailing.retry_email(letter.id, actor=STAFF)
    assert mailing.claim_email(letter.id)


def test_a_certificate_says_nothing_about_the_letter() -> None:
    assert not is_final(ssl.SSLCertVerificationError("expired"))
    assert is_final(ValueError("no such address"))
