"""What is overdue first: the oldest invoices of the dashboard, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from admin.base import cells
from admin.base.access import holds
from admin.base.columns import Column, describe, named
from admin.base.listing import Listing
from admin.base.scope import in_scope
from admin.base.words import Words
from billing.overdue import overdue_condition
from models import Invoice, db

MOST = 10


@dataclass(frozen=True)
class Oldest:
    """The table: its columns, its rows as ready cells, and where a row leads."""

    columns: list[Column]
    rows: list[tuple[int, Markup]]
    eye: str | None


def oldest_overdue(words: Words) -> Oldest | None:
    """Return the ten invoices that have been overdue longest; None without any, or unseen."""
    if not holds("invoices.view"):
        return None
    columns = _columns()
    listing = Listing(Invoice, columns, words)
    rows = db.session.execute(
        listing.statement()
        .where(overdue_condition(words.today), *in_scope(Invoice))
        .order_by(Invoice.overdue_on, Invoice.id)
        .limit(MOST)
    ).all()
    if not rows:
        return None
    return Oldest(
        columns, [(row[0], listing.cells(row, words)) for row in rows], words.eye("invoice", "")
    )


def _columns() -> list[Column]:
    return [
        named(describe(Invoice, "number"), Invoice),
        describe(Invoice, "user"),
        Column("about", "Unit or site", "text", ("billable.label", "site.name"), _about, _plain),
        Column("left", "Left to pay", "money", ("balance",), _left, _plain),
        Column("since", "Overdue since", "date", ("overdue_on",), _since, _plain),
    ]


def _about(values: Sequence[Any], _words: Words, _full: bool) -> Any:
    found = [text for text in values if text]
    return " · ".join(found) if found else cells.EMPTY


def _left(values: Sequence[Any], words: Words, _full: bool) -> Any:
    return Markup('<span class="overdue">{}</span>').format(words.money(values[0]))


def _since(values: Sequence[Any], words: Words, _full: bool) -> Any:
    return words.day(values[0])


def _plain(values: Sequence[Any], _words: Words) -> Any:
    return values[0]
