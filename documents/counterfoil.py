"""The part one tears off: what an office stamps and keeps when somebody pays at the counter."""

from __future__ import annotations

import segno

from documents.fonts import one_line
from documents.papers import InvoicePaper
from documents.sheets import GOOD, INK, LINE, MARGIN, QUIET, WARN, Sheet

HEIGHT = 66.0
_FOOT = 14.0
_QR = 30.0
_STAMP = 44.0


def draw_counterfoil(sheet: Sheet, paper: InvoicePaper) -> None:
    """Draw the counterfoil at the foot of the last page, on a new one where there is no room."""
    cut = sheet.h - HEIGHT
    if sheet.get_y() > cut - _FOOT - 4:
        sheet.add_page()
    sheet.set_auto_page_break(False)
    sheet.foot_at = cut - _FOOT + 3
    _cut_line(sheet, cut)
    y = cut + 7
    sheet.words(MARGIN, y, "Counterfoil", width=80, size=9.5, bold=True, colour=sheet.accent_ink)
    y = sheet.words(
        MARGIN,
        y + 5,
        "Please hand this part in when you pay at our office or by mail.",
        width=78,
        size=7.5,
        colour=QUIET,
    )
    _facts(sheet, paper, y + 2.5)
    _stamp_box(sheet, cut + 8)
    _how_to_pay(sheet, paper, cut + 8)


def _cut_line(sheet: Sheet, y: float) -> None:
    sheet.set_draw_color(*QUIET)
    sheet.set_line_width(0.25)
    sheet.set_dash_pattern(dash=1.6, gap=1.4)
    sheet.line(14, y, sheet.w, y)
    sheet.set_dash_pattern()
    _scissors(sheet, 6.5, y)


def _scissors(sheet: Sheet, x: float, y: float) -> None:
    """A pair of scissors about to cut along ``y``: two rings and two blades."""
    sheet.set_line_width(0.35)
    for side in (-1, 1):
        sheet.circle(x=x, y=y + side * 1.35, radius=0.95, style="D")
        sheet.line(x + 0.85, y + side * 0.9, x + 6.2, y - side * 0.95)


def _facts(sheet: Sheet, paper: InvoicePaper, y: float) -> None:
    content = paper.content
    rows = [
        ("Invoice", f"#{content['number']}" if content.get("number") else "Draft"),
        ("Due on", sheet.day(content.get("due_on"), "medium")),
        ("Name", _shortened(one_line(content["bill_to"]["name"]), 60)),
    ]
    for label, value in rows:
        if value:
            sheet.words(MARGIN, y, label, width=20, size=8.5, colour=QUIET)
            y = sheet.words(MARGIN + 20, y, value, width=56, size=9.5, bold=True) + 0.6
    sheet.words(MARGIN, y + 2.6, "Amount due", width=20, size=8.5, colour=QUIET)
    sheet.words(MARGIN + 20, y, sheet.money(paper.balance), width=56, size=17, bold=True)


def _stamp_box(sheet: Sheet, y: float) -> None:
    x = sheet.w - MARGIN - _QR - 8 - _STAMP
    sheet.set_draw_color(*LINE)
    sheet.set_line_width(0.3)
    sheet.rect(x, y, _STAMP, 40, round_corners=True, corner_radius=2)
    sheet.words(x + 2.5, y + 34.5, "Office stamp", width=_STAMP - 5, size=7.5, colour=QUIET)


def _how_to_pay(sheet: Sheet, paper: InvoicePaper, y: float) -> None:
    x = sheet.w - MARGIN - _QR
    if not paper.pay_url:
        paid = paper.balance == 0 and paper.state == "paid"
        words, colour = ("Paid in full", GOOD) if paid else ("Nothing to pay now", WARN)
        sheet.words(x, y + 13, words, width=_QR, size=11, bold=True, colour=colour, align="C")
        return
    draw_qr(sheet, paper.pay_url, x, y, _QR)
    sheet.link(x, y, _QR, _QR, paper.pay_url)
    sheet.words(
        x - 2, y + _QR + 2, "Scan to pay online", width=_QR + 4, size=8, bold=True, align="C"
    )


def draw_qr(sheet: Sheet, text: str, x: float, y: float, size: float) -> None:
    """Draw ``text`` as a QR code of ``size`` millimetres, row by row, in plain ink."""
    rows = [bytes(row) for row in segno.make_qr(text, error="m").matrix]
    module = size / len(rows)
    sheet.set_fill_color(*INK)
    for down, row in enumerate(rows):
        across = 0
        while across < len(row):
            run = len(row[across:]) - len(row[across:].lstrip(b"\x01"))
            if run:
                sheet.rect(x + across * module, y + down * module, run * module, module, style="F")
            across += run or 1


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
