"""Bank accounts the sandbox accepts, and what their numbers make happen.

The network check of US accounts follows Braintree's published test accounts:
https://developer.paypal.com/braintree/docs/guides/ach/testing-go-live
No table is published for what happens at settlement, so the last four digits decide here.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from sandbox.cards import FieldError, InvalidCard

SEPA = "sepa_debit_account"
US_BANK = "us_bank_account"

# A published test account -> the processor code its network check ends with.
NETWORK_CHECKS = {
    "1000000000": "1000",
    "1000000001": "1003",
    "1000000002": "3000",
    "1000000004": "2046",
    "1000000005": "2061",
    "1000000006": "2092",
    "1000000007": "2092",
    "1000000008": "2061",
    "1000000009": "2061",
    "1000004001": "1000",
    "1000004002": "1000",
}
NETWORK_CHECK_OTHERWISE = "2038"

# The last four digits of an IBAN or account number -> how its debits end.
SETTLEMENTS = {"4001": "declined", "4002": "returned"}


@dataclass(frozen=True)
class BankDetails:
    """A checked account as the sandbox keeps it: the last four digits, never the number."""

    kind: str
    last_4: str
    holder_name: str
    bank_name: str
    routing_number: str
    account_type: str
    ownership_type: str
    mandate: str
    network_check: str
    outcome: str
    unique_number_identifier: str


def iban_is_valid(iban: str) -> bool:
    """Whether the check digits of a compact upper-case IBAN are right (ISO 13616)."""
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", iban, re.ASCII):
        return False
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def check_sepa(iban: str, holder_name: str = "", mandate: str = "RECURRENT") -> BankDetails:
    """Check an IBAN. Raises InvalidCard (field `iban`) when its check digits are wrong."""
    compact = re.sub(r"\s", "", iban or "").upper()
    if not iban_is_valid(compact):
        raise InvalidCard([("iban", "83302", "IBAN is invalid.")])
    return BankDetails(
        kind=SEPA,
        last_4=compact[-4:],
        holder_name=holder_name,
        bank_name="",
        routing_number="",
        account_type="",
        ownership_type="",
        mandate=mandate,
        network_check="1000",
        outcome=SETTLEMENTS.get(compact[-4:], ""),
        unique_number_identifier=_fingerprint(compact),
    )


def check_us_bank(
    account_number: str,
    routing_number: str,
    holder_name: str = "",
    account_type: str = "checking",
    ownership_type: str = "personal",
    mandate: str = "",
) -> BankDetails:
    """Check a US account. Raises InvalidCard naming the fields that are wrong.

    `mandate` is the text the account holder agreed to.
    """
    account, routing = (account_number or "").strip(), (routing_number or "").strip()
    errors: list[FieldError] = []
    if not re.fullmatch(r"\d{4,17}", account, re.ASCII):
        errors.append(("account_number", "83303", "Account number is invalid."))
    if not routing_is_valid(routing):
        errors.append(("routing_number", "83304", "Routing number is invalid."))
    if account_type not in ("checking", "savings"):
        errors.append(("account_type", "83305", "Account type is invalid."))
    if errors:
        raise InvalidCard(errors)
    return BankDetails(
        kind=US_BANK,
        last_4=account[-4:],
        holder_name=holder_name,
        bank_name="Sandbox National Bank",
        routing_number=routing,
        account_type=account_type,
        ownership_type=ownership_type,
        mandate=mandate,
        network_check=NETWORK_CHECKS.get(account, NETWORK_CHECK_OTHERWISE),
        outcome=SETTLEMENTS.get(account[-4:], ""),
        unique_number_identifier=_fingerprint(routing + account),
    )


def routing_is_valid(routing: str) -> bool:
    """Whether an ABA routing number has nine digits and the right check digit."""
    if not re.fullmatch(r"\d{9}", routing, re.ASCII):
        return False
    weights = (3, 7, 1, 3, 7, 1, 3, 7, 1)
    return sum(int(d) * w for d, w in zip(routing, weights, strict=True)) % 10 == 0


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
