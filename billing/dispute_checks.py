"""Asking the gateway about disputes that are still open here, in case its news never arrived.

Webhooks only make this faster. A dispute that stays open costs one question a day; what a gateway
that does not answer would have said is asked for again the next day.
"""

from __future__ import annotations

import datetime as dt
import enum
import logging
from dataclasses import dataclass, replace

from sqlalchemy import select

from billing import clock, disputes, reconciliation, runtime
from billing.actor import SYSTEM
from billing.database import reading
from billing.errors import GatewayError
from models import Dispute
from models.states import DisputeState

log = logging.getLogger(__name__)

CHUNK = 100
# One piece of a day's questions; far below what a worker grants a job.
PIECE = dt.timedelta(seconds=60)
# After so many in a row without an answer the gateway is gone; the rest waits for the next day.
MOST_IN_VAIN = 5


class _Said(enum.Enum):
    """What came of asking about one dispute."""

    NEWS = enum.auto()
    NOTHING_NEW = enum.auto()
    NOT_KNOWN = enum.auto()
    NO_ANSWER = enum.auto()


@dataclass(frozen=True)
class Looked:
    """What a day's questions have come to so far.

    asked   -- disputes looked at
    news    -- of these, the ones that have ended meanwhile
    in_vain -- of these, the ones nobody could say anything about
    silent  -- the last so many got no answer at all
    after   -- the id to go on after, None when it is over
    """

    asked: int = 0
    news: int = 0
    in_vain: int = 0
    silent: int = 0
    after: int | None = None

    def plus(self, said: _Said, dispute_id: int) -> Looked:
        """Return what it has come to with one more."""
        lost = said is _Said.NO_ANSWER
        return Looked(
            self.asked + 1,
            self.news + (said is _Said.NEWS),
            self.in_vain + (lost or said is _Said.NOT_KNOWN),
            self.silent + 1 if lost else 0,
            dispute_id,
        )


def open_disputes(limit: int = CHUNK, after: int = 0) -> list[int]:
    """Return the next ``limit`` disputes that are open here, by id."""
    with reading() as session:
        still = select(Dispute.id).where(Dispute.state == DisputeState.OPEN, Dispute.id > after)
        return list(session.scalars(still.order_by(Dispute.id).limit(limit)))


def check_open(looked: Looked | None = None) -> Looked:
    """Look at the open disputes until all are done or time is up; ``looked``: where to go on.

    One that fails is logged and does not stop the others.
    """
    looked = looked or Looked()
    until = clock.now() + PIECE
    while ids := open_disputes(after=looked.after or 0):
        for dispute_id in ids:
            looked = looked.plus(_ask(dispute_id), dispute_id)
            if looked.silent >= MOST_IN_VAIN:
                log.warning("disputes: no answer %s times in a row, tomorrow again", looked.silent)
                return replace(looked, after=None)
            if clock.now() >= until:
                return looked
    return replace(looked, after=None)


def _ask(dispute_id: int) -> _Said:
    try:
        return _check(dispute_id)
    except GatewayError as error:
        log.warning("dispute %s could not be looked up: %s", dispute_id, error)
    except Exception:
        log.exception("dispute %s failed and is looked at again tomorrow", dispute_id)
    return _Said.NO_ANSWER


def _check(dispute_id: int) -> _Said:
    """Record what the gateway says about one dispute now."""
    with reading() as session:
        dispute = session.get_one(Dispute, dispute_id)
    news = runtime.current().gateway.find_dispute(dispute.gateway_id)
    if news is None:
        log.warning("dispute %s: the gateway knows no %s", dispute_id, dispute.gateway_id)
        return _Said.NOT_KNOWN
    if news.state is not DisputeState.OPEN:
        # Money may have moved since our last look, and a loss is taken off what is there.
        reconciliation.look_up(dispute.payment_id)
    moved = disputes.record(dispute.payment_id, news, actor=SYSTEM)
    return _Said.NEWS if moved else _Said.NOTHING_NEW
