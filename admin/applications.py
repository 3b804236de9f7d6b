"""What applications add to the generated panel: the filter by what became of their invoices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, and_, exists, not_

from admin.base.filters import OneParam, Options, Reading
from admin.base.view import RecordView
from admin.base.words import Words
from models import Application, Invoice
from models.states import OWED_INVOICE_STATES, InvoiceState


def _has_invoice(*conditions: Any) -> ColumnElement[bool]:
    return exists().where(Invoice.billable_id == Application.billable_id, *conditions)


@dataclass(frozen=True)
class InvoicesFilter(OneParam):
    """Applications with an invoice that is still owed, or with paid ones only."""

    shape: ClassVar[str] = "select"
    name: str = "with_invoices"
    label: str = "With invoices"
    options: Options = (("unpaid", "Unpaid"), ("paid", "Paid"))

    def read(self, _model: Any, args: Mapping[str, str], _words: Words, into: Reading) -> None:
        """Take the condition asked for; the model is always the application."""
        text = args.get(self.name, "")
        owed = _has_invoice(Invoice.state.in_(OWED_INVOICE_STATES))
        paid = and_(_has_invoice(Invoice.state == InvoiceState.PAID), not_(owed))
        if text in ("unpaid", "paid"):
            into.take(self.name, text, owed if text == "unpaid" else paid)
        elif text:
            into.refuse(self.label, text)


class ApplicationView(RecordView):
    """Applications."""

    record = Application
    empty = "They appear here once customers hand them in."

    def __init__(self, model: Any = None) -> None:
        super().__init__(model)
        self.filters.append(InvoicesFilter())
