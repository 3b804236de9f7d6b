"""The nonces that always exist, one per situation worth testing.

Their names are Braintree's; they are never consumed:
https://developer.paypal.com/braintree/docs/reference/general/testing/python
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sandbox import banks, cards

CARD = "credit_card"
PAYPAL = "paypal_account"
VENMO = "venmo_account"

_CARD_NUMBERS = {
    "fake-valid-nonce": "4111111111111111",
    "fake-valid-visa-nonce": "4012888888881881",
    "fake-valid-mastercard-nonce": "5555555555554444",
    "fake-valid-amex-nonce": "378282246310005",
    "fake-valid-discover-nonce": "6011111111111117",
    "fake-valid-jcb-nonce": "3530111333300000",
    "fake-valid-maestro-nonce": "6304000000000000",
    "fake-valid-dinersclub-nonce": "36259600000004",
    "fake-valid-unionpay-credit-nonce": "6243030000000001",
    "fake-valid-debit-nonce": "4012000033330026",
    "fake-valid-prepaid-nonce": "4500600000000061",
    "fake-valid-commercial-nonce": "4005519200000004",
    "fake-valid-no-billing-address-nonce": "4111111111111111",
    "fake-three-d-secure-visa-full-authentication-nonce": "4111111111111111",
    "fake-processor-declined-visa-nonce": "4000111111111115",
    "fake-processor-declined-mastercard-nonce": "5105105105105100",
    "fake-processor-declined-amex-nonce": "378734493671000",
    "fake-processor-declined-discover-nonce": "6011000990139424",
    "fake-processor-failure-jcb-nonce": "3566002020360505",
    "fake-gateway-rejected-fraud-nonce": "4000111111111511",
    "fake-gateway-rejected-risk-thresholds-nonce": "4111130000000003",
}
_TRAITS = {
    "fake-valid-debit-nonce": "debit",
    "fake-valid-prepaid-nonce": "prepaid",
    "fake-valid-commercial-nonce": "commercial",
}
CONSUMED = "fake-consumed-nonce"
LUHN_INVALID = "fake-luhn-invalid-nonce"


def instrument(nonce: str, year: int) -> tuple[str, dict[str, Any]] | None:
    """The kind and details behind a fake nonce, or None when there is no such one.

    Cards expire in December after `year`, the sandbox's current one.
    """
    if nonce in _CARD_NUMBERS:
        postal_code = "" if "no-billing" in nonce else "60654"
        details = asdict(
            cards.check_card(_CARD_NUMBERS[nonce], "12", str(year + 1), None, postal_code)
        )
        return CARD, details | {"trait": _TRAITS.get(nonce, "")}
    if nonce == "fake-sepa-direct-debit-nonce":
        return banks.SEPA, asdict(banks.check_sepa("DE89370400440532013000", "Sample Payer"))
    if nonce == "fake-us-bank-account-nonce":
        checked = banks.check_us_bank("1000000000", "021000021", "Sample Payer")
        return banks.US_BANK, asdict(checked)
    if nonce == "fake-paypal-one-time-nonce":
        return PAYPAL, {"email": "payer@example.com", "one_time": True}
    if nonce == "fake-paypal-billing-agreement-nonce":
        return PAYPAL, {"email": "payer@example.com", "one_time": False}
    if nonce == "fake-venmo-account-nonce":
        return VENMO, {"username": "sample-payer"}
    return None
