"""The outbox: one letter an occasion, one worker a letter, bounded patience, visible failure."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from billing import clock, mailing
from billing.database import transaction
from models import History, OutgoingEmail, User
from tests.billing.helpers import refusal_of, rows_of, together
from tests.support import STAFF, Factory, emails, fetch


def queue(user: int, occasion: str = "test:1") -> int | None:
    with transaction() as session:
        row = mailing.queue_email(session, "invoice", occasion, session.get_one(User, user))
        return row.id if row else None


def fail(email: int, *, final: bool = False) -> None:
    assert mailing.claim_email(email)
    mailing.record_failure(email, "451 try again later", final=final)


def test_an_occasion_is_one_letter_however_often_it_is_announced(app: Any, make: Factory) -> None:
    user = make.user()
    ids = together(app, [lambda: queue(user)] * 8)
    assert len([number for number in ids if number is not None]) == 1
    assert len(emails()) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"email": None},
        {"email": None, "no_email": True},
        {"erased_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)},
    ],
    ids=["no address", "no e-mail", "erased"],
)
def test_nothing_is_queued_for_those_who_get_no_email(
    app: Any, make: Factory, values: dict[str, Any]
) -> None:
    assert queue(make.user(**values)) is None
    assert emails() == []


def test_a_letter_that_is_rolled_back_was_never_queued(app: Any, make: Factory) -> None:
    user = make.user()

    def fail() -> None:
        with transaction() as session:
            mailing.queue_email(session, "invoice", "x", session.get_one(User, user))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert emails() == []


def test_of_two_workers_one_gets_the_letter(app: Any, make: Factory) -> None:
    email = queue(make.user())
    assert email is not None
    claims = together(app, [lambda: mailing.claim_email(email)] * 6)
    assert sorted(claims) == [False] * 5 + [True]
    assert fetch(OutgoingEmail, email).state == "sending"


def test_a_letter_whose_worker_died_is_due_again(app: Any, make: Factory, time: Any) -> None:
    email = queue(make.user())
    assert email is not None
    mailing.claim_email(email)
    assert mailing.due_emails() == []
    time.advance(minutes=11)
    assert mailing.due_emails() == [email]
    assert mailing.claim_email(email)


def test_sent_means_sent_and_nothing_more_is_due(app: Any, make: Factory, time: Any) -> None:
    email = queue(make.user())
    assert email is not None
    mailing.claim_email(email)
    mailing.record_sent(email, "<1@example.org>")
    time.advance(days=1)
    sent = fetch(OutgoingEmail, email)
    assert (sent.state, sent.message_id, sent.tries) == ("sent", "<1@example.org>", 1)
    assert mailing.due_emails() == []
    assert not mailing.claim_email(email)


def test_each_failure_waits_longer_and_the_last_gives_up(
    app: Any, make: Factory, time: Any
) -> None:
    email = queue(make.user())
    assert email is not None
    waits = []
    for _ in range(mailing.MAX_TRIES - 1):
        fail(email)
        wait = fetch(OutgoingEmail, email).next_try_at - clock.now()
        waits.append(round(wait.total_seconds() / 60))
        assert not mailing.claim_email(email)
        time.advance(minutes=waits[-1] + 1)
    assert waits == list(mailing.BACKOFF_MINUTES)
    fail(email)
    assert fetch(OutgoingEmail, email).state == "failed"


def test_a_final_no_gives_up_at_once_and_shows_it(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    [email] = emails("invoice")
    fail(email.id, final=True)
    failed = fetch(OutgoingEmail, email.id)
    assert (failed.state, failed.error, failed.next_try_at) == (
        "failed",
        "451 try again later",
        None,
    )
    [told] = rows_of(History, History.verb == "email_failed")
    assert (told.record, told.record_id) == ("invoice", invoice)


def test_staff_can_send_a_failed_letter_again_and_no_other(app: Any, make: Factory) -> None:
    email = queue(make.user())
    assert email is not None
    verb = lambda: mailing.retry_email(email, actor=STAFF)  # noqa: E731
    assert refusal_of(verb).code == "not_failed"
    fail(email, final=True)
    verb()
    assert fetch(OutgoingEmail, email).tries == 0
    assert mailing.due_emails() == [email]
    assert mailing.claim_email(email)


def test_the_office_without_an_address_gets_nothing(app: Any, make: Factory) -> None:
    for address, expected in (("", 0), ("office@example.org", 1)):
        make.settings(email=address)
        with transaction() as session:
            mailing.notify_staff(session, f"x{address}", "Look", "At this.")
        assert len(emails("staff_notice")) == expected
