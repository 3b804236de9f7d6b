"""What users, units and sites owe: columns of their lists, figures and flags of their pages.

One predicate (``billing.overdue``) and one set of states decide all of it, and the invoices of
sites that somebody may not see count nowhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import g, url_for
from markupsafe import Markup
from sqlalchemy import CTE, func, select

from admin.base import cells
from admin.base.access import holds
from admin.base.columns import Column, Derived
from admin.base.eye import Figure
from admin.base.filters import ConditionFilter
from admin.base.scope import in_scope, site_ids
from admin.base.view import RecordView
from admin.base.words import Words
from billing.overdue import overdue_condition
from models import Invoice, Site, Unit, User, db
from models.states import OWED_INVOICE_STATES, InvoiceState

NEEDS = "invoices.view"
# Which attribute of a record an invoice has too.
LINKS: dict[type[Any], tuple[Any, Any]] = {
    User: (User.id, Invoice.user_id),
    Unit: (Unit.billable_id, Invoice.billable_id),
    Site: (Site.id, Invoice.site_id),
}


@dataclass(frozen=True)
class Standing:
    """What one record owes, in minor units; ``pending`` of it is being collected.

    late, count, since -- what of it is overdue, on how many invoices, and from which day on
    """

    owed: int
    pending: int
    late: int
    count: int
    since: dt.date | None


def _is_owed() -> Any:
    return Invoice.state.in_(OWED_INVOICE_STATES)


def _per_row(model: Any, name: str, words: Words) -> Any:
    """Return a sum over the invoices of each row of a page: a few, found by index."""
    own, foreign = LINKS[model]
    value, condition = _values(words.today)[name]
    return (
        select(value)
        .where(foreign == own, condition, *in_scope(Invoice))
        .correlate(model)
        .scalar_subquery()
    )


def _values(today: dt.date) -> dict[str, tuple[Any, Any]]:
    late = overdue_condition(today)
    return {
        "owed": (func.sum(Invoice.balance), _is_owed()),
        "late": (func.sum(Invoice.balance), late),
        "since": (func.min(Invoice.overdue_on), late),
    }


@lru_cache(maxsize=16)
def _by_site(today: dt.date, _sites: frozenset[int]) -> CTE:
    """Return what is owed by site, put together once for the page.

    A site has many invoices, so a sum for each row would read them all again and again.
    """
    values = _values(today)
    columns = [value.filter(when).label(name) for name, (value, when) in values.items()]
    rows = select(Invoice.site_id, *columns).where(_is_owed(), *in_scope(Invoice))
    return rows.group_by(Invoice.site_id).cte("by_site")


def _derived(model: Any, name: str) -> Derived:
    def sql(words: Words) -> Any:
        if model is not Site:
            return _per_row(model, name, words)
        sums = _by_site(words.today, site_ids())
        found = select(sums.c[name]).where(sums.c.site_id == Site.id)
        return found.correlate(Site).scalar_subquery()

    return Derived(sql=sql, of=lambda _record, _words: None)


def _owed(values: Sequence[Any], words: Words, _full: bool) -> Any:
    return words.money(int(values[0])) if values[0] else cells.EMPTY


def _late(values: Sequence[Any], words: Words, _full: bool) -> Any:
    amount, since = values
    if since is None:
        return cells.EMPTY
    return Markup('<span class="overdue"><b>{}</b> since {}</span>').format(
        words.money(int(amount)), words.short_day(since)
    )


def standing_columns(model: Any) -> list[Column]:
    """Return the two columns of a list: what is outstanding, and in red what of it is overdue."""
    owed, late, since = (_derived(model, name) for name in ("owed", "late", "since"))

    def amount(values: Sequence[Any], words: Words) -> Any:
        return cells.plain("money", int(values[0] or 0), words)

    return [
        Column("outstanding", "Outstanding", "money", (owed,), _owed, amount, needs=NEEDS),
        Column("overdue", "Overdue", "money", (late, since), _late, amount, needs=NEEDS),
    ]


def since_column(model: Any) -> Column:
    """Return the CSV's column of the oldest date, which the list shows beside the sum."""
    since = _derived(model, "since")
    return Column(
        "overdue_since",
        "Overdue since",
        "date",
        (since,),
        lambda values, words, full: cells.show("date", values[0], words, full),
        lambda values, words: cells.plain("date", values[0], words),
        needs=NEEDS,
    )


def overdue_filter(model: Any) -> ConditionFilter:
    """Return the filter for the records that something is overdue on, or nothing."""
    own, foreign = LINKS[model]

    def late(words: Words) -> Any:
        found = select(foreign).where(
            overdue_condition(words.today), foreign.is_not(None), *in_scope(Invoice)
        )
        return own.in_(found)

    return ConditionFilter(
        "overdue",
        "Overdue",
        {"yes": late, "no": lambda words: ~late(words)},
        options=(("yes", "Yes"), ("no", "No")),
        permission=NEEDS,
    )


def standing_of(record: Any, words: Words) -> Standing | None:
    """Return what a record owes, read once a request; None for who may not see invoices."""
    if not holds(NEEDS):
        return None
    kept: dict[tuple[type[Any], int], Standing] = g.setdefault("panel_standing", {})
    key = (type(record), record.id)
    if key not in kept:
        kept[key] = _read(record, words)
    return kept[key]


def _read(record: Any, words: Words) -> Standing:
    own, foreign = LINKS[type(record)]
    amount, overdue = Invoice.balance, overdue_condition(words.today)
    collected = Invoice.state == InvoiceState.PENDING
    row = db.session.execute(
        select(
            func.coalesce(func.sum(amount), 0),
            func.coalesce(func.sum(amount).filter(collected), 0),
            func.coalesce(func.sum(amount).filter(overdue), 0),
            func.count().filter(overdue),
            func.min(Invoice.overdue_on).filter(overdue),
        ).where(foreign == getattr(record, own.key), _is_owed(), *in_scope(Invoice))
    ).one()
    owed, pending, late, count, since = row
    return Standing(int(owed), int(pending), int(late), int(count), since)


def standing_figures(record: Any, words: Words) -> list[Figure]:
    """Return the figures at the top of a record's page; the overdue one leads to its invoices."""
    found = standing_of(record, words)
    if found is None:
        return []
    figures = [Figure("Outstanding balance", words.money(found.owed))]
    if found.pending:
        figures.append(Figure("Of this, being collected", words.money(found.pending)))
    if found.since is not None:
        many = "s" if found.count > 1 else ""
        label = f"Overdue: {found.count:,} invoice{many} since {words.short_day(found.since)}"
        name = type(record).__name__.lower()
        url = url_for("invoice.index_view", state="overdue", **{name: record.id})
        figures.append(Figure(label, words.money(found.late), "overdue", url))
    return figures


class StandingView(RecordView):
    """Base of the views of what can owe something: lists and pages say how much, and since when."""

    def __init__(self, model: Any = None) -> None:
        super().__init__(model)
        self.filters.append(overdue_filter(self.model))

    def more_columns(self) -> list[Column]:
        return standing_columns(self.model)

    def exported(self) -> list[Column]:
        since = since_column(self.model)
        return [*super().exported(), *([since] if since.may_see() else [])]

    def badges(self, record: Any, words: Words) -> Any:
        found = standing_of(record, words)
        late = found is not None and found.since is not None
        return super().badges(record, words) + (cells.overdue_flag() if late else Markup())

    def figures(self, record: Any, words: Words) -> list[Figure]:
        return standing_figures(record, words)
