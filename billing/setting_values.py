"""How each setting is read: from what a person typed to what it means, or a kind sentence.

A reader takes the setting's name and a value, typed or already meant, and returns what is stored.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from babel.core import get_global

from billing.errors import Refusal
from billing.saving import check_email
from models.office import MAX_OVERDUE_AGE_DAYS
from models.states import BillingTrigger, OverdueBasis

Reader = Callable[[str, Any], Any]

MAX_METHODS = 20
# Banks and card schemes frown on more tries at one amount, and on older ones.
MAX_RETRIES = 8
MAX_RETRY_DAYS = 60
NEVER_OVERDUE = (
    f"Enter whole days from 0 to {MAX_OVERDUE_AGE_DAYS:,}, or leave it empty so that nothing is "
    "ever overdue."
)


@cache
def timezones() -> tuple[str, ...]:
    """Return the names of all time zones (IANA), in order."""
    return tuple(sorted(available_timezones() - {"localtime", "Factory"}))


@cache
def currencies() -> tuple[str, ...]:
    """Return the codes of all currencies (ISO 4217), in order."""
    return tuple(sorted(get_global("all_currencies")))


def _plain(value: Any) -> str:
    text = "" if value is None else str(value)
    return text.replace("\0", "").replace("\r\n", "\n").strip()


def _text(longest: int, missing: str = "") -> Reader:
    def read(name: str, value: Any) -> str:
        text = _plain(value)
        if missing and not text:
            raise Refusal(missing, "required", name)
        if len(text) > longest:
            sentence = f"Use at most {longest:,} characters; this has {len(text):,}."
            raise Refusal(sentence, "too_long", name)
        return text

    return read


def _whole(low: int, high: int, sentence: str, *, can_be_empty: bool = False) -> Reader:
    def read(name: str, value: Any) -> int | None:
        text = _plain(value)
        if not text and can_be_empty:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise Refusal(sentence, "out_of_range", name)
        return int(text)

    return read


def _one_of(choices: type[StrEnum], *left_out: StrEnum) -> Reader:
    def read(name: str, value: Any) -> StrEnum:
        text = _plain(value)
        if text not in {choice.value for choice in choices} - {each.value for each in left_out}:
            raise Refusal("Choose one from the list.", "unknown_choice", name)
        return choices(text)

    return read


def _email(name: str, value: Any) -> str:
    return check_email(_plain(value), name) or ""


def _website(name: str, value: Any) -> str:
    text = _plain(value)
    if not text:
        return ""
    address = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(address if not re.search(r"\s", address) else "")
    except ValueError:
        parts = urlsplit("")
    # Only these two schemes: an address ends up as a link on the customer's page.
    if parts.scheme not in ("http", "https") or "." not in parts.netloc or len(text) > 254:
        raise Refusal("Enter an address such as https://www.example.org.", "website", name)
    return text


def _colour(name: str, value: Any) -> str:
    text = _plain(value).lower()
    if not re.fullmatch(r"#[0-9a-f]{6}", text):
        raise Refusal("Enter a colour such as #1f5f5b.", "colour", name)
    return text


def _currency(name: str, value: Any) -> str:
    text = _plain(value).upper()
    if text not in currencies():
        raise Refusal("Enter the code of a currency, such as USD or EUR.", "currency", name)
    return text


def _locale(name: str, value: Any) -> str:
    refusal = Refusal("Enter a language and country, such as en_US or de_DE.", "locale", name)
    try:
        locale = Locale.parse(_plain(value).replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        raise refusal from None
    text = str(locale)
    if locale.language == "root" or len(text) > 16:
        raise refusal
    return text


def _timezone(name: str, value: Any) -> str:
    text = _plain(value)
    if text not in timezones():
        raise Refusal("Enter a time zone such as America/Chicago.", "timezone", name)
    return text


def _methods(name: str, value: Any) -> list[str]:
    lines = value if isinstance(value, list) else _plain(value).split("\n")
    methods = list(dict.fromkeys(filter(None, (_plain(line) for line in lines))))
    if len(methods) > MAX_METHODS:
        raise Refusal(f"List at most {MAX_METHODS} ways to pay.", "too_many", name)
    too_long = next((method for method in methods if len(method) > 60), None)
    if too_long is not None:
        raise Refusal(f"“{too_long[:30]}…” is too long: use at most 60 characters.", "long", name)
    return methods


def _yes_no(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = _plain(value).lower()
    if text not in ("", "0", "1", "false", "true", "no", "yes", "n", "y", "on", "off"):
        raise Refusal("Answer with yes or no.", "yes_no", name)
    return text in ("1", "true", "yes", "y", "on")


def _retry_days(name: str, value: Any) -> list[int]:
    parts = value if isinstance(value, list) else re.split(r"[\s,;]+", _plain(value))
    texts = [_plain(part) for part in parts if _plain(part)]
    sentence = (
        f"Enter at most {MAX_RETRIES} numbers of days from 1 to {MAX_RETRY_DAYS}, such as 3, 5, 7; "
        "or leave it empty so that nothing is charged again by itself."
    )
    wrong = any(
        not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= MAX_RETRY_DAYS
        for text in texts
    )
    if wrong or len(texts) > MAX_RETRIES:
        raise Refusal(sentence, "retry_days", name)
    return [int(text) for text in texts]


def _creditor_id(name: str, value: Any) -> str:
    text = re.sub(r"\s", "", _plain(value)).upper()
    if text and not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{3}[A-Z0-9]{1,28}", text):
        sentence = "Enter the identifier your bank gave you, such as DE98ZZZ09999999999."
        raise Refusal(sentence, "creditor_id", name)
    return text


READERS: dict[str, Reader] = {
    "organisation": _text(160, "Enter the office's name."),
    "tagline": _text(160),
    "address": _text(500),
    "phone": _text(40),
    "email": _email,
    "website": _website,
    "accent": _colour,
    "invoice_footer": _text(2000),
    "currency": _currency,
    "locale": _locale,
    "timezone": _timezone,
    "overdue_age": _whole(0, MAX_OVERDUE_AGE_DAYS, NEVER_OVERDUE, can_be_empty=True),
    "overdue_basis": _one_of(OverdueBasis),
    "billing_trigger": _one_of(BillingTrigger, BillingTrigger.DEFAULT),
    "link_days": _whole(1, 3650, "Enter whole days from 1 to 3,650."),
    "hold_minutes": _whole(5, 10080, "Enter whole minutes from 5 to 10,080 (a week)."),
    "max_declines": _whole(1, 100, "Enter a whole number from 1 to 100."),
    "manual_methods": _methods,
    "retry_days": _retry_days,
    "other_amounts": _yes_no,
    "direct_debit": _yes_no,
    "creditor_id": _creditor_id,
    "expiry_days": _whole(1, 365, "Enter whole days from 1 to 365."),
}
