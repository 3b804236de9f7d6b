"""When reconciliation looks at a payment again.

An attempt nobody answered is looked up soon and then ever more rarely; a hold and a debit a few
times a day; a card until it has settled; a settled debit for as long as a bank may return it.
"""

from __future__ import annotations

import datetime as dt

from billing import clock
from models import Payment
from models.states import PaymentKind, PaymentState, Tender

# Times after the start at which an unanswered attempt is looked up; then hourly.
FIRST_LOOKS = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60))
# Not found counts only when the gateway has surely finished, and when it was said twice.
NOT_FOUND_AFTER = dt.timedelta(minutes=10)
ASKED_TWICE_APART = dt.timedelta(minutes=4)
# How long a reference that was given up is still watched.
STILL_WATCHED = dt.timedelta(days=1)
# Banks may return a debit for weeks (SEPA: 8 weeks without a question; Nacha: 60 days).
RETURN_WINDOW = dt.timedelta(days=60)

# A capture nobody answered is looked at soon.
CAPTURE_LOOK = dt.timedelta(minutes=5)

_EVERY = {
    PaymentState.AUTHORISED: dt.timedelta(hours=6),
    PaymentState.PENDING: dt.timedelta(hours=4),
    PaymentState.SUBMITTED: dt.timedelta(hours=6),
    PaymentState.SETTLED: dt.timedelta(days=1),
    PaymentState.FAILED: dt.timedelta(hours=1),
}


def plan(payment: Payment) -> None:
    """Set ``check_at`` to the next look, or to None when the payment can't change any more."""
    payment.check_at = _next_look(payment, clock.now())


def _next_look(payment: Payment, now: dt.datetime) -> dt.datetime | None:
    if payment.state is PaymentState.STARTED:
        age = now - payment.started_at
        upcoming = [look for look in FIRST_LOOKS if look > age]
        return payment.started_at + upcoming[0] if upcoming else now + dt.timedelta(hours=1)
    if not _is_watched(payment, now):
        return None
    if payment.state is PaymentState.AUTHORISED and _recently_asked(payment, now):
        return now + CAPTURE_LOOK
    return now + _EVERY[payment.state]


def _recently_asked(payment: Payment, now: dt.datetime) -> bool:
    return payment.asked_at is not None and now - payment.asked_at < dt.timedelta(hours=1)


def _is_watched(payment: Payment, now: dt.datetime) -> bool:
    if payment.refunded >= payment.amount:
        return False
    if payment.state is PaymentState.SETTLED:
        settled = payment.settled_at or now
        debit = payment.tender is Tender.DIRECT_DEBIT and payment.kind is PaymentKind.CHARGE
        return debit and now - settled < RETURN_WINDOW
    if payment.state is PaymentState.FAILED:
        # Only an attempt that was not found may still surface; a refused request can't.
        return payment.not_found_at is not None and now - payment.started_at < STILL_WATCHED
    return payment.state in _EVERY
