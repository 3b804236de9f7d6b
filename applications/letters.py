"""Letters about applications, queued in the transaction of their cause.

The letter's parameters carry only the application's id and the reason. Link and amounts are read
when it is delivered, so nobody is asked for money that came in meanwhile.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from billing.mailing import queue_email
from models import Application, User


def approved(session: Session, application: Application, decision: int) -> bool:
    """Tell the user that it was approved; False when they have no e-mail."""
    return _queue(session, "application_approved", application, decision)


def rejected(session: Session, application: Application, decision: int) -> bool:
    """Tell the user what to change; False when they have no e-mail."""
    return _queue(session, "application_rejected", application, decision, reason=application.reason)


def outstanding_balance(session: Session, application: Application, change: int) -> bool:
    """Tell the user that the fees rose and something is to pay now; False when nothing is sent."""
    if application.outstanding_balance <= 0:
        return False
    return _queue(session, "outstanding_balance", application, change)


def _queue(
    session: Session, kind: str, application: Application, occasion: int, **more: Any
) -> bool:
    """``occasion`` is the history row it is about, so that one event is one letter."""
    user = session.get_one(User, application.user_id)
    params = {"application_id": application.id, **more}
    email = queue_email(session, kind, f"{kind}:{application.id}:{occasion}", user, params=params)
    return email is not None
