"""What stands beside a user's outstanding balance: money not used yet, fees not invoiced yet."""

from __future__ import annotations

from sqlalchemy import func, select

from admin.base.access import holds
from admin.base.eye import Figure
from admin.base.scope import in_scope, site_ids
from admin.base.words import Words
from billing.credit_use import available_credit
from models import Application, User, db
from models.states import ApplicationState


def credit(words: Words, user: User) -> list[Figure]:
    """Return the user's unapplied credit, if there is any."""
    if not holds("payments.view"):
        return []
    found = available_credit(db.session(), user.id, site_ids())
    return [Figure("Credit not used yet", words.money(found))] if found else []


def not_invoiced(words: Words, user: User) -> list[Figure]:
    """Return what the user's applications owe that no invoice asks for yet, if there is any."""
    if not holds("applications.view"):
        return []
    left = Application.fees_total - Application.invoiced
    found = db.session.scalar(
        select(func.sum(left)).where(
            Application.user_id == user.id,
            Application.state.in_((ApplicationState.PENDING, ApplicationState.APPROVED)),
            left > 0,
            *in_scope(Application),
        )
    )
    return [Figure("Not yet invoiced", words.money(int(found)))] if found else []
