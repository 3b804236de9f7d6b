"""The customer's invoices as a list: how each stands, in the order in which they matter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from billing import overdue
from billing.links import invoice_token
from billing.office import local_today
from models import Invoice
from models.states import InvoiceState
from portal.sheets import DELETED, DRAFT, PAID, PAYABLE, standings_of

_CLOSED = (PAID, DRAFT, DELETED)


@dataclass(frozen=True)
class InvoiceRow:
    """One line of the list; ``standing`` is one of the words of ``portal.sheets``."""

    invoice: Invoice
    standing: str
    overdue: bool

    @property
    def token(self) -> str:
        """What opens the invoice's own page."""
        return invoice_token(self.invoice)

    @property
    def is_open(self) -> bool:
        return self.standing not in _CLOSED

    @property
    def payable(self) -> bool:
        return self.standing == PAYABLE

    @property
    def failed(self) -> bool:
        return self.invoice.state is InvoiceState.FAILED


def rows_of(session: Session, invoices: Sequence[Invoice]) -> list[InvoiceRow]:
    """Return the rows: what is open first and of that the most urgent, then the newest."""
    standings = standings_of(session, invoices)
    today = local_today(session)
    rows = [
        InvoiceRow(invoice, standings[invoice.id], overdue.is_overdue(invoice, today))
        for invoice in invoices
    ]
    return sorted(rows, key=_urgency)


def _urgency(row: InvoiceRow) -> tuple[bool, bool, dt.date, int]:
    due_on = row.invoice.due_on if row.is_open else None
    return (not row.is_open, not row.overdue, due_on or dt.date.max, -row.invoice.id)
