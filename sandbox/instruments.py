"""Payment instruments (cards, bank accounts) the way the SDK reads them."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from sandbox import banks, clock, fake_nonces, outcomes
from sandbox.transactions import Transaction
from sandbox.work import Work

_TRAITS = (
    "prepaid", "healthcare", "debit", "durbin_regulated", "commercial", "payroll",
    "purchase", "corporate", "business", "consumer",
)  # fmt: skip


def brand_slug(card_type: str) -> str:
    """The brand's name in addresses: `american_express`."""
    return card_type.lower().replace(" ", "_") or "unknown"


def _image(work: Work, name: str) -> str:
    return f"{work.options.public_url}/card-images/{name}.svg"


def card(work: Work, data: dict[str, Any], token: str | None) -> dict[str, Any]:
    """A card; with empty `data`, the empty shell other instruments' transactions carry."""
    card_type = data.get("card_type")
    trait = data.get("trait", "")
    return {
        "token": token,
        "global_id": f"card_{token}" if token else None,
        "bin": data.get("bin"),
        "last_4": data.get("last_4"),
        "card_type": card_type,
        "expiration_month": data.get("expiration_month"),
        "expiration_year": data.get("expiration_year"),
        "expired": outcomes.is_expired(data, work.now),
        "cardholder_name": data.get("cardholder_name") or None,
        "customer_location": "US" if data else None,
        "image_url": _image(work, brand_slug(card_type or "")),
        "unique_number_identifier": data.get("unique_number_identifier"),
        "issuing_bank": "Unknown",
        "country_of_issuance": "Unknown",
        "product_id": "Unknown",
        "account_type": "credit" if data else None,
        **{name: "Yes" if name == trait else "Unknown" for name in _TRAITS},
    }


def sepa(data: dict[str, Any], token: str | None) -> dict[str, Any]:
    """A SEPA account with its mandate."""
    identifier = data["unique_number_identifier"]
    return {
        "token": token,
        "global_id": f"sepa_{token}" if token else None,
        "last_4": data["last_4"],
        "mandate_type": data["mandate"],
        "bank_reference_token": f"bank-{identifier[:12]}",
        "merchant_or_partner_customer_id": f"customer-{identifier[:8]}",
        "view_mandate_url": None,
    }


def us_bank(work: Work, data: dict[str, Any], token: str | None) -> dict[str, Any]:
    """A US account with the mandate text its holder agreed to."""
    return {
        "token": token,
        "global_id": f"usbank_{token}" if token else None,
        "last_4": data["last_4"],
        "routing_number": data["routing_number"],
        "account_type": data["account_type"],
        "account_holder_name": data["holder_name"],
        "bank_name": data["bank_name"],
        "ownership_type": data["ownership_type"],
        "image_url": _image(work, "us_bank_account"),
        "verifiable": True,
        "verified": bool(data.get("verified")),
        "ach_mandate": {
            "text": data["mandate"],
            "accepted_at": clock.moment(data.get("vaulted_at", work.now)),
        },
    }


def detail(work: Work, row: Transaction) -> dict[str, Any]:
    """The element of a transaction that describes how it was paid."""
    data, token = row.data["instrument"], row.payment_method_token
    if row.kind == fake_nonces.CARD:
        return {"credit_card": card(work, data, token)}
    if row.kind == banks.SEPA:
        ids = {
            "capture_id": f"capture-{row.id}",
            "paypal_v2_order_id": f"order-{row.id}",
            "debug_id": None,
            "correlation_id": None,
            "transaction_fee_amount": None,
            "transaction_fee_currency_iso_code": None,
            "refund_id": None,
            "refund_from_transaction_fee_amount": None,
            "refund_from_transaction_fee_currency_iso_code": None,
            "settlement_type": None,
        }
        return {"sepa_debit_account_detail": sepa(data, token) | ids}
    if row.kind == banks.US_BANK:
        return {"us_bank_account": us_bank(work, data, token)}
    name = "paypal" if row.kind == fake_nonces.PAYPAL else row.kind
    return {name: _wallet(work, row.kind, data, token)}


def _wallet(work: Work, kind: str, data: dict[str, Any], token: str | None) -> dict[str, Any]:
    common = {"token": token, "image_url": _image(work, kind)}
    if kind == fake_nonces.PAYPAL:
        return common | {"payer_email": data["email"], "email": data["email"]}
    return common | {"username": data["username"], "venmo_user_id": "sandbox-venmo-user"}


def vaulted(work: Work, row: sqlite3.Row, data: dict[str, Any]) -> dict[str, Any]:
    """A stored payment method: its details plus what the vault knows about it."""
    kind, token = str(row["kind"]), str(row["token"])
    common = {
        "customer_id": row["customer_id"],
        "customer_global_id": f"customer_{row['customer_id']}",
        "default": bool(row["is_default"]),
        "created_at": clock.moment(row["created_at"]),
        "updated_at": clock.moment(row["updated_at"]),
        "subscriptions": [],
    }
    if kind == fake_nonces.CARD:
        address = data.get("billing_address") or {}
        billing = {"billing_address": {"postal_code": data.get("postal_code")} | address}
        extra = billing | {"verifications": _verifications(data)}
        return card(work, data, token) | common | extra
    if kind == banks.SEPA:
        return sepa(data, token) | common
    if kind == banks.US_BANK:
        return us_bank(work, data, token) | common | {"verifications": _verifications(data)}
    return _wallet(work, kind, data, token) | common


def _verifications(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [verification(entry) for entry in data.get("verifications", [])]


def verification(entry: dict[str, Any]) -> dict[str, Any]:
    """One check of a card or account, as it was stored with it."""
    return entry | {"created_at": datetime.fromisoformat(entry["created_at"])}
