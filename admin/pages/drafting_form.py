"""What staff type into a draft, and what it comes to: read, checked line by line, worked out.

The arithmetic is the heart's own (``billing.items``), so what a page shows while somebody types is
what saving will store.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask_admin.form import BaseForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, FieldList, FormField, StringField, TextAreaField, validators

from admin.base.fields import MoneyField, NumberField
from admin.pages.verbs import DayField, clean
from billing.errors import Refusal
from billing.items import MAX_LINES, Line, build_item
from models import Invoice, Item

# Empty rows below the lines there are, for who works without JavaScript.
SPARE_ROWS = 3
# More rows than any invoice can have are counted, but not all of them drawn again.
KEPT_ROWS = 400
NAMES = ("description", "quantity", "price", "discount", "tax", "inclusive")
_FIELD_OF = {"unit_amount": "price", "tax_rate": "tax"}
_CELL = re.compile(r"lines-([0-9]{1,6})-([a-z]+)")


class LineForm(BaseForm):
    """One row. Empty: quantity 1, no discount, no tax; a row with nothing in it is no line."""

    description = StringField("Item", filters=[clean])
    quantity = NumberField("Quantity")
    price = MoneyField("Price")
    discount = MoneyField("Discount")
    tax = NumberField("Tax %", example=Decimal("7.5"))
    inclusive = BooleanField("Price includes the tax")

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed into this row."""
        typed = (self[name] for name in NAMES if name != "inclusive")
        return all(not str(each._value()).strip() for each in typed)

    def line(self) -> Line | None:
        """Return the row as a line, or None when a field of it can't be read; says so there."""
        words = " ".join((self.description.data or "").split())
        if not words:
            _say(self.description, "Describe this line.")
        if self.price.data is None and not self.price.process_errors:
            _say(self.price, "Enter a price.")
        if any(each.errors or each.process_errors for each in self):
            return None
        quantity, tax = self.quantity.data, self.tax.data
        return Line(
            words,
            self.price.data,
            Decimal(1) if quantity is None else quantity,
            self.discount.data or 0,
            Decimal(0) if tax is None else tax,
            bool(self.inclusive.data),
        )


class DraftForm(BaseForm):
    description = TextAreaField(
        "Description",
        [validators.InputRequired("Write a description.")],
        [clean],
        description="Shown in the e-mail and on the invoice.",
    )
    due_on = DayField(
        "Due date", [validators.Optional()], description="Shown on the invoice, if there is one."
    )
    lines = FieldList(FormField(LineForm))


@dataclass
class Worked:
    """What a draft comes to as typed.

    items   -- for each row its item; None for an empty row or one that can't be worked out
    lines   -- the lines there are, in order
    unclear -- how many rows can't be worked out; the sums are without them
    """

    items: list[Item | None] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    unclear: int = 0

    @property
    def net(self) -> int:
        return sum(item.net for item in self.items if item)

    @property
    def tax(self) -> int:
        return sum(item.tax for item in self.items if item)

    @property
    def total(self) -> int:
        return sum(item.gross for item in self.items if item)


def work_out(form: Any) -> Worked:
    """Return what the rows of ``form`` come to; what is wrong is said at the row's own field."""
    worked = Worked()
    for entry in form.lines:
        row: LineForm = entry.form
        if row.is_blank:
            worked.items.append(None)
            continue
        line = row.line()
        item = _item_of(row, line) if line else None
        worked.items.append(item)
        if line is None or item is None:
            worked.unclear += 1
        else:
            worked.lines.append(line)
    return worked


def _item_of(row: LineForm, line: Line) -> Item | None:
    try:
        return build_item(line, 1)
    except Refusal as refusal:
        name = refusal.field or "description"
        _say(row[_FIELD_OF.get(name, name)], refusal.sentence)
        return None


def _say(place: Any, sentence: str) -> None:
    if sentence not in place.errors:
        place.errors = [*place.errors, sentence]


def rows_of(invoice: Invoice) -> list[dict[str, Any]]:
    """Return a draft's lines as the page starts out with them, and empty rows for more."""
    rows = [
        {
            "description": item.description,
            "quantity": item.quantity,
            "price": item.unit_amount,
            "discount": item.discount or None,
            "tax": item.tax_rate or None,
            "inclusive": item.tax_inclusive,
        }
        for item in invoice.items
    ]
    return rows + [{} for _ in range(SPARE_ROWS)]


Row = dict[str, str]


def typed_rows(typed: MultiDict[str, str]) -> list[Row]:
    """Return the rows as posted, in their order, whatever numbers they came under."""
    found: dict[int, Row] = {}
    for name, value in typed.items():
        cell = _CELL.fullmatch(name)
        if cell and cell[2] in NAMES:
            found.setdefault(int(cell[1]), {})[cell[2]] = value
    return [found[number] for number in sorted(found)]


def as_posted(typed: MultiDict[str, str], rows: Sequence[Row]) -> MultiDict[str, str]:
    """Return ``typed`` with ``rows`` in the place of its own, numbered from 0."""
    posted: MultiDict[str, str] = MultiDict()
    for name, value in typed.items():
        if not name.startswith("lines-"):
            posted[name] = value
    for number, row in enumerate(rows[:KEPT_ROWS]):
        # A row of which nothing came is a row all the same.
        for name, value in {"description": "", **row}.items():
            posted[f"lines-{number}-{name}"] = value
    return posted


def changed_rows(rows: list[Row], wish: str, offers: Sequence[Row]) -> list[Row]:
    """Return ``rows`` after a button that moves, removes or adds one; unknown wishes do nothing.

    wish   -- "add", "up-3", "down-3" or "remove-3"
    offers -- the row to add, if not an empty one
    """
    verb, _, number = wish.partition("-")
    if verb == "add":
        blank = next((i for i, row in enumerate(rows) if not any(row.values())), len(rows))
        return [*rows[:blank], *(offers or [{}]), *rows[blank:]]
    at = int(number) if number.isascii() and number.isdecimal() and len(number) < 7 else len(rows)
    if at >= len(rows):
        return rows
    others = [*rows[:at], *rows[at + 1 :]]
    if verb == "remove":
        return others
    target = {"up": max(at - 1, 0), "down": min(at + 1, len(others))}.get(verb, at)
    return [*others[:target], rows[at], *others[target:]]


def too_many(rows: Sequence[Row]) -> str | None:
    """Return the sentence about more lines than an invoice can have, or None."""
    count = sum(1 for row in rows if any(row.values()))
    if count <= MAX_LINES:
        return None
    return f"An invoice can have {MAX_LINES} lines; this one has {count:,}."
