"""Jobs around charging registered methods: the nightly run, its retries, and cards that end.

A run is done in pieces, so other work of the money queue is never long in waiting: a piece queues
the next one with the id it got to and what it counted so far. Should Redis lose that, the next
night, or "Run now", finds what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from billing import expiring, nightly
from billing.database import later, transaction
from billing.rounds import Piece, Result, Tally


def charge_tonight(ids: list[int]) -> str:
    """Charge or send the drafts of users billed automatically; ``ids``: where to go on."""
    piece = _go_on(nightly.run_nightly, ids)
    if piece.after is not None:
        with transaction() as session:
            later(session, "charges.nightly", _where(piece))
    return piece.sentence


def charge_again(ids: list[int]) -> str:
    """Charge again what was planned for today or earlier; ``ids``: where to go on."""
    piece = _go_on(nightly.run_retries, ids)
    if piece.after is not None:
        with transaction() as session:
            later(session, "charges.retry", _where(piece))
    return piece.sentence


def announce_expiring(_ids: list[int]) -> str:
    """Tell customers whose registered card ends soon."""
    count = expiring.announce_expiring()
    return f"{count} expiring {'card' if count == 1 else 'cards'} announced"


def _go_on(run: Callable[[int, Tally | None], Piece], ids: list[int]) -> Piece:
    after, *counts = ids or [0]
    return run(after, Counter(dict(zip(Result, counts, strict=False))))


def _where(piece: Piece) -> list[int]:
    return [piece.after or 0, *(piece.tally[result] for result in Result)]
