"""Made-up letters for a preview: they look like real ones and are about nobody."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

from billing import runtime
from documents.colours import accent
from documents.papers import InvoicePaper, PaidLine
from models import Settings
from models.states import InvoiceState

_AMOUNT = 12_500
_NUMBER = 1042
_FORM = "Storage waiting list"
_CARD = "Visa ending in 1111"


def sample_context(kind: str, office: Settings, today: dt.date) -> dict[str, Any]:
    """Return what the templates of ``kind`` are given for a made-up customer.

    today -- the office's local date
    """
    due = today + dt.timedelta(days=14)
    description = f"Unit 14, rent for {today:%B %Y}"
    paid = kind == "receipt"
    link = f"{runtime.current().public_url}/i/example"
    state = InvoiceState.PAID if paid else InvoiceState.SENT
    content = {
        "number": _NUMBER,
        "description": description,
        "due_on": due.isoformat(),
        "total": _AMOUNT,
    }
    return {
        "office": office,
        "colours": accent(office.accent),
        "name": "Jane Example",
        "params": {
            "card": _CARD,
            "expires_on": due.isoformat(),
            "reason": "Please add a copy of your proof of address.",
        },
        "link": link,
        "content": content,
        "paper": InvoicePaper(content, state, 0 if paid else _AMOUNT, pay_url="" if paid else link),
        "lines": [PaidLine(1, today, _CARD, "8kf2m0ab", _AMOUNT)],
        "paid_for": [],
        "paid_amount": _AMOUNT,
        "surplus": 0,
        "failed_amount": _AMOUNT,
        "tried_for": [],
        "today": today.isoformat(),
        "overdue": False,
        "method": _CARD,
        "reason": "",
        "again_on": today + dt.timedelta(days=3),
        "may_work": True,
        "method_link": f"{runtime.current().public_url}/m/example",
        "application": _application(),
        **_statement(description, due, today, link),
    }


def _application() -> Any:
    return SimpleNamespace(
        reference="A-1042",
        form=SimpleNamespace(name=_FORM),
        outstanding_balance=_AMOUNT,
        fees_total=_AMOUNT,
        state="pending",
    )


def _statement(description: str, due: dt.date, today: dt.date, link: str) -> dict[str, Any]:
    invoice = SimpleNamespace(number=_NUMBER, description=description, balance=_AMOUNT, due_on=due)
    row = SimpleNamespace(invoice=invoice, overdue=False, in_flight=False, paid=0, credited=0)
    statement = SimpleNamespace(rows=(row,), unit=None, on=today, to_pay=_AMOUNT, credit=0)
    return {"statement": statement, "statement_rows": [(row, link)]}
