"""Searching the gateway for disputes whose news never arrived.

``billing.dispute_checks`` asks about the disputes that are open here. This finds what it can't ask
about: a dispute whose opening nobody announced, and one that ended here and was decided anew.
"""

from __future__ import annotations

import datetime as dt
import logging

from sqlalchemy import select

from billing import clock, disputes, reconciliation, runtime
from billing.actor import SYSTEM
from billing.database import reading
from billing.gateway import DisputeNews
from billing.rounds import Piece, Result, Tally, go_on
from models import Dispute
from models.states import DisputeState

log = logging.getLogger(__name__)

# A cardholder has this many days to complain, with most cards.
FIRST_TIME = dt.timedelta(days=120)
# What happened on a day may reach the gateway's list some days later.
OVERLAP = dt.timedelta(days=3)


def search_from(last: dt.datetime | None) -> dt.date:
    """Return the day to search from; ``last``: when everything was found, None: never."""
    return (clock.now() - FIRST_TIME if last is None else last - OVERLAP).date()


def search(since: dt.date, after: int = 0, tally: Tally | None = None) -> Piece:
    """Record the disputes something happened to since that day, and return how far it got.

    after -- how many of them, by the gateway's ids, were looked at before

    Raises ``GatewayError`` when the search itself gets no answer.
    """
    found = runtime.current().gateway.changed_disputes(since)

    def places(limit: int, done: int) -> list[int]:
        return list(range(done + 1, len(found) + 1))[:limit]

    about = f"since {since}, dispute"
    return go_on(places, lambda place: _look_at(*found[place - 1]), after, tally, about=about)


def _look_at(transaction_id: str, found: DisputeNews) -> Result:
    if _is_known(found):
        return Result.UNCHANGED
    payment = reconciliation.payment_of(transaction_id)
    if payment is None:
        # The account at the gateway may serve others, too.
        log.info("dispute %s is about %s, not ours", found.gateway_id, transaction_id)
        return Result.UNKNOWN
    log.info("dispute %s is %s at the gateway and not here", found.gateway_id, found.state)
    reconciliation.look_up(payment.id)
    # It may have gone on since the search.
    news = runtime.current().gateway.find_dispute(found.gateway_id) or found
    moved = disputes.record(payment.id, news, actor=SYSTEM)
    return Result.CHANGED if moved else Result.UNCHANGED


def _is_known(found: DisputeNews) -> bool:
    """Whether the dispute is here as the gateway says it is."""
    with reading() as session:
        ours = session.scalar(select(Dispute).where(Dispute.gateway_id == found.gateway_id))
    if ours is None or ours.state is not found.state:
        return False
    return ours.state is not DisputeState.OPEN or (
        found.amount in (None, ours.amount) and found.reply_by in (None, ours.reply_by)
    )
