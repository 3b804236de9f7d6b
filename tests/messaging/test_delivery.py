"""Claims and reports: what holds when workers die, stall, or come in twos."""

from __future__ import annotations

from typing import Any

from jobs import messages as jobs
from messaging.delivery import CHUNK, end_turn, next_chunk, sweep, take_turn
from messaging.reports import Chunk, Report
from messaging.sending import stop_message
from models.states import RecipientState as R
from tests.billing.helpers import together
from tests.messaging.helpers import Sink, counts_agree, how_far, sending, state_of, states, work
from tests.support import STAFF


def _claimed(message: int) -> Chunk:
    chunk = next_chunk(message)
    assert chunk is not None
    return chunk


def _all_sent(chunk: Chunk) -> list[Report]:
    return [Report(row.id, R.SENT) for row in chunk.addressees]


def test_one_worker_at_a_time_has_a_message(app: Any, time: Any) -> None:
    message = sending(3)
    turns = together(app, [lambda: take_turn(message)] * 4)
    assert sum(turn is not None for turn in turns) == 1
    time.advance(minutes=3)
    assert take_turn(message) is not None


def test_two_workers_never_claim_the_same_recipient(app: Any) -> None:
    message = sending(CHUNK * 4)
    chunks = together(app, [lambda: next_chunk(message)] * 4)
    claimed = [row.id for chunk in chunks if chunk for row in chunk.addressees]
    assert len(claimed) == len(set(claimed)) > 0
    assert states(message)["sending"] == len(claimed)


def test_who_was_not_written_to_waits_again_without_losing_a_try(app: Any) -> None:
    message = sending(4)
    chunk = _claimed(message)
    done = _all_sent(chunk)[:1]
    end_turn(message, chunk, done)
    assert states(message) == {"sent": 1, "waiting": 3}
    counts_agree(message)
    again = _claimed(message)
    assert {row.id for row in again.addressees} == {row.id for row in chunk.addressees[1:]}


def test_a_report_counts_once(app: Any) -> None:
    message = sending(4)
    chunk = _claimed(message)
    for _ in range(3):
        end_turn(message, chunk, _all_sent(chunk))
    assert (state_of(message), how_far(message).sent) == ("sent", 4)
    counts_agree(message)


def test_a_claim_nobody_reports_about_becomes_unknown_and_is_not_sent_again(
    app: Any, time: Any, sink: Sink
) -> None:
    message = sending(CHUNK + 2)
    take_turn(message)
    _claimed(message)
    time.advance(minutes=3)
    assert sweep() == (0, 1)
    work(message)
    assert len(sink.addresses) == 2
    assert state_of(message) == "sending"
    time.advance(minutes=8)
    assert sweep() == (CHUNK, 1)
    assert states(message) == {"unknown": CHUNK, "sent": 2}
    assert state_of(message) == "sent"
    counts_agree(message)
    assert sweep() == (0, 0)
    assert len(sink.addresses) == 2


def test_a_worker_that_was_only_slow_still_reports(app: Any, time: Any) -> None:
    message = sending(3)
    chunk = _claimed(message)
    time.advance(minutes=11)
    sweep()
    assert states(message) == {"unknown": 3}
    end_turn(message, chunk, _all_sent(chunk))
    assert states(message) == {"sent": 3}
    counts_agree(message)


def test_an_old_claims_report_does_not_touch_a_newer_claim(app: Any) -> None:
    message = sending(2)
    old = _claimed(message)
    end_turn(message, old, [])
    _claimed(message)
    end_turn(message, old, _all_sent(old))
    assert states(message) == {"sending": 2}
    counts_agree(message)


def test_a_stopped_message_gives_no_more_chunks_but_takes_the_reports(app: Any) -> None:
    message = sending(CHUNK + 1)
    chunk = _claimed(message)
    stop_message(message, actor=STAFF)
    assert next_chunk(message, chunk, _all_sent(chunk)) is None
    assert states(message) == {"sent": CHUNK, "waiting": 1}
    assert take_turn(message) is None
    counts_agree(message)


def test_a_letter_that_cannot_be_written_pauses_the_message(
    app: Any, sink: Sink, monkeypatch: Any
) -> None:
    import pytest

    message = sending(2)
    monkeypatch.setattr("jobs.bulk.PLACEHOLDERS", ("name", "nothing"))
    with pytest.raises(KeyError):
        jobs.send([message])
    assert (state_of(message), states(message)) == ("paused", {"waiting": 2})
    assert "could not be written" in how_far(message).trouble
