"""The dashboard's facts, all in one statement: what needs somebody, what is owed, what came in.

Every part is counted by the database and only for those who may see it; sites scope all of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from babel import Locale
from sqlalchemy import Row, Subquery, exists, func, or_, select, true

from admin.base.access import holds
from admin.base.scope import in_scope
from admin.base.words import Words
from admin.pages.matters_gateway import gateway_facts
from billing import clock
from billing.credit_use import unused, unused_amount
from billing.mailing import tried_in_vain
from billing.overdue import overdue_condition
from models import Application, Invoice, OutgoingEmail, Payment, User, db
from models.states import (
    COLLECTED_PAYMENT_STATES,
    OWED_INVOICE_STATES,
    EmailState,
    InvoiceState,
    PaymentKind,
    PaymentState,
)

WEEKS = 12
# A gateway that works answers within seconds; until then nobody needs to be told.
UNANSWERED_AFTER = dt.timedelta(minutes=2)


def read_facts(words: Words) -> Row[Any]:
    """Return one row with every fact this person may see; parts they may not see are missing."""
    parts = [_anything()]
    if holds("invoices.view"):
        parts.append(_owed(words))
    if holds("payments.view"):
        parts += [_received(words), _unanswered(), _unapplied()]
    if holds("emails.view"):
        parts.append(_undelivered())
    parts += gateway_facts()
    joined: Any = parts[0]
    for part in parts[1:]:
        joined = joined.join(part, true())
    columns = [column for part in parts for column in part.c]
    return db.session.execute(select(*columns).select_from(joined)).one()


def week_starts(words: Words) -> list[dt.date]:
    """Return the first days of the last twelve weeks, in the locale's way; the running one last."""
    first = Locale.parse(words.locale).first_week_day
    this = words.today - dt.timedelta(days=(words.today.weekday() - first) % 7)
    return [this - dt.timedelta(weeks=back) for back in range(WEEKS - 1, -1, -1)]


def _anything() -> Subquery:
    """Whether the office has begun at all."""
    begun = [
        exists(select(model.id).where(*in_scope(model))).label(f"has_{model.__tablename__}")
        for model in (User, Application, Invoice)
    ]
    return select(*begun).subquery()


def _owed(words: Words) -> Subquery:
    late, failed = overdue_condition(words.today), Invoice.state == InvoiceState.FAILED
    return (
        select(
            _sum(Invoice.balance).label("owed"),
            func.count().label("owed_count"),
            func.count().filter(late).label("overdue_count"),
            _sum(Invoice.balance, late).label("overdue"),
            func.min(Invoice.overdue_on).filter(late).label("overdue_since"),
            func.count().filter(failed).label("failed_count"),
            _sum(Invoice.balance, failed).label("failed"),
        )
        .where(Invoice.state.in_(OWED_INVOICE_STATES), *in_scope(Invoice))
        .subquery()
    )


def _received(words: Words) -> Subquery:
    """What came in and stayed, by week and this month: what went back of it is taken off.

    A charge that was voided never came at all, and is nothing here either.
    """
    starts = [words.midnight(day) for day in week_starts(words)]
    ends: Sequence[dt.datetime | None] = [*starts[1:], None]
    month = words.midnight(words.today.replace(day=1))
    at, kept = Payment.collected_at, Payment.amount - Payment.refunded
    weeks = [
        _sum(kept, at >= start, *([] if end is None else [at < end])).label(f"week_{n}")
        for n, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    return (
        select(_sum(kept, at >= month).label("month"), *weeks)
        .where(
            Payment.kind == PaymentKind.CHARGE,
            Payment.state.in_(COLLECTED_PAYMENT_STATES),
            at >= min(month, starts[0]),
            *in_scope(Payment),
        )
        .subquery()
    )


def _unanswered() -> Subquery:
    return (
        select(
            func.count().label("unanswered_count"),
            _sum(Payment.amount).label("unanswered"),
            func.min(Payment.id).label("unanswered_oldest"),
        )
        .where(
            Payment.state == PaymentState.STARTED,
            Payment.started_at < clock.now() - UNANSWERED_AFTER,
            *in_scope(Payment),
        )
        .subquery()
    )


def _unapplied() -> Subquery:
    return (
        select(
            func.count().label("unapplied_count"),
            _sum(unused_amount()).label("unapplied"),
            func.min(Payment.id).label("unapplied_oldest"),
        )
        .where(unused(), *in_scope(Payment))
        .subquery()
    )


def _undelivered() -> Subquery:
    failed = OutgoingEmail.state == EmailState.FAILED
    return (
        select(
            func.count().filter(failed).label("undelivered_count"),
            func.count().filter(tried_in_vain()).label("untaken_count"),
        )
        .where(or_(failed, tried_in_vain()), *in_scope(OutgoingEmail))
        .subquery()
    )


def _sum(amount: Any, *conditions: Any) -> Any:
    total = func.sum(amount)
    return func.coalesce(total.filter(*conditions) if conditions else total, 0)
