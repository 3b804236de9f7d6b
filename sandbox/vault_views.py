"""Customers, payment methods and nonces the way the SDK reads them."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from flask import Response

from sandbox import answers, banks, clock, fake_nonces, instruments, responses, vault
from sandbox.nonces import Instrument
from sandbox.verifications import VerificationFailed
from sandbox.work import Work

_LISTS = {
    fake_nonces.CARD: "credit_cards",
    banks.SEPA: "sepa_debit_accounts",
    banks.US_BANK: "us_bank_accounts",
    fake_nonces.PAYPAL: "paypal_accounts",
    fake_nonces.VENMO: "venmo_accounts",
}
_NONCE_TYPES = {
    fake_nonces.CARD: "CreditCard",
    banks.SEPA: "SEPADebitAccount",
    banks.US_BANK: "UsBankAccount",
    fake_nonces.PAYPAL: "PayPalAccount",
    fake_nonces.VENMO: "VenmoAccount",
}


def customer(work: Work, customer_id: str) -> dict[str, Any]:
    """A customer with every payment method. Raises vault.NotFound."""
    row = vault.customer_row(work, customer_id)
    if row is None:
        raise vault.NotFound(customer_id)
    content: dict[str, Any] = {
        "id": customer_id,
        "global_id": f"customer_{customer_id}",
        "merchant_id": work.options.merchant_id,
        "created_at": clock.moment(row["created_at"]),
        "updated_at": clock.moment(row["updated_at"]),
        "addresses": [],
        **json.loads(row["data"]),
        **{name: [] for name in _LISTS.values()},
    }
    for each in vault.methods_of(work, customer_id):
        content[_LISTS[each["kind"]]].append(method(work, each))
    return content


def method(work: Work, row: sqlite3.Row) -> dict[str, Any]:
    """A stored payment method."""
    return instruments.vaulted(work, row, json.loads(row["data"]))


def nonce(name: str, instrument: Instrument, *, consumed: bool) -> dict[str, Any]:
    """A nonce with what a merchant may know about the details behind it."""
    data = instrument.data
    last_4 = str(data.get("last_4", ""))
    return {
        "nonce": name,
        "type": _NONCE_TYPES[instrument.kind],
        "description": f"ending in {last_4[-2:]}" if last_4 else None,
        "default": False,
        "consumed": consumed,
        "security_questions": None,
        "three_d_secure_info": None,
        "bin_data": None,
        "details": {
            "bin": data.get("bin"),
            "card_type": data.get("card_type"),
            "last_two": last_4[-2:],
            "last_four": last_4,
            "expiration_month": data.get("expiration_month"),
            "expiration_year": data.get("expiration_year"),
            "cardholder_name": data.get("cardholder_name") or None,
            "account_holder_name": data.get("holder_name"),
            "email": data.get("email"),
        },
    }


def verification_failed(error: VerificationFailed) -> Response:
    """The error for a card whose bank declined the check; it carries the check's result."""
    failed = error.code == "3000"
    content = {
        "errors": {"errors": []},
        "params": {},
        "message": responses.text(error.code),
        "verification": {
            "status": "failed" if failed else "processor_declined",
            "processor_response_code": error.code,
            "processor_response_text": responses.text(error.code),
            "processor_response_type": responses.kind(error.code),
            "gateway_rejection_reason": None,
            "cvv_response_code": "M",
            "avs_postal_code_response_code": "M",
            "avs_street_address_response_code": "M",
        },
    }
    return answers.document("api_error_response", content, 422)
