"""Overdue: a flag on sent and failed invoices, decided by one predicate everywhere.

An invoice becomes overdue the day after its basis plus the office's overdue age, at the office's
local midnight: due today is never overdue. The basis is the due date, else the date of the latest
issue or of the invoice, as the settings say. Without an age nothing is ever overdue.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Insert,
    and_,
    case,
    cast,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import SYSTEM
from billing.database import later, transaction
from billing.office import get_settings
from models import History, Invoice, Settings
from models.states import OPEN_INVOICE_STATES, OWED_INVOICE_STATES, OverdueBasis

# A mark from so far ahead was made before the demo's clock was set back. Anything nearer may be
# another marker's, who read the clock a moment later than this one.
_CLOCK_BACK = dt.timedelta(days=1)


def overdue_on(invoice: Invoice, settings: Settings) -> dt.date | None:
    """Return the first local date on which ``invoice`` would be overdue, or None."""
    if settings.overdue_age is None or invoice.issued_on is None:
        return None
    basis = invoice.due_on
    if basis is None:
        basis = invoice.issued_on
        if settings.overdue_basis is OverdueBasis.ISSUED and invoice.sent_on is not None:
            basis = invoice.sent_on
    return basis + dt.timedelta(days=settings.overdue_age + 1)


def is_overdue(invoice: Invoice, today: dt.date) -> bool:
    """Whether ``invoice`` is overdue on ``today``, the office's local date."""
    return (
        invoice.state in OPEN_INVOICE_STATES
        and invoice.overdue_on is not None
        and today >= invoice.overdue_on
    )


def overdue_condition(today: dt.date) -> ColumnElement[bool]:
    """Return ``is_overdue`` as a condition on ``invoices``."""
    return and_(Invoice.state.in_(OPEN_INVOICE_STATES), Invoice.overdue_on <= today)


def mark_overdue() -> int:
    """Mark what became overdue, each invoice once, and return how many that were.

    Set-based: one update and one insert of the history rows, whatever their number. The flag
    people see is the predicate; this writes the moment into the history and asks for notices.
    """
    with transaction() as session:
        now = clock.now()
        today = clock.today(get_settings(session).timezone)
        fresh = and_(
            overdue_condition(today),
            or_(Invoice.overdue_marked_at.is_(None), Invoice.overdue_marked_at > now + _CLOCK_BACK),
        )
        marked = session.execute(
            update(Invoice)
            .where(fresh)
            .values(overdue_marked_at=now)
            .returning(Invoice.id)
            .execution_options(synchronize_session=False)
        )
        count = len(marked.all())
        if count:
            session.execute(_history_rows(now))
            later(session, "overdue.notices", [])
    return count


def _history_rows(now: dt.datetime) -> Insert:
    columns = {
        "at": literal(now, History.at.type),
        "actor_kind": literal(SYSTEM.kind, History.actor_kind.type),
        "actor_name": literal(SYSTEM.name),
        "record": literal("invoice"),
        "record_id": Invoice.id,
        "user_id": Invoice.user_id,
        "site_id": Invoice.site_id,
        "verb": literal("overdue"),
        "from_state": Invoice.state,
        "to_state": Invoice.state,
        "sentence": literal("Became overdue"),
        "reason": literal(""),
        "details": literal({}, History.details.type),
        "ip": literal(""),
    }
    rows = select(*columns.values()).where(Invoice.overdue_marked_at == now)
    return insert(History).from_select(list(columns), rows)


def recompute(session: Session, settings: Settings) -> int:
    """Give every issued, unpaid invoice the date that changed settings now mean, in one statement.

    Returns how many invoices have another date than before.
    """
    session.flush()
    fresh = _overdue_on_in_sql(session, settings)
    # One that is not overdue any more may become it again, and is marked again then.
    today = clock.today(settings.timezone)
    kept_mark = case((fresh <= today, Invoice.overdue_marked_at), else_=null())
    changed = session.execute(
        update(Invoice)
        .where(
            Invoice.issued_on.is_not(None),
            Invoice.state.in_(OWED_INVOICE_STATES),
            Invoice.overdue_on.is_distinct_from(fresh),
        )
        .values(overdue_on=fresh, overdue_marked_at=kept_mark)
        .returning(Invoice.id)
        .execution_options(synchronize_session=False)
    )
    return len(changed.all())


def _overdue_on_in_sql(session: Session, settings: Settings) -> ColumnElement[Any]:
    if settings.overdue_age is None:
        return null()
    issued: ColumnElement[Any] = Invoice.issued_on.expression
    if settings.overdue_basis is OverdueBasis.ISSUED:
        issued = func.coalesce(Invoice.sent_on, Invoice.issued_on)
    basis = func.coalesce(Invoice.due_on, issued)
    days = settings.overdue_age + 1
    if session.get_bind().dialect.name == "postgresql":
        return cast(basis + days, Date)
    return func.date(basis, f"+{days} days", type_=Date)
