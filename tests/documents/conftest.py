"""Papers without a database: drawing needs nothing but the paper's words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import documents
from documents.papers import InvoicePaper, PaidLine, ReceiptPaper
from models.states import InvoiceState

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "WzEwLDEsMjUxNl0.AuN12QDCmrTpiUDP2NvQHDkE_7WXYna9ykqliW2GTVw"


@pytest.fixture(autouse=True)
def _fonts() -> None:
    documents.configure(ROOT / "node_modules")


@pytest.fixture
def content() -> Callable[..., dict[str, Any]]:
    """``content(**changes)``: what an invoice said when it was sent."""

    def build(**changes: Any) -> dict[str, Any]:
        whole = {
            "number": 10,
            "description": "Outstanding balance for 2027 Dog Park",
            "issued_on": "2026-11-20",
            "sent_on": "2026-11-20",
            "due_on": "2026-12-15",
            "currency": "USD",
            "locale": "en_US",
            "total": 2000,
            "net": 2000,
            "tax": 0,
            "organisation": {
                "name": "City of Fairhaven",
                "tagline": "Permits",
                "address": "200 Main Street\nFairhaven, WA 98225",
                "phone": "(360) 555-0142",
                "email": "permits@fairhaven.example",
                "website": "https://fairhaven.example",
                "accent": "#1f5f5b",
                "footer": "Open Monday to Friday.",
            },
            "bill_to": {"name": "Zoë Alvarez", "email": "zoe@example.org", "address": "1 Elm St"},
            "items": [item("Outstanding application balance", 2000)],
        }
        for name in ("organisation", "bill_to"):
            whole[name] |= changes.pop(name, {})
        return whole | changes

    return build


@pytest.fixture
def invoice(content: Callable[..., dict[str, Any]]) -> Callable[..., InvoicePaper]:
    """``invoice(state=…, **content)``: an invoice to draw."""

    def build(state: InvoiceState = InvoiceState.SENT, **changes: Any) -> InvoicePaper:
        own = {name: changes.pop(name) for name in ("payments", "credits") if name in changes}
        balance = changes.pop("balance", changes.get("total", 2000))
        payable = state in (InvoiceState.SENT, InvoiceState.FAILED)
        url = f"https://pay.example.org/i/{TOKEN}" if payable else ""
        return InvoicePaper(content(**changes), state, balance, pay_url=url, **own)

    return build


@pytest.fixture
def receipt(content: Callable[..., dict[str, Any]]) -> Callable[..., ReceiptPaper]:
    """``receipt(taken_back=…, balance=…, **content)``: a receipt to draw."""

    def build(taken_back: Any = (), balance: int = 0, **changes: Any) -> ReceiptPaper:
        line = PaidLine(
            payment_id=7,
            on=date(2026, 11, 21),
            method="Visa ending in 1111",
            reference="cf-3961efa60eb2",
            received=2000,
            taken_back=tuple(taken_back),
        )
        return ReceiptPaper(content(**changes), line, balance)

    return build


def item(description: str, net: int, **more: Any) -> dict[str, Any]:
    """One line of an invoice's content; amounts in minor units."""
    line: dict[str, Any] = {
        "description": description,
        "quantity": "1",
        "unit_amount": net,
        "discount": 0,
        "tax_rate": "0",
        "net": net,
        "tax": 0,
    } | more
    return line | {"gross": line["net"] + line["tax"]}
