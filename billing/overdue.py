"""Overdue: a flag on sent and failed invoices, decided by one predicate everywhere.

An invoice becomes overdue the day after its basis plus the office's overdue age, at the office's
local midnight: due today is never overdue. The basis is the due date, else the date of the latest
issue or of the invoice, as the settings say. Without an age nothing is ever overdue.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Insert,
    and_,
    cast,
    false,
    func,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import SYSTEM, Actor
from billing.database import later, lock_each, transaction
from billing.history_rows import note_each
from billing.office import get_settings
from models import History, Invoice, Settings
from models.states import OPEN_INVOICE_STATES, OWED_INVOICE_STATES, OverdueBasis

# A mark from so far ahead was made before the demo's clock was set back. Anything nearer may be
# another marker's, who read the clock a moment later than this one.
_CLOCK_BACK = dt.timedelta(days=1)


def overdue_on(invoice: Invoice, settings: Settings) -> dt.date | None:
    """Return the first local date on which ``invoice`` would be overdue, or None."""
    if invoice.issued_on is None:
        return None
    sent_on = invoice.sent_on or invoice.issued_on
    return overdue_if_sent(invoice.due_on, invoice.issued_on, sent_on, settings)


def overdue_if_sent(
    due_on: dt.date | None, issued_on: dt.date | None, sent_on: dt.date, settings: Settings
) -> dt.date | None:
    """Return the first local date on which an invoice last sent on ``sent_on`` would be overdue.

    issued_on -- the date on the invoice; None for a draft that never had one
    """
    if settings.overdue_age is None:
        return None
    basis = due_on
    if basis is None:
        by_issue = settings.overdue_basis is OverdueBasis.ISSUED
        basis = sent_on if by_issue or issued_on is None else issued_on
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
        if not lock_each(session, Invoice, fresh):
            return 0
        marked: Any = session.execute(
            update(Invoice)
            .where(fresh)
            .values(overdue_marked_at=now)
            .execution_options(synchronize_session=False)
        )
        session.execute(_history_rows(now))
        later(session, "overdue.notices", [])
        return int(marked.rowcount)


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


def recompute(
    session: Session,
    settings: Settings,
    actor: Actor = SYSTEM,
    why: str = "the overdue age was changed",
) -> int:
    """Give every issued, unpaid invoice the date that changed settings now mean, in one statement.

    actor -- who changed them
    why   -- what was changed, for the history of those that are not overdue any more

    Returns how many invoices have another date than before.
    """
    session.flush()
    fresh = _overdue_on_in_sql(session, settings)
    owed = and_(Invoice.issued_on.is_not(None), Invoice.state.in_(OWED_INVOICE_STATES))
    redated = and_(owed, Invoice.overdue_on.is_distinct_from(fresh))
    unmarked = and_(owed, _marked_before(clock.today(settings.timezone)))
    lock_each(session, Invoice, or_(redated, unmarked))
    changed: Any = session.execute(
        update(Invoice)
        .where(redated)
        .values(overdue_on=fresh)
        .execution_options(synchronize_session=False)
    )
    # Only now: nobody can mark what has its new date and is locked.
    _unmark(session, unmarked, actor, why)
    return int(changed.rowcount)


def _marked_before(today: dt.date) -> ColumnElement[bool]:
    """Return the condition that an invoice is marked and not overdue on ``today``."""
    not_yet = or_(Invoice.overdue_on.is_(None), Invoice.overdue_on > today)
    return and_(not_yet, Invoice.overdue_marked_at.is_not(None))


def _unmark(session: Session, chosen: ColumnElement[bool], actor: Actor, why: str) -> None:
    """Take the mark off what is not overdue any more: it is marked again should it become it."""
    sentence = f"No longer overdue: {why}"
    note_each(session, Invoice, select(Invoice.id).where(chosen), "not_overdue", sentence, actor)
    session.execute(
        update(Invoice)
        .where(chosen)
        .values(overdue_marked_at=None)
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True)
class Effect:
    """What other settings would do to the unpaid invoices: how many of them would be overdue
    today that are not, would not be that are, and would become overdue on another day than now.
    """

    newly: int = 0
    no_longer: int = 0
    redated: int = 0

    def __bool__(self) -> bool:
        return bool(self.newly or self.no_longer or self.redated)


def effect_of(session: Session, now: Settings, then: Settings) -> Effect:
    """Count what ``recompute`` would change under ``then`` instead of ``now``, in one statement.

    then -- its overdue age, basis and time zone are all that is read; it need not be stored
    """
    fresh = _overdue_on_in_sql(session, then)
    is_open = Invoice.state.in_(OPEN_INVOICE_STATES)
    is_late = and_(is_open, func.coalesce(Invoice.overdue_on <= clock.today(now.timezone), false()))
    would_be = and_(is_open, func.coalesce(fresh <= clock.today(then.timezone), false()))
    row = session.execute(
        select(
            func.count().filter(and_(not_(is_late), would_be)),
            func.count().filter(and_(is_late, not_(would_be))),
            func.count().filter(Invoice.overdue_on.is_distinct_from(fresh)),
        ).where(Invoice.issued_on.is_not(None), Invoice.state.in_(OWED_INVOICE_STATES))
    ).one()
    return Effect(*(int(count) for count in row))


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
