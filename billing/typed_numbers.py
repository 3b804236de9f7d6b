"""Amounts and numbers as people type them into a field, and as a field shows them.

One grammar for every page, that of the office's locale: ``1.234,50`` in de_DE, ``1,234.50`` in
en_US. Reading one number as another costs somebody a hundredfold, so what could mean two things is
refused with a sentence, never guessed:

- The locale's mark parts the decimals and nothing else does; groups must look like groups. So
  ``12,50`` is no amount in en_US, and ``1.234`` is one thousand two hundred and thirty-four in
  de_DE.
- A point followed by exactly the currency's decimals is an amount in every locale: key pads,
  spreadsheets and banks write it, and ``12.50`` can mean nothing else where groups have three
  digits. With three decimals (KWD) it can, so ``1.250`` is refused where the point is not the mark.
- More decimals than the currency has are refused even if they are zeros: ``1.000`` typed in en_US
  is more likely a thousand than one.

Scripts in pages get the same grammar from ``Notation.for_script`` and have none of their own.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from babel import Locale
from babel.numbers import (
    format_decimal,
    get_currency_symbol,
    get_decimal_symbol,
    get_group_symbol,
)

from billing.errors import Refusal
from billing.money import MAX_AMOUNT, exponent, to_decimal

LONGEST = 40
# More digits than any number here has, fewer than would lose precision on the way.
MOST_DIGITS = 15
NO_CURRENCY = "XXX"
_APOSTROPHE = "'"
_SPACES = "\t\n\r\u00a0\u2007\u2009\u202f\u3000"
# Invisible marks that come along when a right-to-left amount is copied.
_UNSEEN = "\u200e\u200f\u061c\ufeff"
# What an East Asian keyboard types for the plain character.
_WIDE = dict(zip("０１２３４５６７８９．，￥", "0123456789.,¥", strict=True))
# The nought of each script whose digits some locale prefers; its other nine follow.
_NOUGHTS = {"arab": "٠", "arabext": "۰", "beng": "০", "deva": "०", "mymr": "၀"}


@dataclass(frozen=True)
class Notation:
    """How amounts of one currency are typed in one locale.

    point    -- what parts the decimals
    spelling -- characters that are read as another, or as none, before anything else
    signs    -- what may stand before or after an amount, in small letters, the longest first
    shape    -- regular expression of a number the locale's way
    pointed  -- of one with a plain point and exactly the currency's decimals
    doubtful -- of one that could be either; neither is tried then. Empty: there is none
    places   -- the currency's decimals
    most     -- the largest amount, in minor units
    longest  -- how many characters are looked at; more are no amount

    The expressions mean the same to Python and to a browser.
    """

    point: str
    spelling: dict[str, str]
    signs: tuple[str, ...]
    shape: str
    pointed: str
    doubtful: str
    places: int
    most: int = MAX_AMOUNT
    longest: int = LONGEST

    def for_script(self) -> dict[str, Any]:
        """Return it as a page's script takes it (static/admin/amounts.js)."""
        return asdict(self)

    def plain(self, text: str) -> str:
        """Return ``text`` in plain characters, without space around it; "" if it is too long."""
        text = text.strip()
        if len(text) > self.longest:
            return ""
        return "".join(self.spelling.get(each, each) for each in text).strip().lower()

    def unsigned(self, plain: str) -> str:
        """Return ``plain`` without the currency's sign before and after it."""
        for sign in self.signs:
            if plain.startswith(sign):
                plain = plain.removeprefix(sign).strip()
                break
        for sign in self.signs:
            if plain.endswith(sign):
                return plain.removesuffix(sign).strip()
        return plain

    def parts(self, plain: str) -> tuple[str, str] | None:
        """Return the digits before and after the point, or None for what is no number."""
        if re.fullmatch(self.shape, plain):
            whole, _, decimals = plain.partition(self.point)
        elif re.fullmatch(self.pointed, plain):
            whole, _, decimals = plain.partition(".")
        else:
            return None
        return re.sub("[^0-9]", "", whole), decimals


@cache
def notation(currency: str, locale: str) -> Notation:
    """Return how amounts of ``currency`` are typed in ``locale``."""
    point, places = get_decimal_symbol(locale), exponent(currency)
    spelling = _spelling(locale, point)
    own_point = point == "."
    return Notation(
        point=point,
        spelling=spelling,
        signs=_signs(currency, locale, spelling),
        shape=_shape(locale, point),
        # Without decimals, or where the point is the locale's own, there is nothing to add.
        pointed="(?!)" if own_point or not places else rf"[0-9]{{1,{LONGEST}}}\.[0-9]{{{places}}}",
        doubtful="" if own_point or places != 3 else r"[1-9][0-9]{0,2}\.[0-9]{3}",
        places=places,
    )


def _spelling(locale: str, point: str) -> dict[str, str]:
    nought = _NOUGHTS.get(Locale.parse(locale).default_numbering_system)
    digits = {} if nought is None else {chr(ord(nought) + digit): str(digit) for digit in range(10)}
    return {
        **dict.fromkeys(_SPACES, " "),
        **dict.fromkeys(_UNSEEN, ""),
        **dict.fromkeys("’ʼ", _APOSTROPHE),
        # Arabic has a mark of its own for each, so neither can be taken for the other.
        "٫": point,
        "٬": _APOSTROPHE,
        **_WIDE,
        **digits,
    }


def _shape(locale: str, point: str) -> str:
    """Return the expression of a number: digits, or groups of them all parted by the same mark.

    Space and apostrophe group in any locale: neither is a decimal mark anywhere.
    """
    own = get_group_symbol(locale)
    own = " " if own.isspace() else own.replace("’", _APOSTROPHE)
    marks = "".join(sorted({own, " ", _APOSTROPHE} - {point}))
    wholes = [
        rf"[0-9]{{1,{LONGEST}}}",
        rf"[1-9][0-9]{{0,2}}([{marks}])[0-9]{{3}}(?:\1[0-9]{{3}})*",
    ]
    if Locale.parse(locale).decimal_formats[None].grouping[1] == 2:
        wholes.append(rf"[1-9][0-9]?([{marks}])(?:[0-9]{{2}}\2)+[0-9]{{3}}")
    return rf"(?:{'|'.join(wholes)})(?:[{point}][0-9]*)?"


def _signs(currency: str, locale: str, spelling: dict[str, str]) -> tuple[str, ...]:
    """Return the currency's code and signs; "CA$" is also written "$" by who has no other."""
    symbols = {get_currency_symbol(currency, each) for each in (locale, "en_US")}
    short = {each for text in symbols for each in text if unicodedata.category(each) == "Sc"}
    plain = {
        "".join(spelling.get(each, each) for each in text).strip().lower()
        for text in symbols | short | {currency}
    }
    return tuple(sorted(plain - {""}, key=lambda sign: (-len(sign), sign)))


def parse_amount(
    text: str, currency: str, locale: str, *, field: str = "amount", zero: bool = False
) -> int:
    """Return the minor units a person typed the way ``locale`` writes numbers ("1.250,50 €").

    field -- the form field a refusal points at
    zero  -- whether nothing at all is an acceptable amount

    Raises ``Refusal`` for anything that is not one plain positive amount of this currency.
    """
    way = notation(currency, locale)
    plain = way.unsigned(way.plain(text))
    if way.doubtful and re.fullmatch(way.doubtful, plain):
        raise _doubt(plain, currency, way, field)
    parts = way.parts(plain)
    if parts is None:
        raise _unreadable(plain, currency, locale, field)
    whole, decimals = parts
    if len(decimals) > way.places:
        most = f"at most {way.places}" if way.places else "no"
        raise Refusal(f"Use {most} decimals.", "amount_too_fine", field)
    minor = int(whole + decimals.ljust(way.places, "0"))
    if minor > way.most:
        raise Refusal("That amount is too large.", "amount_too_large", field)
    if minor == 0 and not zero:
        raise Refusal("The amount must be more than zero.", "amount_zero", field)
    return minor


def _doubt(plain: str, currency: str, way: Notation, field: str) -> Refusal:
    digits = plain.replace(".", "")
    large = f"{digits}{way.point}{'0' * way.places}"
    small = plain.replace(".", way.point)
    return Refusal(
        f"This could be {large} or {small} {currency}. Enter it one of these two ways.",
        "amount_doubtful",
        field,
    )


def _unreadable(plain: str, currency: str, locale: str, field: str) -> Refusal:
    example = example_amount(currency, locale)
    if any(unicodedata.category(each) == "Sc" for each in plain):
        return Refusal(
            f"Enter an amount of {currency}, such as {example}.", "amount_unreadable", field
        )
    return Refusal(f"Enter an amount such as {example}.", "amount_unreadable", field)


def read_number(text: str, locale: str) -> Decimal | None:
    """Return a number typed the way ``locale`` writes it; None for what is none, or below zero."""
    way = notation(NO_CURRENCY, locale)
    plain = way.plain(text)
    # A plain point says something by the decimals a currency has; a number may have any.
    parts = way.parts(plain) if re.fullmatch(way.shape, plain) else None
    if parts is None or len(parts[0]) > MOST_DIGITS:
        return None
    return Decimal(f"{parts[0]}.{parts[1] or 0}")


def write_number(number: Decimal, locale: str) -> str:
    """Return a number the way it is typed in ``locale``, without groups."""
    return str(format_decimal(number, "0.######", locale=locale))


def write_amount(minor: int, currency: str, locale: str) -> str:
    """Return minor units the way they are typed in ``locale``, without groups and sign."""
    places = exponent(currency)
    pattern = f"0.{'0' * places}" if places else "0"
    return str(format_decimal(to_decimal(minor, currency), pattern, locale=locale))


def example_amount(currency: str, locale: str) -> str:
    """Return an amount to show how one is typed."""
    return write_amount(20 * 10 ** exponent(currency), currency, locale)
