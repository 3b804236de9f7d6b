"""Amounts on the wire, and the amounts that make test transactions fail.

Inside, an amount is a whole number of hundredths.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.refusals import refusal

LARGEST = 99_999_999_999


def parse(value: Any, *path: str) -> int:
    """Hundredths from the wire's text. Raises Refused (815xx) for anything but a payable amount."""
    text = "" if value is None else str(value).strip()
    if not text:
        raise refusal("81502", *path)
    if re.fullmatch(r"-\d+(\.\d+)?", text, re.ASCII):
        raise refusal("81501", *path)
    match = re.fullmatch(r"(\d+)(?:\.(\d{1,2}))?", text, re.ASCII)
    if match is None:
        raise refusal("81503", *path)
    hundredths = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if hundredths > LARGEST:
        raise refusal("81528", *path)
    if hundredths == 0:
        raise refusal("81531", *path)
    return hundredths


def show(hundredths: int) -> str:
    """The wire's text: `12.50`."""
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def authorization_code(hundredths: int) -> str:
    """The processor's answer Braintree's test table gives for an amount.

    `application_incomplete` stands for the one amount the gateway itself rejects.
    https://developer.paypal.com/braintree/docs/reference/general/testing/python
    """
    if 200_000 <= hundredths <= 299_999:
        return str(hundredths // 100)
    if 300_000 <= hundredths <= 300_099:
        return "3000"
    if hundredths == 500_100:
        return "application_incomplete"
    return "1000"


def settlement_is_declined(hundredths: int) -> bool:
    """Whether the table declines the settlement of a bank debit of this amount."""
    return 400_100 <= hundredths <= 400_199 or 400_300 <= hundredths <= 500_099
