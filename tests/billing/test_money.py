"""Money: whole minor units, exact at the edges, and no float anywhere."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import money
from billing.errors import Refusal
from billing.items import Line, build_item
from models.states import Rounding

AMOUNTS = st.integers(0, money.MAX_AMOUNT)
CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD"])


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1250, "USD", "12.50"), (1250, "JPY", "1250"), (1250, "KWD", "1.250"), (5, "USD", "0.05")],
)
def test_the_gateway_gets_plain_digits(minor: int, currency: str, text: str) -> None:
    assert money.to_decimal_string(minor, currency) == text


@given(AMOUNTS, CURRENCIES)
def test_out_and_back_is_exact(minor: int, currency: str) -> None:
    text = money.to_decimal_string(minor, currency)
    assert "E" not in text
    assert money.from_decimal(Decimal(text), currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "text"),
    [
        (125050, "USD", "en_US", "$1,250.50"),
        (125050, "EUR", "de_DE", "1.250,50\xa0€"),
        (1250, "JPY", "en_US", "¥1,250"),
        (1250, "KWD", "en_US", "KWD1.250"),
    ],
)
def test_people_read_it_their_way(minor: int, currency: str, locale: str, text: str) -> None:
    assert money.format_amount(minor, currency, locale) == text


@pytest.mark.parametrize(
    ("value", "rounding", "minor"),
    [
        ("0.5", Rounding.HALF_UP, 1),
        ("1.5", Rounding.HALF_UP, 2),
        ("0.5", Rounding.HALF_EVEN, 0),
        ("1.5", Rounding.HALF_EVEN, 2),
        ("2.4999", Rounding.HALF_UP, 2),
    ],
)
def test_rounding_is_the_rule_it_says(value: str, rounding: Rounding, minor: int) -> None:
    assert money.round_minor(Decimal(value), rounding) == minor


@given(
    st.integers(0, 10**7),
    st.decimals("0.001", "999", places=3),
    st.decimals("0", "100", places=4),
    st.booleans(),
    st.sampled_from(Rounding),
)
def test_a_line_always_adds_up(
    price: int, quantity: Decimal, rate: Decimal, inclusive: bool, rounding: Rounding
) -> None:
    line = Line("x", price, quantity, 0, rate, inclusive, rounding)
    item = build_item(line, 1)
    assert item.net + item.tax == item.gross
    assert min(item.net, item.tax) >= 0
    if inclusive:
        assert item.gross == money.round_minor(price * quantity, rounding)
    assert {type(item.net), type(item.tax), type(item.gross)} == {int}


def test_tax_is_rounded_per_line() -> None:
    item = build_item(Line("x", 333, tax_rate=Decimal("7.5")), 1)
    assert (item.net, item.tax, item.gross) == (333, 25, 358)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (Line(" ", 100), "item_description"),
        (Line("x" * 501, 100), "item_description"),
        (Line("x", 100, Decimal(0)), "item_quantity"),
        (Line("x", 100, Decimal(-1)), "item_quantity"),
        (Line("x", 100, tax_rate=Decimal(101)), "item_tax"),
        (Line("x", 100, tax_rate=Decimal(-1)), "item_tax"),
        (Line("x", 100, discount=101), "item_discount"),
        (Line("x", 100, discount=-1), "item_discount"),
        (Line("x", -100), "item_price"),
        (Line("x", 1, Decimal(10**9)), "item_quantity"),
        (Line("x", money.MAX_AMOUNT + 1), "amount_too_large"),
        (Line("x", 100, Decimal("NaN")), "item_quantity"),
        (Line("x", 100, Decimal("Infinity")), "item_quantity"),
        (Line("x", 100, tax_rate=Decimal("NaN")), "item_tax"),
        (Line("x", 100, Decimal("1.0001")), "item_quantity"),
        (Line("x", 100, tax_rate=Decimal("1.00001")), "item_tax"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(line: Line, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        build_item(line, 1)
    assert caught.value.code == code
