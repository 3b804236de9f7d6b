"""The daily look at open disputes, in pieces, so other work about money is never long in waiting.

A piece queues the next one with the id it got to and what it counted so far. Should Redis lose
that, the next day finds what is left.
"""

from __future__ import annotations

from dataclasses import astuple

from billing.database import later, transaction
from billing.dispute_checks import Looked, check_open


def check_disputes(ids: list[int]) -> str:
    """Ask the gateway about the disputes that are open here; ``ids``: where to go on."""
    looked = check_open(Looked(*ids))
    if looked.after is not None:
        with transaction() as session:
            later(session, "disputes.check", list(astuple(looked)))
    words = f"{looked.asked} open {'dispute' if looked.asked == 1 else 'disputes'} looked up"
    words += f", {looked.news} ended" if looked.news else ""
    words += f", {looked.in_vain} without an answer" if looked.in_vain else ""
    return words if looked.after is None else f"{words} so far"
