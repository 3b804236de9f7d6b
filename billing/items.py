"""Lines of an invoice: what each comes to, rounded per line, taxes after.

Half-up per line is the default, as most tax offices ask; a line keeps the rule it was made with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.errors import Refusal
from billing.money import MAX_AMOUNT, round_minor
from models import Invoice, Item
from models.states import Rounding

MAX_DESCRIPTION = 500
MAX_QUANTITY = 1_000_000
MAX_LINES = 100


@dataclass(frozen=True)
class Line:
    """A line as it is asked for.

    unit_amount -- minor units a piece, tax included when ``tax_inclusive``
    discount    -- minor units off the whole line, before tax
    tax_rate    -- percent
    """

    description: str
    unit_amount: int
    quantity: Decimal = Decimal(1)
    discount: int = 0
    tax_rate: Decimal = Decimal(0)
    tax_inclusive: bool = False
    rounding: Rounding = Rounding.HALF_UP


def build_item(line: Line, position: int) -> Item:
    """Return the item for ``line``; raises ``Refusal`` when it makes no sense as a line."""
    if not line.description.strip():
        raise Refusal("Every line needs a description.", "item_description", "description")
    if len(line.description) > MAX_DESCRIPTION:
        raise Refusal(
            f"A line's description can have {MAX_DESCRIPTION} characters; this one has "
            f"{len(line.description)}.",
            "item_description",
            "description",
        )
    _check_numbers(line)
    amount = round_minor(line.unit_amount * line.quantity, line.rounding) - line.discount
    if amount < 0:
        raise Refusal("The discount is more than the line.", "item_discount", "discount")
    if amount > MAX_AMOUNT:
        raise Refusal("That amount is too large.", "amount_too_large", "unit_amount")
    net, tax = _split(amount, line)
    return Item(
        position=position,
        description=line.description.strip(),
        quantity=line.quantity,
        unit_amount=line.unit_amount,
        discount=line.discount,
        tax_rate=line.tax_rate,
        tax_inclusive=line.tax_inclusive,
        rounding=line.rounding,
        net=net,
        tax=tax,
        gross=net + tax,
    )


def _check_numbers(line: Line) -> None:
    if not _fits(line.quantity, 3) or not 0 < line.quantity <= MAX_QUANTITY:
        raise Refusal(
            f"The quantity must be more than zero and at most {MAX_QUANTITY:,}, with at most 3 "
            "decimals.",
            "item_quantity",
            "quantity",
        )
    if not _fits(line.tax_rate, 4) or not 0 <= line.tax_rate <= 100:
        raise Refusal(
            "The tax rate is a percentage from 0 to 100, with at most 4 decimals.",
            "item_tax",
            "tax_rate",
        )
    if line.unit_amount < 0:
        raise Refusal("The price can't be below zero.", "item_price", "unit_amount")
    if line.discount < 0:
        raise Refusal("The discount can't be below zero.", "item_discount", "discount")


def _fits(number: Decimal, decimals: int) -> bool:
    """Whether the database keeps ``number`` as it is, so that a line adds up when it is read."""
    return number.is_finite() and number == round(number, decimals)


def _split(amount: int, line: Line) -> tuple[int, int]:
    if line.tax_inclusive:
        net = round_minor(amount * 100 / (100 + line.tax_rate), line.rounding)
        return net, amount - net
    return amount, round_minor(amount * line.tax_rate / 100, line.rounding)


def say_item(item: Item, money: Callable[[int], str], number: Callable[[Decimal], str]) -> str:
    """Return a line in words: "2 × Lock at $11.90, $1.00 off, 19 % tax included: $22.80".

    money, number -- write minor units and numbers the office's way
    """
    said = f"{number(item.quantity)} × {item.description} at {money(item.unit_amount)}"
    if item.discount:
        said += f", {money(item.discount)} off"
    if item.tax_rate:
        said += f", {number(item.tax_rate)} % tax{' included' if item.tax_inclusive else ''}"
    return f"{said}: {money(item.gross)}"


def _numbered(line: Line, position: int) -> Item:
    """Return the item; a refusal says which line it is about."""
    try:
        return build_item(line, position)
    except Refusal as refusal:
        sentence = f"Line {position}: {refusal.sentence}"
        raise Refusal(sentence, refusal.code, "lines") from refusal


def set_items(invoice: Invoice, lines: Sequence[Line]) -> None:
    """Replace the items of a draft and its total; never below what is already allocated."""
    if len(lines) > MAX_LINES:
        raise Refusal(
            f"An invoice can have {MAX_LINES} lines; this one has {len(lines):,}.",
            "too_many_lines",
            "lines",
        )
    items = [_numbered(line, position) for position, line in enumerate(lines, start=1)]
    total = sum(item.gross for item in items)
    if total > MAX_AMOUNT:
        raise Refusal("The total is too large.", "total_too_large", "lines")
    if total < (invoice.allocated or 0) + (invoice.credited or 0):
        raise Refusal("The total can't be less than what was already paid.", "below_allocated")
    invoice.items = items
    invoice.total = total
