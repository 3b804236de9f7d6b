"""One line of the dashboard's list of what needs attention."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Matter:
    """Something that needs somebody: what, how much, since when, and where to see it.

    tone -- "bad" for what is overdue or failed; nothing else is red
    """

    icon: str
    sentence: str
    amount: str
    url: str
    detail: str = ""
    tone: str = ""
