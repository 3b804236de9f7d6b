"""When an invoice becomes overdue, said in a sentence on its page: also before it is sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from admin.base import cells
from admin.base.columns import Column
from admin.base.words import Words, office_settings
from billing.overdue import overdue_if_sent
from models import Settings
from models.states import OPEN_INVOICE_STATES, InvoiceState

NO_AGE = "never: no overdue age is set"
_CLOSED = {InvoiceState.PAID: "never: it is paid", InvoiceState.DELETED: "never: it is deleted"}
SOURCES = ("overdue_on", "state", "due_on", "issued_on")


def becomes_overdue(column: Column) -> dict[str, Any]:
    """Return what is other than in the generated ``column`` of ``overdue_on``."""

    def render(values: Sequence[Any], words: Words, full: bool) -> Any:
        if not full:
            return cells.show("date", values[0], words, full)
        overdue_on, state, due_on, issued_on = values
        if state is InvoiceState.DRAFT:
            return _of_draft(due_on, issued_on, words, office_settings())
        return _CLOSED.get(state) or _of_issued(overdue_on, state, words)

    return {"label": "Becomes overdue", "sources": SOURCES, "render": render}


def _of_draft(
    due_on: dt.date | None, issued_on: dt.date | None, words: Words, settings: Settings
) -> str:
    day = overdue_if_sent(due_on, issued_on, words.today, settings)
    if day is None:
        return NO_AGE
    if day <= words.today:
        return "at once when sent today, because of its due date"
    return f"when sent today: on {words.day(day)}"


def _of_issued(overdue_on: dt.date | None, state: InvoiceState, words: Words) -> Any:
    if overdue_on is None:
        return NO_AGE
    if state not in OPEN_INVOICE_STATES:
        if overdue_on <= words.today:
            return "at once if the payment being processed does not arrive"
        return f"on {words.day(overdue_on)}, unless the payment being processed arrives"
    if overdue_on > words.today:
        return f"on {words.day(overdue_on)}"
    days = (words.today - overdue_on).days + 1
    counted = "1 day" if days == 1 else f"{days:,} days"
    return Markup('<span class="overdue">overdue since {} ({})</span>').format(
        words.day(overdue_on), counted
    )
