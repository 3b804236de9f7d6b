"""The letter that asks a customer to add a payment method, sent when staff press the button.

Its link is made when the letter is written (``billing.method_links``) and never kept.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing import clock, guards
from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.history import note
from billing.mailing import queue_email
from models import OutgoingEmail, User

KIND = "method_link"
# Pressed twice, or by two colleagues: one letter is enough.
PAUSE = dt.timedelta(minutes=5)


def why_not_ask(session: Session, user: User) -> Refusal | None:
    """Only somebody with an e-mail address can be asked, and not twice in a row."""
    if not user.reachable:
        return Refusal("This user has no e-mail, so no link can be sent.", "unreachable")
    asked = session.scalar(
        select(func.max(OutgoingEmail.queued_at)).where(
            OutgoingEmail.user_id == user.id, OutgoingEmail.kind == KIND
        )
    )
    if asked is not None and clock.now() - asked < PAUSE:
        return Refusal("A link was e-mailed to this user a moment ago.", "asked_already")
    return None


def ask_for_method(user_id: int, *, actor: Actor) -> str:
    """E-mail a user the link to add a card or account; return the address it goes to.

    Raises ``Refusal`` for a user without an e-mail, or when one was asked for a moment ago.
    """
    with transaction() as session:
        user = lock(session, User, user_id)
        guards.require(why_not_ask(session, user))
        row = note(session, user, "ask_for_method", "Link to add a payment method e-mailed", actor)
        session.flush()
        queue_email(session, "method_link", f"method-link:{row.id}", user)
        return user.email or ""
