"""Validation errors: what the gateway says when a request breaks a rule.

Codes are Braintree's:
https://developer.paypal.com/braintree/docs/reference/general/validation-errors/all/python
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# code -> (attribute it is reported on, message)
RULES = {
    "81501": ("amount", "Amount cannot be negative."),
    "81502": ("amount", "Amount is required."),
    "81503": ("amount", "Amount is an invalid format."),
    "81528": ("amount", "Amount is too large."),
    "81531": ("amount", "Amount must be greater than zero."),
    "91501": ("order_id", "Order ID is too long."),
    "91504": (
        "base",
        "Transaction can only be voided if status is authorized or submitted_for_settlement.",
    ),
    "91505": ("base", "Cannot refund credit transactions."),
    "91506": ("base", "Cannot refund a transaction unless it is settled."),
    "91507": ("base", "Cannot submit for settlement unless status is authorized."),
    "91508": ("base", "Cannot determine payment method."),
    "91510": ("customer_id", "Customer ID is invalid."),
    "91511": ("customer_id", "Customer does not have any payment methods."),
    "91512": ("base", "Transaction has already been completely refunded."),
    "91513": ("merchant_account_id", "Merchant account ID is invalid."),
    "91516": ("payment_method_token", "Payment method does not belong to the customer."),
    "91518": ("payment_method_token", "Payment method token is invalid."),
    "91521": ("amount", "Refund amount is too large."),
    "91522": ("amount", "Settlement amount is too large."),
    "91523": ("type", "Transaction type is invalid."),
    "91564": ("payment_method_nonce", "Cannot use a payment_method_nonce more than once."),
    "91565": ("payment_method_nonce", "Unknown or expired payment_method_nonce."),
    "91575": (
        "base",
        "Cannot transition transaction to settled, settlement_confirmed, or settlement_declined",
    ),
    "915103": ("base", "Cannot submit for partial settlement."),
    "915104": ("base", "This payment method cannot be authorized without being settled."),
    "915133": ("transaction_source", "Transaction source is invalid."),
    "915171": ("payment_method_nonce", "US bank account must be vaulted and verified first."),
    "915172": ("base", "The US bank account is not verified."),
    "915218": ("base", "Transaction must be in state authorized."),
    "915230": ("api_request_key", "API request key is too long."),
    "915231": ("api_request_key", "API request key is not allowed."),
    "915232": ("api_request_key", "API request key can be reused only with the same request."),
    "915233": ("api_request_key", "A request with this API request key is in flight."),
    "915234": ("api_request_key", "The request with this API request key failed."),
    "915235": ("api_request_key", "The request with this API request key met a server error."),
    "91609": ("id", "Customer ID has already been taken."),
    "91610": (
        "id",
        "Customer ID is invalid (use only letters, numbers, '-', and '_').",
    ),
    "91612": ("id", "Customer ID is too long."),
    "81604": ("email", "Email is an invalid format."),
    "81715": ("number", "Credit card number is invalid."),
    "91718": ("token", "Credit card token is invalid."),
    "91719": ("token", "Token is already in use."),
    "91704": ("customer_id", "Customer ID is required."),
    "91705": ("customer_id", "Customer ID is invalid."),
    "81724": ("number", "Duplicate card exists in the vault."),
    "81763": ("number", "Duplicate card exists for this customer in the vault."),
    "91731": ("payment_method_nonce", "Cannot use a payment_method_nonce more than once."),
    "91732": ("payment_method_nonce", "Unknown or expired payment_method_nonce."),
    "93102": ("payment_method_nonce", "Nonce is invalid."),
    "93103": ("payment_method_nonce", "Nonce is required."),
    "93104": ("customer_id", "Customer ID is required."),
    "93105": ("customer_id", "Customer ID is invalid."),
    "93107": ("payment_method_nonce", "Cannot use a payment_method_nonce more than once."),
    "93108": ("payment_method_nonce", "Unknown or expired payment_method_nonce."),
    "93121": ("us_bank_account_verification_method", "Verification method is invalid."),
    "92801": ("version", "Specified version is not supported."),
    "92802": ("base", "Customer specified by customer_id does not exist."),
}


@dataclass(frozen=True)
class Fault:
    """One broken rule: where in the request it lies, and what to say."""

    path: tuple[str, ...]
    attribute: str
    code: str
    message: str


class Refused(Exception):
    """The request breaks rules; nothing was changed."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(fault.message for fault in self.faults))


def refusal(code: str, *path: str) -> Refused:
    """The exception for one broken rule of `RULES` in the object at `path`."""
    attribute, message = RULES[code]
    return Refused([Fault(path or ("transaction",), attribute, code, message)])
