"""The receipt for one payment, and the corrected one after money went back."""

from __future__ import annotations

import json
from datetime import date

from documents.fonts import one_line
from documents.papers import ReceiptPaper
from documents.sheets import GOOD, MARGIN, QUIET, WARN, Sheet, strong_words


def receipt_pdf(paper: ReceiptPaper) -> bytes:
    """Draw a receipt and return the file.

    After a refund or a returned debit it is the corrected receipt: what came, what went back, and
    what counts in the end.
    """
    content, line = paper.content, paper.line
    sheet = Sheet(
        content,
        title=paper.title,
        written=json.dumps(content, ensure_ascii=False) + line.method + line.reference + "€−·",
        strong=strong_words(content),
        made_on=line.on,
    )
    sheet.add_page()
    kind = "Corrected receipt" if line.taken_back else "Receipt"
    sheet.letterhead(kind, f"Invoice #{content['number']}")
    window_ends = sheet.address_window(44)
    y = sheet.facts(46, [("Paid on", sheet.day(line.on)), ("Paid with", line.method)])
    left = MARGIN + sheet.inner - 74
    sheet.rule(y + 1.2, x=left, width=74)
    word = "Paid in the end" if line.taken_back else "Amount paid"
    sheet.words(left, y + 3, word, width=30, size=9.5, colour=QUIET)
    y = sheet.words(left, y + 2.2, sheet.money(line.kept), width=74, size=20, bold=True, align="R")
    sheet.set_y(max(window_ends, y, 78) + 12)
    _story(sheet, paper)
    _mark(sheet, paper, sheet.get_y() + 12)
    return bytes(sheet.output())


def _story(sheet: Sheet, paper: ReceiptPaper) -> None:
    content, line = paper.content, paper.line
    rows = [
        ("Received from", one_line(content["bill_to"]["name"])),
        ("For", content["description"].strip()),
        ("Invoice", f"#{content['number']} of {sheet.money(content['total'])}"),
        ("Received", f"{sheet.money(line.received)} on {sheet.day(line.on)}"),
        ("Paid with", line.method),
    ]
    for part in line.taken_back:
        on = f" on {sheet.day(part.on)}" if part.on else ""
        rows.append((part.words, f"−{sheet.money(part.amount)}{on}"))
    rows.append(("Reference", line.reference))
    if paper.balance:
        rows.append(("Left to pay", sheet.money(paper.balance)))
    if paper.surplus:
        rows.append(("Paid too much", f"{sheet.money(paper.surplus)}, kept as credit"))
    sheet.rule(sheet.get_y() - 2)
    for label, value in rows:
        y = sheet.get_y()
        if not sheet.room_for(sheet.height_of(value, width=sheet.inner - 45, size=10) + 4):
            sheet.add_page()
            y = sheet.get_y()
        sheet.words(MARGIN, y, label, width=42, size=10, colour=QUIET)
        y = sheet.words(MARGIN + 45, y, value, width=sheet.inner - 45, size=10)
        sheet.rule(y + 1.6)
        sheet.set_y(y + 3.6)


def mark_words(paper: ReceiptPaper) -> str:
    """Return the one word the receipt is stamped with."""
    if not paper.line.taken_back:
        return "PAID"
    if paper.line.kept:
        return "CORRECTED"
    return paper.line.taken_back[-1].kind.upper()


def mark_day(paper: ReceiptPaper) -> date | None:
    """Return the day the receipt is stamped with: of the last that happened, None if unknown."""
    taken_back = paper.line.taken_back
    return taken_back[-1].on if taken_back else paper.line.on


def _mark(sheet: Sheet, paper: ReceiptPaper, y: float) -> None:
    """The stamp: a frame, the word and the day, a little askew like any stamp."""
    words = mark_words(paper)
    colour = GOOD if words == "PAID" else WARN
    width, height = 62.0, 24.0
    if not sheet.room_for(height + 20):
        sheet.add_page()
        y = sheet.get_y() + 10
    x = MARGIN + sheet.inner - width - 4
    with sheet.rotation(5, x + width / 2, y + height / 2):
        sheet.set_draw_color(*colour)
        sheet.set_line_width(0.9)
        sheet.rect(x, y, width, height, round_corners=True, corner_radius=2.5)
        sheet.set_line_width(0.25)
        sheet.rect(
            x + 1.4, y + 1.4, width - 2.8, height - 2.8, round_corners=True, corner_radius=1.6
        )
        sheet.words(x, y + 4.2, words, width=width, size=20, bold=True, colour=colour, align="C")
        day = mark_day(paper)
        if day is not None:
            sheet.words(x, y + 15.2, sheet.day(day), width=width, size=9, colour=colour, align="C")
