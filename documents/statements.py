"""The statement as a letter: what one user owes, a line for each invoice, and the sum."""

from __future__ import annotations

import json

from sqlalchemy.orm import Session

from billing.content import letterhead
from billing.office import get_settings
from billing.statements import Row, Statement
from documents.fonts import one_line
from documents.sheets import GOOD, INK, MARGIN, QUIET, WARN, Sheet

_SIZE = 9.2
# Heading, width in millimetres, alignment; the first column takes what is left.
_Columns = tuple[tuple[str, float, str], ...]
_COLUMNS: _Columns = (
    ("Due on", 26.0, "L"),
    ("Amount", 28.0, "R"),
    ("Paid", 26.0, "R"),
    ("Left", 28.0, "R"),
)
# Only where something was credited: the other columns keep clear of each other all the same.
_WITH_CREDITED: _Columns = (
    ("Due on", 25.0, "L"),
    ("Amount", 25.0, "R"),
    ("Paid", 24.0, "R"),
    ("Credited", 24.0, "R"),
    ("Left", 25.0, "R"),
)


def statement_pdf(session: Session, statement: Statement) -> bytes:
    """Draw a statement and return the file."""
    settings = get_settings(session)
    content = {"currency": settings.currency, **letterhead(settings, statement.user)}
    title = f"Statement of {statement.on.isoformat()}"
    texts = [_about(row) for row in statement.rows]
    sheet = Sheet(
        content,
        title=title,
        written=json.dumps([content, texts], ensure_ascii=False) + "€−·",
        strong=f"{settings.organisation}\n{statement.user.name}",
        made_on=statement.on,
    )
    sheet.add_page()
    _head(sheet, statement)
    _rows(sheet, statement)
    _sums(sheet, statement)
    return bytes(sheet.output())


def _about(row: Row) -> str:
    invoice = row.invoice
    where = f" · {invoice.billable.label}" if invoice.billable else ""
    return one_line(f"#{invoice.number}{where} · {invoice.description}")


def _head(sheet: Sheet, statement: Statement) -> None:
    sheet.letterhead("Statement", statement.unit.name if statement.unit else "")
    window_ends = sheet.address_window(44)
    y = sheet.facts(46, [("Date", sheet.day(statement.on))])
    left = MARGIN + sheet.inner - 74
    sheet.rule(y + 1.2, x=left, width=74)
    sheet.words(left, y + 3, "To pay", width=30, size=9.5, colour=QUIET)
    owed = sheet.money(statement.to_pay)
    y = sheet.words(left, y + 2.2, owed, width=74, size=20, bold=True, align="R")
    sheet.set_y(max(window_ends, y, 78) + 9)


def _columns(sheet: Sheet, statement: Statement) -> _Columns:
    figures = _WITH_CREDITED if statement.has_credited else _COLUMNS
    taken = sum(width for _heading, width, _align in figures)
    return (("Invoice", sheet.inner - taken, "L"), *figures)


def _cells(sheet: Sheet, row: Row) -> dict[str, str]:
    invoice = row.invoice
    due = sheet.day(invoice.due_on, "medium")
    note = "overdue" if row.overdue else "being collected" if row.in_flight else ""
    return {
        "Invoice": _about(row),
        "Due on": "\n".join(filter(None, (due, note))) or "–",
        "Amount": sheet.money(invoice.total),
        "Paid": f"−{sheet.money(row.paid)}" if row.paid else "",
        "Credited": f"−{sheet.money(row.credited)}" if row.credited else "",
        "Left": sheet.money(invoice.balance),
    }


def _table_head(sheet: Sheet, columns: _Columns) -> None:
    x, y, end = MARGIN, sheet.get_y(), 0.0
    for heading, width, align in columns:
        end = sheet.words(x, y, heading, width=width, size=8.5, colour=QUIET, align=align)
        x += width
    sheet.rule(end + 1.2, colour=INK, weight=0.35)
    sheet.set_y(end + 3)


def _rows(sheet: Sheet, statement: Statement) -> None:
    if not statement.rows:
        words = "Nothing is outstanding. Thank you."
        sheet.words(MARGIN, sheet.get_y(), words, width=sheet.inner, size=10.5, colour=GOOD)
        sheet.ln(4)
        return
    columns = _columns(sheet, statement)
    _table_head(sheet, columns)
    for row in statement.rows:
        cells = _cells(sheet, row)
        tall = max(
            sheet.height_of(cells[heading], width=width - 3, size=_SIZE)
            for heading, width, _align in columns
        )
        if not sheet.room_for(tall + 3.2):
            sheet.add_page()
            _table_head(sheet, columns)
        x, y = MARGIN, sheet.get_y()
        for heading, width, align in columns:
            inset = 3 if align == "R" else 0
            colour = WARN if heading == "Due on" and row.overdue else INK
            sheet.words(
                x + inset,
                y,
                cells[heading],
                width=width - 3,
                size=_SIZE,
                align=align,
                colour=colour,
            )
            x += width
        sheet.rule(y + tall + 1.4)
        sheet.set_y(y + tall + 2.8)


def _sums(sheet: Sheet, statement: Statement) -> None:
    rows = [("Outstanding", statement.owed)]
    if statement.in_flight:
        rows.append(("Being collected already", -statement.in_flight))
    if not sheet.room_for(9 * (len(rows) + 2)):
        sheet.add_page()
    left, label = MARGIN + sheet.inner - 100, 66.0
    for words, amount in rows if statement.in_flight else []:
        y = sheet.get_y()
        shown = f"−{sheet.money(-amount)}" if amount < 0 else sheet.money(amount)
        sheet.words(left, y, words, width=label, size=9.5)
        sheet.set_y(sheet.words(left + label, y, shown, width=34, size=9.5, align="R") + 1)
    sheet.rule(sheet.get_y() + 0.6, x=left, width=100, colour=sheet.accent_ink, weight=0.6)
    y = sheet.get_y() + 2.4
    sheet.words(left, y, "To pay", width=label, size=11.5, bold=True)
    total = sheet.money(statement.to_pay)
    sheet.set_y(sheet.words(left + label, y, total, width=34, size=11.5, bold=True, align="R") + 1)
    if statement.credit:
        words = (
            f"You have a credit of {sheet.money(statement.credit)} with us that no invoice has "
            "used yet. Ask us to use it."
        )
        sheet.words(MARGIN, sheet.get_y() + 5, words, width=sheet.inner, size=9.5)
