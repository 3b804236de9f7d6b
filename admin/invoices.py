"""What invoices add to the generated panel: Active and Overdue, what is left to pay, red flags.

Also the strip of outstanding amounts on the pages of users, units and sites, from the same rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import url_for
from markupsafe import Markup
from sqlalchemy import func, select

from admin.base import cells
from admin.base.access import holds
from admin.base.columns import Column, Derived
from admin.base.eye import Figure
from admin.base.grid import DerivedState
from admin.base.scope import in_scope
from admin.base.view import RecordView
from admin.base.words import Words
from admin.credit import credit, not_invoiced
from billing.overdue import is_overdue, overdue_condition
from models import Invoice, Payment, Site, Unit, User, db
from models.panel import Caption
from models.states import ACTIVE_INVOICE_STATES, OWED_INVOICE_STATES, InvoiceState

OVERDUE = Derived(
    sql=lambda words: overdue_condition(words.today),
    of=lambda invoice, words: is_overdue(invoice, words.today),
)


def _state(values: Sequence[Any], words: Words, full: bool) -> Markup:
    state, overdue = values
    return cells.badge(state) + (cells.overdue_flag() if overdue else Markup())


def _amount(values: Sequence[Any], words: Words, full: bool) -> Any:
    """Show the total; in a grid also what is left of it, in parentheses, once a part was paid."""
    total, balance, overdue = values
    if full or not 0 < balance < total:
        return words.money(total)
    return Markup('{} <span class="left{}" title="Left to pay">({})</span>').format(
        words.money(total), " overdue" if overdue else "", words.money(balance)
    )


def _due(values: Sequence[Any], words: Words, full: bool) -> Any:
    due_on, overdue = values
    shown = cells.show("date", due_on, words, full)
    return Markup('<span class="overdue">{}</span>').format(shown) if overdue else shown


class InvoiceView(RecordView):
    """Invoices, with the filters and flags the office lives by."""

    record = Invoice
    strip = "Amount"
    empty = "Open an approved application and choose Generate Invoice."
    derived_states = {
        "active": DerivedState("Active", members=tuple(s.value for s in ACTIVE_INVOICE_STATES)),
        "overdue": DerivedState(
            "Overdue", condition=lambda words: overdue_condition(words.today), tone="overdue"
        ),
    }

    def column(self, name: str) -> Column:
        column = super().column(name)
        if name == "state":
            return replace(column, sources=("state", OVERDUE), render=_state)
        if name == "total":
            return replace(column, sources=("total", "balance", OVERDUE), render=_amount)
        if name == "due_on":
            return replace(column, sources=("due_on", OVERDUE), render=_due)
        return column

    def title_of(self, record: Any) -> str:
        return str(record)

    def figures(self, record: Any, words: Words) -> list[Figure]:
        overdue = is_overdue(record, words.today)
        *others, left = super().figures(record, words)
        return [*others, replace(left, tone="overdue")] if overdue else [*others, left]


def outstanding(words: Words, condition: Any, **filters: Any) -> list[Figure]:
    """Return what is owed, in flight and overdue among the invoices ``condition`` selects.

    filters -- what the invoice grid is opened with from there
    """
    if not holds("invoices.view"):
        return []
    owed = Invoice.balance
    overdue = overdue_condition(words.today)
    row = db.session.execute(
        select(
            func.coalesce(func.sum(owed), 0),
            func.coalesce(func.sum(owed).filter(Invoice.state == InvoiceState.PENDING), 0),
            func.coalesce(func.sum(owed).filter(overdue), 0),
            func.count().filter(overdue),
        ).where(condition, Invoice.state.in_(OWED_INVOICE_STATES), *in_scope(Invoice))
    ).one()
    total, pending, late, count = (int(value) for value in row)
    figures = [Figure("Outstanding balance", words.money(total))]
    if pending:
        figures.append(Figure("of it being collected", words.money(pending)))
    if count:
        label = f"Overdue: {count} invoice{'s' if count > 1 else ''}"
        url = url_for("invoice.index_view", state="overdue", **filters) if filters else None
        figures.append(Figure(label, words.money(late), "overdue", url))
    return figures


class UserView(RecordView):
    """Customers, with what they owe."""

    record = User

    def figures(self, record: Any, words: Words) -> list[Figure]:
        return [
            *outstanding(words, Invoice.user_id == record.id, user=record.id),
            *not_invoiced(words, record),
            *credit(words, record),
        ]


class SiteView(RecordView):
    """Sites, with what is owed there."""

    record = Site
    default_sort = "name"

    def figures(self, record: Any, words: Words) -> list[Figure]:
        return outstanding(words, Invoice.site_id == record.id, site=record.id)


class UnitView(RecordView):
    """Units, with what is owed for them."""

    record = Unit

    def figures(self, record: Any, words: Words) -> list[Figure]:
        return outstanding(words, Invoice.billable_id == record.billable_id)


class PaymentView(RecordView):
    """Payments, with what no invoice has used of them."""

    record = Payment
    strip = "Where it went"
    empty = "They appear here as soon as customers pay."
    labels = {"unapplied": Caption("Not applied", "money")}
