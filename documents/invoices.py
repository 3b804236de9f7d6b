"""The invoice as a letter: head, window, items, what is left to pay, and the counterfoil."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from documents.counterfoil import draw_counterfoil
from documents.fonts import one_line
from documents.papers import InvoicePaper
from documents.sheets import GOOD, INK, MARGIN, QUIET, WARN, Sheet, strong_words
from models.states import InvoiceState

_ROW = 9.2
_EPOCH = date(2000, 1, 1)


def invoice_pdf(paper: InvoicePaper) -> bytes:
    """Draw an invoice and return the file.

    Its balance is today's, its words are those that were sent. A paid, withdrawn or unsent
    invoice says so in its head and asks for no money.
    """
    content = paper.content
    sheet = Sheet(
        content,
        title=paper.title,
        written=words_of(paper),
        strong=strong_words(content),
        made_on=made_on(content),
    )
    draw_invoice(sheet, paper)
    return bytes(sheet.output())


def draw_invoice(sheet: Sheet, paper: InvoicePaper) -> None:
    """Draw an invoice on pages of its own."""
    sheet.add_page()
    _head(sheet, paper)
    _items(sheet, paper.content)
    _totals(sheet, paper)
    _closing_words(sheet, paper.content)
    draw_counterfoil(sheet, paper)


def standing_words(paper: InvoicePaper) -> str:
    """Return what the head says of an invoice that asks for nothing, else an empty string."""
    return {
        InvoiceState.PAID: "Paid in full",
        InvoiceState.PENDING: "Payment is being processed",
        InvoiceState.DELETED: "No longer valid",
        InvoiceState.DRAFT: "Draft, not yet payable",
    }.get(paper.state, "")


def words_of(paper: InvoicePaper) -> str:
    """Return everything that will be written, so that only the fonts it needs are read."""
    texts = json.dumps(paper.content, ensure_ascii=False)
    return texts + " ".join(line.method for line in paper.payments) + "€−×…·"


def made_on(content: Mapping[str, Any]) -> date:
    """Return the day that stands in the file."""
    sent = content.get("sent_on") or content.get("issued_on")
    return date.fromisoformat(sent) if sent else _EPOCH


def _head(sheet: Sheet, paper: InvoicePaper) -> None:
    content = paper.content
    number = content.get("number")
    sheet.letterhead("Invoice" if number else "Draft", f"#{number}" if number else "")
    window_ends = sheet.address_window(44)
    y = sheet.facts(
        46,
        [
            ("Invoice date", sheet.day(content.get("issued_on"))),
            ("Sent on", _if_other(sheet, content)),
            ("Due on", sheet.day(content.get("due_on"))),
        ],
    )
    left = MARGIN + sheet.inner - 74
    sheet.rule(y + 1.2, x=left, width=74)
    standing = standing_words(paper)
    if standing:
        colour = GOOD if paper.state == InvoiceState.PAID else WARN
        y = sheet.words(
            left, y + 3, standing, width=74, size=14, bold=True, colour=colour, align="R"
        )
    else:
        y = sheet.words(left, y + 3, "Amount due", width=30, size=9.5, colour=QUIET)
        y = sheet.words(
            left, y - 5.5, sheet.money(paper.balance), width=74, size=20, bold=True, align="R"
        )
    sheet.set_y(max(window_ends, y, 78) + 9)
    words = content["description"].strip()
    sheet.words(MARGIN, sheet.get_y(), words, width=sheet.inner, size=10.5)
    sheet.ln(5)


def _if_other(sheet: Sheet, content: Mapping[str, Any]) -> str:
    sent = content.get("sent_on")
    return sheet.day(sent) if sent != content.get("issued_on") else ""


def _columns(sheet: Sheet, content: Mapping[str, Any]) -> list[tuple[str, float, str]]:
    """Heading, width and alignment of the columns; quantity and tax only where they matter."""
    columns = [("Amount", 30.0, "R")]
    items = content["items"]
    if any(item["tax"] for item in items):
        columns.insert(0, ("Tax", 18.0, "R"))
    if any(item["quantity"] != "1" or item["discount"] for item in items):
        columns.insert(0, ("Price", 28.0, "R"))
        columns.insert(0, ("Quantity", 20.0, "R"))
    taken = sum(width for _, width, _ in columns)
    return [("Item", sheet.inner - taken, "L"), *columns]


def _cells(sheet: Sheet, item: Mapping[str, Any]) -> dict[str, str]:
    discount = f"\nless {sheet.money(item['discount'])}" if item["discount"] else ""
    return {
        "Item": one_line(item["description"]),
        "Quantity": sheet.number(item["quantity"]),
        "Price": sheet.money(item["unit_amount"]) + discount,
        "Tax": f"{sheet.number(item['tax_rate'])} %" if item["tax"] else "",
        "Amount": sheet.money(item["net"]),
    }


def _table_head(sheet: Sheet, columns: list[tuple[str, float, str]]) -> None:
    x, y = MARGIN, sheet.get_y()
    end = y
    for heading, width, align in columns:
        end = sheet.words(x, y, heading, width=width, size=8.5, colour=QUIET, align=align)
        x += width
    sheet.rule(end + 1.2, colour=INK, weight=0.35)
    sheet.set_y(end + 3)


def _items(sheet: Sheet, content: Mapping[str, Any]) -> None:
    columns = _columns(sheet, content)
    if not sheet.room_for(24):
        sheet.add_page()
    _table_head(sheet, columns)
    for item in content["items"]:
        cells = _cells(sheet, item)
        tall = max(
            sheet.height_of(cells[heading], width=width - 3, size=_ROW)
            for heading, width, _ in columns
        )
        if not sheet.room_for(tall + 3.2):
            sheet.add_page()
            _table_head(sheet, columns)
        x, y = MARGIN, sheet.get_y()
        for heading, width, align in columns:
            inset = 3 if align == "R" else 0
            sheet.words(x + inset, y, cells[heading], width=width - 3, size=_ROW, align=align)
            x += width
        sheet.rule(y + tall + 1.4)
        sheet.set_y(y + tall + 2.8)


def _totals(sheet: Sheet, paper: InvoicePaper) -> None:
    content = paper.content
    rows: list[tuple[str, str]] = []
    if content["tax"]:
        rows += [
            ("Before tax", sheet.money(content["net"])),
            ("Tax", sheet.money(content["tax"])),
        ]
    if rows or paper.payments or paper.credits:
        rows.append(("Total", sheet.money(content["total"])))
    for line in paper.payments:
        words = f"Paid on {sheet.day(line.on, 'medium')}, {line.method}"
        rows.append((words, f"−{sheet.money(line.received)}"))
        for part in line.taken_back:
            on = f" on {sheet.day(part.on, 'medium')}" if part.on else ""
            rows.append((f"{part.words}{on}", sheet.money(part.amount)))
    rows += [
        (f"Credited on {sheet.day(credit.on, 'medium')}", f"−{sheet.money(credit.amount)}")
        for credit in paper.credits
    ]
    left, label = MARGIN + sheet.inner - 100, 66.0
    for words, amount in rows:
        _total_row(sheet, left, label, words, amount, size=9.5)
    if not sheet.room_for(10):
        sheet.add_page()
    sheet.rule(sheet.get_y() + 0.6, x=left, width=100, colour=sheet.accent_ink, weight=0.6)
    sheet.set_y(sheet.get_y() + 2.4)
    last = "Left to pay" if paper.payments or paper.credits else "Amount due"
    _total_row(sheet, left, label, last, sheet.money(paper.balance), size=11.5, bold=True)


def _total_row(
    sheet: Sheet,
    left: float,
    label: float,
    words: str,
    amount: str,
    *,
    size: float,
    bold: bool = False,
) -> None:
    if not sheet.room_for(9):
        sheet.add_page()
    y = sheet.get_y()
    end = sheet.words(left, y, words, width=label, size=size, bold=bold)
    sheet.words(left + label, y, amount, width=100 - label, size=size, bold=bold, align="R")
    sheet.set_y(end + 1)


def _closing_words(sheet: Sheet, content: Mapping[str, Any]) -> None:
    footer = content["organisation"].get("footer", "").strip()
    if footer:
        sheet.words(MARGIN, sheet.get_y() + 5, footer, width=sheet.inner, size=9, colour=QUIET)
