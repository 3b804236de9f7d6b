"""What stands beside a user's outstanding balance: money not used yet, fees not invoiced yet."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from admin.base.access import holds
from admin.base.eye import Figure
from admin.base.scope import in_scope
from admin.base.words import Words
from models import Application, Payment, User, db
from models.states import COLLECTED_PAYMENT_STATES, ApplicationState, PaymentKind


def unapplied_amount() -> Any:
    """Return what is left of a payment once its invoices and refunds are taken off."""
    return Payment.amount - Payment.allocated - Payment.refunded


def unapplied_condition() -> ColumnElement[bool]:
    """Return the condition that a payment brought money which no invoice and no refund used."""
    return and_(
        Payment.kind == PaymentKind.CHARGE,
        Payment.state.in_(COLLECTED_PAYMENT_STATES),
        unapplied_amount() > 0,
    )


def credit(words: Words, user: User) -> list[Figure]:
    """Return the user's unapplied credit, if there is any."""
    if not holds("payments.view"):
        return []
    found = db.session.scalar(
        select(func.sum(unapplied_amount())).where(
            Payment.user_id == user.id, unapplied_condition(), *in_scope(Payment)
        )
    )
    return [Figure("Credit not used yet", words.money(int(found)))] if found else []


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
