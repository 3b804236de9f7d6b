"""What invoices add to the generated panel: Active and Overdue, what is left to pay, red flags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import select

from admin import shares
from admin.base import cells
from admin.base.bulk import BulkAction
from admin.base.columns import Column, Derived
from admin.base.eye import Figure
from admin.base.filters_related import RelationFilter
from admin.base.grid import DerivedState
from admin.base.view import RecordView
from admin.base.words import Words
from admin.credit import credit, not_invoiced
from admin.overdue_words import becomes_overdue
from admin.standing import StandingView
from billing.overdue import is_overdue, overdue_condition
from models import Invoice, Site, Unit, User
from models.states import ACTIVE_INVOICE_STATES

OVERDUE = Derived(
    sql=lambda words: overdue_condition(words.today),
    of=lambda invoice, words: is_overdue(invoice, words.today),
)


# For the CSV, where no flag stands beside the state.
LATE = Column(
    "overdue",
    "Overdue",
    "yes_no",
    (OVERDUE,),
    lambda values, words, full: cells.show("yes_no", bool(values[0]), words, full),
    lambda values, words: cells.plain("yes_no", bool(values[0]), words),
)


@dataclass(frozen=True)
class UnitFilter(RelationFilter):
    """The invoices about one unit, through what is billed."""

    def condition(self, model: Any, record_id: int) -> Any:
        billed = select(Unit.billable_id).where(Unit.id == record_id)
        return model.billable_id == billed.scalar_subquery()


UNIT = UnitFilter("unit", "Unit", "billable", Unit, quiet=True)


def _state(values: Sequence[Any], words: Words, full: bool) -> Markup:
    state, overdue = values
    return cells.badge(state) + (cells.overdue_flag() if overdue else Markup())


def _amount(values: Sequence[Any], words: Words, full: bool) -> Any:
    """Show the total; in a grid also what is left of it, in parentheses, once a part was paid."""
    total, balance, overdue = values
    if full or not 0 < balance < total:
        return words.money(total)
    tone = " overdue" if overdue else ""
    left = f'<span class="left{tone}" title="Left to pay">({escape(words.money(balance))})</span>'
    return Markup(f"{escape(words.money(total))} {left}")  # noqa: S704


def _due(values: Sequence[Any], words: Words, full: bool) -> Any:
    due_on, overdue = values
    shown = cells.show("date", due_on, words, full)
    return Markup(f'<span class="overdue">{escape(shown)}</span>') if overdue else shown  # noqa: S704


class InvoiceView(RecordView):
    """Invoices, with the filters and flags the office lives by."""

    record = Invoice
    strip = "Amount"
    empty = (
        "Open an approved application and choose Generate Invoice, or a user or unit and choose "
        "Create invoice."
    )
    bulk_actions = (
        BulkAction("Send", "send", "invoices.send", "bulk.send"),
        BulkAction("Charge customer", "credit-card", "invoices.charge", "bulk.charge"),
        BulkAction("Remind", "bell-ring", "invoices.send", "bulk.remind"),
        BulkAction("Label", "tag", "invoices.label", "bulk.label_them"),
        BulkAction("PDF", "file-text", "invoices.view", "bulk.pdf"),
    )
    bulk_log = "bulk.index"
    derived_states = {
        "active": DerivedState("Active", members=tuple(s.value for s in ACTIVE_INVOICE_STATES)),
        "overdue": DerivedState(
            "Overdue",
            condition=lambda words: overdue_condition(words.today),
            tone="overdue",
            after="failed",
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
        if name == "overdue_on":
            return replace(column, **becomes_overdue(column))
        return column

    def __init__(self, model: Any = None) -> None:
        super().__init__(model)
        # Reached from a unit's page: an invoice knows what it is about, not the unit itself.
        self.filters.append(UNIT)
        self.relation_filters.append(UNIT)

    def exported(self) -> list[Column]:
        return [*super().exported(), LATE]

    def within(self, name: str, columns: list[Column]) -> list[Column]:
        return shares.in_words(columns) if name == "allocations" else columns

    def title_of(self, record: Any) -> str:
        return str(record)

    def figures(self, record: Any, words: Words) -> list[Figure]:
        overdue = is_overdue(record, words.today)
        *others, left = super().figures(record, words)
        return [*others, replace(left, tone="overdue")] if overdue else [*others, left]


class UserView(StandingView):
    """Customers, with what they owe."""

    record = User
    # All on the card "Billing" (templates/admin/pages/eye/user_billing.html).
    elsewhere = frozenset({"billing_method", "billing_trigger", "created_at"})

    def figures(self, record: Any, words: Words) -> list[Figure]:
        return [
            *super().figures(record, words),
            *not_invoiced(words, record),
            *credit(words, record),
        ]


class SiteView(StandingView):
    """Sites, with what is owed there."""

    record = Site
    default_sort = "name"


class UnitView(StandingView):
    """Units, with what is owed for them."""

    record = Unit
