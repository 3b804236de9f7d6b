"""Money: integer minor units inside, Decimal at the edges, float nowhere.

Currency exponents come from CLDR (ISO 4217): USD has 2, JPY 0, KWD 3.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from functools import cache

from babel.numbers import format_currency, get_currency_precision

from models.states import Rounding

# Far above any invoice, far below where 64 bits or a gateway would give way.
MAX_AMOUNT = 10**11
_MODES = {Rounding.HALF_UP: ROUND_HALF_UP, Rounding.HALF_EVEN: ROUND_HALF_EVEN}


@cache
def exponent(currency: str) -> int:
    """Return how many decimals ``currency`` has."""
    return int(get_currency_precision(currency))


def to_decimal(minor: int, currency: str) -> Decimal:
    """Return ``minor`` units as major units, exactly."""
    return Decimal(minor).scaleb(-exponent(currency))


def to_decimal_string(minor: int, currency: str) -> str:
    """Return ``minor`` units as a gateway wants them: plain digits, never an exponent."""
    return f"{to_decimal(minor, currency):.{exponent(currency)}f}"


def from_decimal(amount: Decimal, currency: str) -> int:
    """Return ``amount`` (major units) in minor units; ``ValueError`` if it has a finer part."""
    minor = amount.scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} is finer than {currency} allows")
    return int(minor)


def format_amount(minor: int, currency: str, locale: str = "en_US") -> str:
    """Return ``minor`` units as people of ``locale`` write them, such as "$20.00"."""
    return str(format_currency(to_decimal(minor, currency), currency, locale=locale))


def round_minor(value: Decimal, rounding: Rounding = Rounding.HALF_UP) -> int:
    """Round a Decimal number of minor units to a whole one."""
    return int(value.quantize(Decimal(1), rounding=_MODES[rounding]))
