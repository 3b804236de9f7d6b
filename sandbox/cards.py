"""Card numbers the sandbox knows: brands, checks, and what each test number is for.

Only published test numbers are accepted, so that nobody's real card can end up here.
The numbers and their meaning are Braintree's:
https://developer.paypal.com/braintree/docs/reference/general/testing/python
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

FieldError = tuple[str, str, str]


class InvalidCard(Exception):
    """Card details the gateway refuses; `errors` holds (field, code, message) triples."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(message for _, _, message in errors))
        self.errors = errors


@dataclass(frozen=True)
class TestCard:
    """One accepted number. `outcome` is empty, a processor code, or a special behaviour."""

    number: str
    brand: str
    outcome: str = ""


VISA, MASTERCARD, AMEX = "Visa", "MasterCard", "American Express"
DISCOVER, JCB, DINERS = "Discover", "JCB", "Diners Club"
MAESTRO, UNIONPAY = "Maestro", "UnionPay"

TEST_CARDS = (
    TestCard("4111111111111111", VISA),
    TestCard("4005519200000004", VISA),
    TestCard("4012000033330026", VISA),
    TestCard("4012000077777777", VISA),
    TestCard("4012888888881881", VISA),
    TestCard("4217651111111119", VISA),
    TestCard("4500600000000061", VISA),
    TestCard("5555555555554444", MASTERCARD),
    TestCard("2223000048400011", MASTERCARD),
    TestCard("378282246310005", AMEX),
    TestCard("371449635398431", AMEX),
    TestCard("6011000991300009", DISCOVER),
    TestCard("6011111111111117", DISCOVER),
    TestCard("3530111333300000", JCB),
    TestCard("36259600000004", DINERS),
    TestCard("6304000000000000", MAESTRO),
    TestCard("6243030000000001", UNIONPAY),
    TestCard("4000111111111115", VISA, "2000"),
    TestCard("5105105105105100", MASTERCARD, "2001"),
    TestCard("378734493671000", AMEX, "2004"),
    TestCard("6011000990139424", DISCOVER, "2015"),
    TestCard("3566002020360505", JCB, "3000"),
    TestCard("4000111111111511", VISA, "fraud"),
    TestCard("4111130000000003", VISA, "risk_threshold"),
    TestCard("4023898493988028", VISA, "dispute"),
)
_BY_NUMBER = {card.number: card for card in TEST_CARDS}
_CVV_RESPONSES = {"200": "N", "201": "U", "301": "S", "2000": "N", "2011": "U", "3011": "S"}


@dataclass(frozen=True)
class CardDetails:
    """A checked card as the sandbox keeps it: never the number, never the CVV."""

    bin: str
    last_4: str
    card_type: str
    expiration_month: str
    expiration_year: str
    cardholder_name: str
    postal_code: str
    cvv_response_code: str
    unique_number_identifier: str
    outcome: str


def luhn_is_valid(number: str) -> bool:
    """Whether the number's check digit is right (ISO/IEC 7812-1)."""
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def check_card(
    number: str,
    expiration_month: str,
    expiration_year: str,
    cvv: str | None = None,
    postal_code: str | None = None,
    cardholder_name: str | None = None,
) -> CardDetails:
    """Check what a person typed and reduce it to what may be kept.

    The year may have two digits. Raises InvalidCard naming every field that is wrong.
    """
    digits = re.sub(r"[\s-]", "", number or "")
    month, year = (expiration_month or "").strip(), (expiration_year or "").strip()
    card = _BY_NUMBER.get(digits)
    errors = [*_number_errors(digits), *_expiry_errors(month, year)]
    errors += _cvv_errors(cvv, card.brand if card else "")
    if len(cardholder_name or "") > 175:
        errors.append(("cardholder_name", "81723", "Cardholder name is too long."))
    if errors or card is None:
        raise InvalidCard(errors)
    return CardDetails(
        bin=digits[:6],
        last_4=digits[-4:],
        card_type=card.brand,
        expiration_month=month.zfill(2),
        expiration_year=_full_year(year),
        cardholder_name=cardholder_name or "",
        postal_code=postal_code or "",
        cvv_response_code=_CVV_RESPONSES.get(cvv, "M") if cvv else "I",
        unique_number_identifier=hashlib.sha256(digits.encode()).hexdigest()[:32],
        outcome=card.outcome,
    )


def _full_year(year: str) -> str:
    return f"20{year}" if len(year) == 2 else year


def _number_errors(digits: str) -> list[FieldError]:
    if not digits:
        return [("number", "81714", "Credit card number is required.")]
    if not digits.isascii() or not digits.isdigit() or not 12 <= len(digits) <= 19:
        return [("number", "81716", "Credit card number must be 12-19 digits.")]
    if not luhn_is_valid(digits):
        return [("number", "81715", "Credit card number is invalid.")]
    if digits not in _BY_NUMBER:
        return [("number", "81717", "Credit card number is not an accepted test number.")]
    return []


def _expiry_errors(month: str, year: str) -> list[FieldError]:
    if not month and not year:
        return [("expiration_date", "81709", "Expiration date is required.")]
    errors: list[FieldError] = []
    if not re.fullmatch(r"0?[1-9]|1[0-2]", month):
        errors.append(("expiration_month", "81712", "Expiration month is invalid."))
    if not re.fullmatch(r"\d\d|20\d\d", year, re.ASCII):
        errors.append(("expiration_year", "81713", "Expiration year is invalid."))
    return errors


def _cvv_errors(cvv: str | None, brand: str) -> list[FieldError]:
    if not cvv:
        return []
    wanted = r"\d{4}" if brand == AMEX else r"\d{3}" if brand else r"\d{3,4}"
    if re.fullmatch(wanted, cvv, re.ASCII):
        return []
    message = "CVV must be 4 digits for American Express and 3 digits for other card types."
    return [("cvv", "81707", message)]
