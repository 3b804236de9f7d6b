"""The daily look at disputes: the gateway is searched for news, then asked about the open ones."""

from __future__ import annotations

import datetime as dt

from billing import dispute_checks, dispute_search
from billing.rounds import Piece, Tally
from jobs import pieces
from jobs.schedule import last_success

SEARCH = "disputes.search"


class SearchUnfinished(Exception):
    """Some of what was found got no answer, so the next search has to begin where this one did."""


def search_disputes(ids: list[int]) -> str:
    """Find disputes nobody announced; ``ids``: the day to search from, and where to go on.

    Raises ``SearchUnfinished`` or ``GatewayError`` when it does not count as a success.
    """
    day, *place = ids or [dispute_search.search_from(last_success(SEARCH)).toordinal()]

    def run(after: int, tally: Tally | None) -> Piece:
        piece = dispute_search.search(dt.date.fromordinal(day), after, tally)
        if piece.after is None and piece.in_vain:
            raise SearchUnfinished(piece.sentence)
        return piece

    return pieces.go_on(SEARCH, run, place, fixed=(day,))


def check_disputes(ids: list[int]) -> str:
    """Ask the gateway about the disputes that are open here; ``ids``: where to go on."""
    return pieces.go_on("disputes.check", dispute_checks.check_open, ids)
