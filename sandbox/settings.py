"""The knobs: which there are, and what values they take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

FLAGS = {
    "duplicate_checking": "Refuse a sale that repeats an earlier one",
    "api_request_keys": "Accept at-most-once keys (api_request_key)",
    "bank_debits_voidable": "Bank debits can be voided until they settle",
    "reject_cvv": "Reject cards whose CVV is wrong (200)",
    "reject_avs": "Reject cards whose postal code is wrong (20000)",
}
NUMBERS = {
    "duplicate_window_seconds": "Seconds in which a sale counts as a repetition",
    "settlement_days": "Days until a card payment settles",
    "bank_settlement_days": "Days until a bank debit settles",
    "return_days": "Days after which a returned debit comes back",
    "authorization_days": "Days an authorisation holds",
}
CHOICES = {
    "amounts": ("braintree", "plain"),
    "bank_outcome": ("settled", "declined", "returned"),
}
TEXTS = ("currency", "webhook_url")
LARGEST_NUMBER = 86_400


class BadSetting(ValueError):
    """A knob that does not exist, or a value it cannot take; says which."""


def check(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes, when every one of them is possible. Raises BadSetting."""
    return {name: _check(name, value) for name, value in changes.items()}


def _check(name: str, value: Any) -> Any:
    if name in FLAGS:
        _require(isinstance(value, bool), f"{name} must be true or false.")
    elif name in NUMBERS:
        whole = isinstance(value, int) and not isinstance(value, bool)
        fits = whole and 0 <= value <= LARGEST_NUMBER
        _require(fits, f"{name} must be a whole number from 0 to {LARGEST_NUMBER}.")
    elif name in CHOICES:
        _require(value in CHOICES[name], f"{name} must be one of: {', '.join(CHOICES[name])}.")
    elif name == "currency":
        code = isinstance(value, str) and re.fullmatch(r"[A-Z]{3}", value)
        _require(bool(code), "currency must be three capital letters, like USD.")
    elif name == "webhook_url":
        _require(_is_url(value), "webhook_url must be an http(s) address, or empty for none.")
    else:
        raise BadSetting(f"There is no setting {name!r}.")
    return value


def _require(right: bool, sentence: str) -> None:
    if not right:
        raise BadSetting(sentence)


def _is_url(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    parts = urlsplit(value)
    return value == "" or (parts.scheme in ("http", "https") and bool(parts.netloc))
