"""Money: integer minor units inside, Decimal at the edges, float nowhere.

Currency exponents come from CLDR (ISO 4217): USD has 2, JPY 0, KWD 3.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from functools import cache

from babel.numbers import (
    format_currency,
    format_decimal,
    get_currency_precision,
    get_decimal_symbol,
    get_group_symbol,
)

from billing.errors import Refusal
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


def parse_amount(text: str, currency: str, *, field: str = "amount", zero: bool = False) -> int:
    """Return the minor units a person typed ("1,250.50", "$20").

    field -- the form field a refusal points at
    zero  -- whether nothing at all is an acceptable amount

    Raises ``Refusal`` for anything that is not one plain positive amount of this currency.
    """
    plain = re.sub(r"[\s$€£¥]", "", text)
    # A comma may group thousands; "12,50" must not be read as one thousand two hundred and fifty.
    if re.fullmatch(r"[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3}(\.[0-9]*)?", plain):
        plain = plain.replace(",", "")
    if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]*)?", plain):
        raise Refusal("Enter an amount such as 20.00.", "amount_unreadable", field)
    try:
        minor = from_decimal(Decimal(plain), currency)
    except ValueError:
        decimals = exponent(currency)
        raise Refusal(f"Use at most {decimals} decimals.", "amount_too_fine", field) from None
    if minor > MAX_AMOUNT:
        raise Refusal("That amount is too large.", "amount_too_large", field)
    if minor == 0 and not zero:
        raise Refusal("The amount must be more than zero.", "amount_zero", field)
    return minor


def plain_number(text: str, locale: str) -> str | None:
    """Return a number written the way of ``locale`` with a point and no groups, else None.

    Groups of digits must look like groups: "20,50" where the comma groups is no number, because it
    would otherwise be read as two thousand and fifty.
    """
    point = get_decimal_symbol(locale)
    groups = re.escape("".join({get_group_symbol(locale), "'", "’", " "} - {point}))
    plain = re.sub(r"\s", " ", text).strip()
    whole = rf"[0-9]{{1,15}}|[0-9]{{1,3}}(?:[{groups}][0-9]{{2,3}})*[{groups}][0-9]{{3}}"
    if len(text) > 40 or not re.fullmatch(rf"(?:{whole})(?:{re.escape(point)}[0-9]*)?", plain):
        return None
    return re.sub(rf"[{groups}]", "", plain).replace(point, ".")


def parse_local_amount(
    text: str, currency: str, locale: str, *, field: str = "amount", zero: bool = False
) -> int:
    """Return the minor units a person typed the way ``locale`` writes numbers ("1.250,50 €").

    zero -- whether nothing at all is an acceptable amount

    Raises ``Refusal`` like ``parse_amount``.
    """
    digits = plain_number(re.sub(r"[$€£¥]", "", text), locale)
    if digits is None:
        pattern = "0" if exponent(currency) == 0 else f"0.{'0' * exponent(currency)}"
        example = format_decimal(20, pattern, locale=locale)
        raise Refusal(f"Enter an amount such as {example}.", "amount_unreadable", field)
    return parse_amount(digits, currency, field=field, zero=zero)


def round_minor(value: Decimal, rounding: Rounding = Rounding.HALF_UP) -> int:
    """Round a Decimal number of minor units to a whole one."""
    return int(value.quantize(Decimal(1), rounding=_MODES[rounding]))
