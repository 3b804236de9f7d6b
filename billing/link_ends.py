"""Ending every link that letters gave one person: a mailbox they lost, a letter that went astray.

What a mailbox holds is links to the payment method, to invoices and to applications, so all of them
end together. Links to sign in are asked for anew each time and work for minutes only; those that
unsubscribe open nothing and go on working.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from billing.actor import Actor
from billing.database import lock, lock_each, transaction
from billing.history import note
from billing.history_rows import note_each
from billing.method_links import end_links_of
from models import Application, Invoice, User


def end_links(user_id: int, *, actor: Actor) -> None:
    """End every link to this person's payment method, invoices and applications, at once.

    Letters that are written from now on carry new ones, those that wait in the outbox included:
    a link is made when its letter is.
    """
    with transaction() as session:
        user = lock(session, User, user_id)
        end_links_of(user)
        ended = {
            "applications": _end_those_to(session, Application, user_id, actor),
            "invoices": _end_those_to(session, Invoice, user_id, actor),
        }
        sentence = "All links in letters ended; new letters carry new ones"
        note(session, user, "end_links", sentence, actor, details=ended)


def _end_those_to(session: Session, model: Any, user_id: int, actor: Actor) -> int:
    """End the links to a user's records of one type and return how many records these are."""
    count = lock_each(session, model, model.user_id == user_id)
    if count:
        session.execute(
            update(model)
            .where(model.user_id == user_id)
            .values(link_version=model.link_version + 1)
            .execution_options(synchronize_session=False)
        )
        sentence = "Link replaced with all of this user's; older links no longer work"
        theirs = select(model.id).where(model.user_id == user_id)
        note_each(session, model, theirs, "rotate_link", sentence, actor)
    return count
