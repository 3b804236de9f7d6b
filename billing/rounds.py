"""Going through many records, one verb each, in pieces a worker can do between other work.

A round that dies anywhere is simply begun again: each verb asks its rules anew under lock, so what
was charged or sent is not a candidate any more.
"""

from __future__ import annotations

import datetime as dt
import enum
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from billing import clock
from billing.attempts import Attempt
from billing.database import transaction
from billing.errors import GatewayError, Refusal
from billing.gateway import NOT_REACHABLE
from billing.mailing import notify_staff
from models import Invoice, Payment

log = logging.getLogger(__name__)

CHUNK = 100
# One piece of a round; far below what a worker grants a job, because one sale can take a while.
PIECE = dt.timedelta(seconds=60)
# After so many in a row the gateway or the database is gone; the rest waits for the next round.
MOST_IN_VAIN = 5


class Result(enum.StrEnum):
    """What became of one record, as a round counts it."""

    CHARGED = "charged"
    SENT = "sent"
    DECLINED = "declined"
    SKIPPED = "skipped"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"  # one side has it, the other does not
    FAILED = "failed"
    UNANSWERED = "unanswered"
    BROKEN = "broken off"


Tally = Counter[Result]
_IN_VAIN = (Result.UNANSWERED, Result.BROKEN)


@dataclass(frozen=True)
class Piece:
    """What a round has come to so far; ``after``: the id to go on after, None when it is over."""

    tally: Tally
    after: int | None = None
    stopped: bool = False

    @property
    def in_vain(self) -> int:
        """Return how many of them the next round has to try again."""
        return sum(self.tally[result] for result in _IN_VAIN)

    @property
    def sentence(self) -> str:
        """Return what happened, such as "12 charged, 3 sent, 2 declined, 1 skipped"."""
        parts = [f"{self.tally[result]} {result}" for result in Result if self.tally[result]]
        words = ", ".join(parts) or "nothing to do"
        if self.stopped:
            words += f"; stopped after {MOST_IN_VAIN} in a row without an answer"
        return words if self.after is None else f"{words} so far"


def go_on(
    find: Callable[[int, int], list[int]],
    verb: Callable[[int], Result],
    after: int = 0,
    tally: Tally | None = None,
    *,
    about: str = "invoice",
) -> Piece:
    """Call ``verb`` for what ``find(limit, after)`` returns, until it is all done or time is up.

    One that fails is logged and does not stop the others; ``about``: what the log calls it.
    """
    tally = Counter() if tally is None else tally
    until = clock.now() + PIECE
    in_vain = 0
    while ids := find(CHUNK, after):
        for after in ids:
            result = _call(verb, after, about)
            tally[result] += 1
            in_vain = in_vain + 1 if result in _IN_VAIN else 0
            if in_vain >= MOST_IN_VAIN:
                return Piece(tally, stopped=True)
            if clock.now() >= until:
                return Piece(tally, after)
    return Piece(tally)


def _call(verb: Callable[[int], Result], record_id: int, about: str) -> Result:
    try:
        return verb(record_id)
    except Refusal as refusal:
        log.info("%s %s: %s", about, record_id, refusal.sentence)
        return Result.SKIPPED
    except GatewayError as error:
        log.warning("%s %s waits for the next round: %s", about, record_id, error)
        return Result.UNANSWERED
    except Exception:
        log.exception("%s %s failed and waits for the next round", about, record_id)
        return Result.BROKEN


def result_of(attempt: Attempt) -> Result:
    """Return how an attempt counts, and tell staff of one the gateway would not even make."""
    if attempt.outcome == "failed" and attempt.message == NOT_REACHABLE:
        return Result.UNANSWERED
    if attempt.outcome == "failed":
        _tell(attempt)
    return {
        "paid": Result.CHARGED,
        "pending": Result.CHARGED,
        "declined": Result.DECLINED,
        "unknown": Result.UNANSWERED,
    }.get(attempt.outcome, Result.FAILED)


def _tell(attempt: Attempt) -> None:
    with transaction() as session:
        payment = session.get_one(Payment, attempt.payment_id)
        invoice_id = next(iter(payment.allocations)).invoice_id
        notify_staff(
            session,
            f"not-carried-out:{payment.id}",
            "A charge was not carried out",
            f"The gateway would not try it: {attempt.message or attempt.code or 'no reason'}. "
            "Nothing was charged. Please look at the payment method on file.",
            kind="charge_failed",
            invoice=session.get_one(Invoice, invoice_id),
            payment=payment,
        )
