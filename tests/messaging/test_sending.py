"""Send, stop, resume, and the letters that failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from billing.database import reading
from billing.errors import NotFound, Refusal
from billing.history import history_of
from jobs import messages as jobs
from messaging.delivery import CHUNK
from messaging.sending import (
    count_as_sent,
    progress,
    resend_failed,
    resume_message,
    send_message,
    stop_message,
)
from messaging.unsubscribing import unsubscribe, unsubscribe_url
from tests.billing.helpers import everything, only_refusals, together
from tests.messaging.helpers import (
    Sink,
    addresses_of,
    counts_agree,
    draft,
    how_far,
    rows,
    sending,
    state_of,
    states,
    typed,
    work,
)
from tests.support import STAFF


def test_everybody_is_written_to_once_and_the_message_ends_as_sent(app: Any, sink: Sink) -> None:
    message = sending(CHUNK * 2 + 3)
    assert how_far(message).percent == 0
    work(message)
    assert sorted(sink.addresses) == sorted(typed(CHUNK * 2 + 3).split())
    progress_ = how_far(message)
    assert (progress_.state, progress_.percent, progress_.waiting) == ("sent", 100, 0)
    assert progress_.sent == CHUNK * 2 + 3
    counts_agree(message)
    with reading() as session:
        verbs = [row.verb for row in history_of(session, "message", message)]
    assert verbs == ["finish", "send", "create"]
    assert sink.connections == 1


def test_sending_twice_at_once_sends_once(app: Any, sink: Sink) -> None:
    message = draft(extra=typed(3))
    results = together(app, [lambda: send_message(message, actor=STAFF)] * 2)
    [refusal] = only_refusals(results)
    assert refusal.code == "already_sent"
    work(message)
    assert sink.twice() == []
    assert len(sink.addresses) == 3


def test_every_verb_is_refused_where_it_makes_no_sense(app: Any, sink: Sink) -> None:
    fresh, running = draft(extra=typed(1)), sending(1)
    done, paused = sending(1), sending(1)
    work(done)
    stop_message(paused, actor=STAFF)
    verbs: dict[str, Callable[..., Any]] = {
        "send": send_message,
        "stop": stop_message,
        "resume": resume_message,
        "resend": resend_failed,
        "count": count_as_sent,
    }
    allowed = {("draft", "send"), ("sending", "stop"), ("paused", "resume")}
    for message in (fresh, running, done, paused):
        for name, verb in verbs.items():
            if (str(state_of(message)), name) in allowed:
                continue
            before = everything()
            with pytest.raises(Refusal) as caught:
                verb(message, actor=STAFF)
            assert caught.value.sentence.endswith(".")
            assert everything() == before
    with reading() as session, pytest.raises(NotFound):
        progress(session, 4711)


def test_stop_takes_effect_within_one_chunk_and_resume_goes_on(app: Any, sink: Sink) -> None:
    message = sending(CHUNK * 4)
    stopped_after = CHUNK + 5

    def stop(count: int) -> None:
        if count == stopped_after:
            with app.app_context():
                stop_message(message, actor=STAFF)

    sink.on_letter = stop
    work(message)
    assert len(sink.addresses) == CHUNK * 2
    assert (state_of(message), states(message)["sending"]) == ("paused", 0)
    counts_agree(message)
    work(message)
    assert len(sink.addresses) == CHUNK * 2
    resume_message(message, actor=STAFF)
    work(message)
    assert (state_of(message), len(sink.addresses), sink.twice()) == ("sent", CHUNK * 4, [])


def test_a_refused_address_fails_with_the_servers_words_and_the_others_arrive(
    app: Any, sink: Sink
) -> None:
    sink.rcpt = lambda address: "550 No such user" if address.startswith("typed1@") else None
    sink.data = lambda address: "554 Looks like spam" if address.startswith("typed2@") else None
    message = sending(4)
    work(message)
    errors = {row.address: row.error for row in rows(message) if row.state == "failed"}
    assert "550" in errors["typed1@example.org"]
    assert "No such user" in errors["typed1@example.org"]
    assert "Looks like spam" in errors["typed2@example.org"]
    assert sorted(sink.addresses) == ["typed0@example.org", "typed3@example.org"]
    assert (state_of(message), how_far(message).failed, sink.connections) == ("sent", 2, 1)
    counts_agree(message)


def test_failed_letters_are_sent_again_to_them_alone(app: Any, sink: Sink) -> None:
    sink.rcpt = lambda address: None if address.startswith("typed0@") else "550 Full"
    message = sending(3)
    work(message)
    sink.rcpt = lambda _address: None
    first, second = (row.id for row in rows(message) if row.state == "failed")
    assert resend_failed(message, actor=STAFF, recipient_ids=[first]) == 1
    work(message)
    assert resend_failed(message, actor=STAFF) == 1
    work(message)
    assert sink.twice() == []
    assert (state_of(message), how_far(message).sent) == ("sent", 3)
    counts_agree(message)
    assert second != first
    with pytest.raises(Refusal, match="No letter of this message failed"):
        resend_failed(message, actor=STAFF)


def test_who_unsubscribed_after_the_failure_is_not_written_to_again(app: Any, sink: Sink) -> None:
    sink.rcpt = lambda _address: "550 Full"
    message = sending(2)
    work(message)
    sink.rcpt = lambda _address: None
    row = rows(message)[0]
    unsubscribe(unsubscribe_url(row.id).rpartition("/")[2])
    assert resend_failed(message, actor=STAFF) == 1
    work(message)
    assert sink.addresses == ["typed1@example.org"]
    assert states(message) == {"sent": 1, "skipped": 1}
    counts_agree(message)


def test_put_off_letters_are_tried_again_later_and_not_for_ever(
    app: Any, sink: Sink, time: Any
) -> None:
    tries: list[str] = []

    def not_now(address: str) -> str | None:
        if address.startswith("typed0@"):
            tries.append(address)
            return "451 Try again later"
        return None

    sink.rcpt = not_now
    message = sending(2)
    work(message)
    assert (len(tries), sink.addresses) == (1, ["typed1@example.org"])
    assert (state_of(message), addresses_of(message, "waiting")) == (
        "sending",
        ["typed0@example.org"],
    )
    for _ in range(10):
        time.advance(minutes=20)
        jobs.sweep([])
        work(message)
    assert len(tries) == 4
    assert (state_of(message), states(message)["failed"]) == ("sent", 1)
    counts_agree(message)


def test_a_letter_put_off_once_arrives_at_the_next_try(app: Any, sink: Sink, time: Any) -> None:
    answers = iter(["451 Greylisted"])
    sink.rcpt = lambda _address: next(answers, None)
    message = sending(1)
    work(message)
    time.advance(minutes=2)
    work(message)
    assert sink.addresses == ["typed0@example.org"]
    assert rows(message)[0].tries == 2
    assert (state_of(message), rows(message)[0].error) == ("sent", "")


def test_a_connection_that_breaks_after_the_letter_leaves_it_to_staff(app: Any, sink: Sink) -> None:
    sink.data = lambda address: "drop" if address.startswith("typed1@") else None
    message = sending(3)
    work(message)
    assert addresses_of(message, "unknown") == ["typed1@example.org"]
    assert (state_of(message), how_far(message).unknown, sink.twice()) == ("sent", 1, [])
    counts_agree(message)
    with pytest.raises(Refusal, match="No letter of this message failed"):
        resend_failed(message, actor=STAFF)
    assert count_as_sent(message, actor=STAFF) == 1
    assert states(message) == {"sent": 3}
    counts_agree(message)


def test_staff_may_send_letters_in_doubt_again(app: Any, sink: Sink) -> None:
    sink.data = lambda _address: "drop"
    message = sending(1)
    work(message)
    sink.data = lambda _address: None
    assert resend_failed(message, actor=STAFF, also_unknown=True) == 1
    work(message)
    assert sink.twice() == ["typed0@example.org"]
    assert states(message) == {"sent": 1}
    counts_agree(message)


def test_a_server_that_is_gone_costs_nobody_a_try(app: Any, sink: Sink, monkeypatch: Any) -> None:
    from jobs.smtp import mail

    message = sending(3)
    with monkeypatch.context() as gone:
        gone.setattr(mail, "port", 9)
        work(message)
    assert (state_of(message), states(message)) == ("sending", {"waiting": 3})
    assert "could not be reached" in how_far(message).trouble
    assert {row.tries for row in rows(message)} == {0}
    jobs.sweep([])
    work(message)
    assert (state_of(message), how_far(message).trouble, len(sink.addresses)) == ("sent", "", 3)


def test_a_server_that_refuses_our_sender_pauses_the_message(app: Any, sink: Sink) -> None:
    sink.sender = lambda: "550 Not your address"
    message = sending(3)
    work(message)
    assert (state_of(message), states(message)) == ("paused", {"waiting": 3})
    assert "Not your address" in how_far(message).trouble
    sink.sender = lambda: None
    resume_message(message, actor=STAFF)
    work(message)
    assert (state_of(message), how_far(message).trouble, len(sink.addresses)) == ("sent", "", 3)


def test_a_session_the_server_closes_is_opened_anew(app: Any, sink: Sink) -> None:
    answers = iter([None, None, "421 Enough for one session"])
    sink.rcpt = lambda _address: next(answers, None)
    message = sending(5)
    work(message)
    assert (len(sink.addresses), sink.twice(), sink.connections) == (5, [], 2)
    assert state_of(message) == "sent"
