"""Rounds that are done in pieces, so other work of their queue is never long in waiting.

A piece queues the next one with the place it got to and what it counted so far. Should that be
lost, with Redis or with its worker, the timetable begins anew and finds what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from billing.database import later, transaction
from billing.rounds import Piece, Result, Tally
from jobs.schedule import SoFar


def go_on(
    name: str,
    run: Callable[[int, Tally | None], Piece],
    ids: list[int],
    fixed: tuple[int, ...] = (),
) -> str:
    """Do one piece of job ``name`` and ask for the next, unless it was the last.

    ids   -- what the piece before asked to go on with, without ``fixed``; empty at the beginning
    fixed -- what each piece is given first
    """
    after, *counts = ids or [0]
    piece = run(after, Counter(dict(zip(Result, counts, strict=False))))
    if piece.after is None:
        return piece.sentence
    counted = (piece.tally[result] for result in Result)
    with transaction() as session:
        later(session, name, [*fixed, piece.after, *counted])
    return SoFar(piece.sentence)
