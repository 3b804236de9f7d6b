"""Asking the gateway about disputes that are still open here, in case its news never arrived.

Webhooks only make this faster. A dispute that stays open costs one question a day; what a gateway
that does not answer would have said is asked for again the next day.
"""

from __future__ import annotations

import logging

from sqlalchemy import select

from billing import disputes, reconciliation, runtime
from billing.actor import SYSTEM
from billing.database import reading
from billing.rounds import Piece, Result, Tally, go_on
from models import Dispute
from models.states import DisputeState

log = logging.getLogger(__name__)


def open_disputes(limit: int, after: int = 0) -> list[int]:
    """Return the next ``limit`` disputes that are open here, by id."""
    with reading() as session:
        still = select(Dispute.id).where(Dispute.state == DisputeState.OPEN, Dispute.id > after)
        return list(session.scalars(still.order_by(Dispute.id).limit(limit)))


def check_open(after: int = 0, tally: Tally | None = None) -> Piece:
    """Go on with asking about the open disputes after an id, and return how far it got."""
    return go_on(open_disputes, _check, after, tally, about="dispute")


def _check(dispute_id: int) -> Result:
    """Record what the gateway says about one dispute now."""
    with reading() as session:
        dispute = session.get_one(Dispute, dispute_id)
    news = runtime.current().gateway.find_dispute(dispute.gateway_id)
    if news is None:
        log.warning("dispute %s: the gateway knows no %s", dispute_id, dispute.gateway_id)
        return Result.UNKNOWN
    if news.state is not DisputeState.OPEN:
        # Money may have moved since our last look, and a loss is taken off what is there.
        reconciliation.look_up(dispute.payment_id)
    moved = disputes.record(dispute.payment_id, news, actor=SYSTEM)
    return Result.CHANGED if moved else Result.UNCHANGED
