"""What the bank, and the gateway before it, say to a sale.

With the setting `amounts` at `braintree`, the amount decides, as in Braintree's own sandbox.
With `plain`, amounts are just amounts and the card's number decides, so that a demo can charge
an invoice of $2,500.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox import amounts, clock, responses
from sandbox.work import Work

PARTIAL_AMOUNT = 100_400


@dataclass(frozen=True)
class Outcome:
    """`status` is empty when the sale is approved; then the kind of sale decides it."""

    status: str
    code: str
    amount: int
    rejection: str = ""

    @property
    def message(self) -> str:
        """What the error response says."""
        if self.rejection:
            return f"Gateway Rejected: {self.rejection}"
        return responses.text(self.code)


def decide(
    work: Work, data: dict[str, Any], amount: int, *, duplicate: bool, partial_accepted: bool
) -> Outcome:
    """Decide a sale of `amount` hundredths on an instrument's `data`."""
    rejection = "duplicate" if duplicate else _rejection(work, data, amount)
    if rejection:
        approved_first = rejection in ("cvv", "avs", "avs_and_cvv")
        return Outcome("gateway_rejected", "1000" if approved_first else "", amount, rejection)
    code = _code(work, data, amount)
    if code == "3000":
        return Outcome("failed", code, amount)
    if responses.kind(code) != responses.APPROVED:
        return Outcome("processor_declined", code, amount)
    if partial_accepted and amount == PARTIAL_AMOUNT and work.settings["amounts"] == "braintree":
        return Outcome("", "1004", amount // 2)
    return Outcome("", code, amount)


def _rejection(work: Work, data: dict[str, Any], amount: int) -> str:
    if data.get("outcome") in ("fraud", "risk_threshold"):
        return str(data["outcome"])
    if work.settings["amounts"] == "braintree":
        code = amounts.authorization_code(amount)
        if not code.isdigit():
            return code
    bad_cvv = work.settings["reject_cvv"] and data.get("cvv_response_code") == "N"
    bad_avs = work.settings["reject_avs"] and data.get("avs_postal_code_response_code") == "N"
    return {(True, True): "avs_and_cvv", (True, False): "cvv", (False, True): "avs"}.get(
        (bool(bad_cvv), bool(bad_avs)), ""
    )


def _code(work: Work, data: dict[str, Any], amount: int) -> str:
    if work.settings["amounts"] == "braintree":
        return amounts.authorization_code(amount)
    outcome = str(data.get("outcome", ""))
    if outcome.isdigit():
        return outcome
    return "2004" if is_expired(data, work.now) else "1000"


def is_expired(data: dict[str, Any], now: int) -> bool:
    """Whether a card's last month is over at `now`."""
    if not data.get("expiration_year"):
        return False
    today = clock.moment(now)
    last = (int(data["expiration_year"]), int(data["expiration_month"]))
    return last < (today.year, today.month)


def avs(street: str, postal_code: str) -> dict[str, str]:
    """The address check's answers for a billing address."""
    street_codes = {"200": "N", "201": "U"}
    postal_codes = {"20000": "N", "20001": "U"}
    return {
        "avs_street_address_response_code": street_codes.get(street[:3], "M") if street else "I",
        "avs_postal_code_response_code": (
            postal_codes.get(postal_code, "M") if postal_code else "I"
        ),
    }
