"""An amount somebody decided on, compared with what it is now.

A page carries what it showed, and the verb compares it under lock: a second tab, the way back, or
a page left open must not do again, or to another sum, what was meant once.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing.errors import Refusal
from billing.office import in_words

TO_PAY = "is to pay now. Please look again."


def check_shown(session: Session, shown: int, now: int, what: str) -> None:
    """Refuse (code ``amount_changed``) when ``shown`` is another amount than ``now``.

    shown, now -- minor units; ``now`` was read under lock
    what       -- goes on after the amount: what it is, and that nothing was done
    """
    if shown != now:
        amount = in_words(session, now)
        raise Refusal(f"The amount has changed: {amount} {what}", "amount_changed")
