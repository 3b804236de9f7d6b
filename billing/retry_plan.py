"""When a failed charge of a registered method is tried again, and what takes that plan away.

Only soft declines are tried again, after the days the settings name, and as often as they name
some. A date is the office's. Paying the invoice, setting it back to draft or deleting it clears the
plan in ``transitions.move``; the rest is here. ``billing.retries`` carries the plan out.
"""

from __future__ import annotations

import datetime as dt

from babel.dates import format_date
from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import Actor
from billing.history import note
from billing.left_alone import is_for_a_person
from billing.office import get_settings
from models import Invoice, Payment, User
from models.states import OWED_INVOICE_STATES, ActorKind, BillingMethod

NO_MORE = "Will not be charged again by itself"


def plan_retry(session: Session, payment: Payment, invoice: Invoice) -> dt.date | None:
    """Decide whether a charge that was just declined is tried again, and return the local date.

    The caller holds the invoice's lock and moves it to failed. A customer who tried by themselves
    and was declined softly neither uses up a retry nor plans one.
    """
    if payment.initiated_by == ActorKind.CUSTOMER and payment.soft:
        return invoice.retry_on
    days = _days_until_next(session, payment, invoice)
    if days is None:
        invoice.retry_on = None
        return None
    today = clock.today(get_settings(session).timezone)
    invoice.retry_on = today + dt.timedelta(days=days)
    invoice.retries += 1
    return invoice.retry_on


def _days_until_next(session: Session, payment: Payment, invoice: Invoice) -> int | None:
    days = get_settings(session).retry_days
    if not payment.soft or invoice.silent or invoice.retries >= len(days):
        return None
    # Read by itself: the user's lock comes before the invoice's, so it can't be had here.
    method = session.scalar(select(User.billing_method).where(User.id == invoice.user_id))
    return days[invoice.retries] if method is BillingMethod.GATEWAY else None


def with_next_try(session: Session, sentence: str, retry_on: dt.date | None) -> str:
    """Return ``sentence``, which has no full stop, with one about the next try if there is any."""
    if retry_on is None:
        return sentence
    day = format_date(retry_on, "long", locale=get_settings(session).locale)
    return f"{sentence}. Will be charged again on {day}"


def leave_to_people(payment: Payment, invoice: Invoice, sentence: str) -> str:
    """Drop the plan when a charge that came to nothing is for staff to make again, and say so.

    sentence -- what happened, without a full stop; returned with what that means added
    """
    if invoice.retry_on is None or not is_for_a_person(payment):
        return sentence
    invoice.retry_on = None
    return f"{sentence}. {NO_MORE}"


def take_its_place(payment: Payment, invoice: Invoice) -> None:
    """Staff charged a part by hand: what is left of the invoice is not charged by itself."""
    if payment.payment_method_id is not None and payment.initiated_by == ActorKind.STAFF:
        invoice.retry_on = None


def stop_retries(session: Session, user_id: int, reason: str, actor: Actor) -> list[int]:
    """Plan no further charge for any invoice of this user; return the invoices that had one.

    reason -- a sentence for the history of each

    The caller holds the user's lock. All that is owed is locked, not only what has a plan: a
    decline that is being recorded right now would make one after we looked.
    """
    owed = (
        select(Invoice)
        .where(Invoice.user_id == user_id, Invoice.state.in_(OWED_INVOICE_STATES))
        .order_by(Invoice.id)
        .with_for_update(of=Invoice, key_share=True)
        .execution_options(populate_existing=True)
    )
    stopped = []
    for invoice in session.scalars(owed).all():
        if invoice.retry_on is not None:
            stop_retry(session, invoice, reason, actor)
            stopped.append(invoice.id)
        invoice.retries = 0
    return stopped


def stop_retry(session: Session, invoice: Invoice, reason: str, actor: Actor) -> None:
    """Take the plan of one locked invoice away, with its reason in the history."""
    planned = invoice.retry_on
    invoice.retry_on = None
    details = {"changes": {"retry_on": [planned.isoformat() if planned else None, None]}}
    note(session, invoice, "stop_retry", NO_MORE, actor, reason=reason, details=details)
