"""Transactions the way the SDK reads them."""

from __future__ import annotations

from typing import Any

from sandbox import amounts, clock, disputes, instruments, responses, transactions
from sandbox.disputes import Dispute
from sandbox.transactions import Event, Transaction
from sandbox.work import Work

INSTRUMENT_TYPES = {
    "credit_card": "credit_card",
    "paypal_account": "paypal_account",
    "venmo_account": "venmo_account",
    "sepa_debit_account": "sepa_debit_account",
    "us_bank_account": "us_bank_account",
}
_ECHOED = (
    "merchant_account_id", "channel", "purchase_order_number", "descriptor", "custom_fields",
    "recurring", "gateway_rejection_reason", "processor_authorization_code",
    "processor_response_code", "processor_response_text", "processor_response_type",
    "additional_processor_response", "processor_settlement_response_code",
    "processor_settlement_response_text", "network_response_code", "network_response_text",
    "network_transaction_id", "avs_error_response_code", "avs_postal_code_response_code",
    "avs_street_address_response_code", "cvv_response_code", "settlement_batch_id",
    "ach_return_code", "ach_reject_reason", "ach_type", "tax_amount", "discount_amount",
    "shipping_amount",
    "transaction_source", "tax_exempt", "retry_ids", "debit_network", "sca_exemption_requested",
)  # fmt: skip


def transaction(work: Work, row: Transaction) -> dict[str, Any]:
    """Everything a merchant may know about `row`."""
    refunds = transactions.children(work, "refunded_id", row.id)
    parts = transactions.children(work, "authorized_id", row.id)
    history = transactions.events(work, row.id)
    return {
        "id": row.id,
        "global_id": f"transaction_{row.id}",
        "status": row.status,
        "type": row.type,
        "amount": amounts.show(row.amount),
        "currency_iso_code": row.currency,
        "order_id": row.order_id,
        "created_at": clock.moment(row.created_at),
        "updated_at": clock.moment(row.updated_at),
        "payment_instrument_type": INSTRUMENT_TYPES[row.kind],
        "refund_ids": [refund.id for refund in refunds],
        "refund_id": refunds[-1].id if refunds else None,
        "refunded_transaction_id": row.refunded_id,
        "partial_settlement_transaction_ids": [part.id for part in parts],
        "authorized_transaction_id": row.authorized_id,
        "authorization_expires_at": _authorization_end(work, row, history),
        "disputes": [dispute(work, each, row) for each in disputes.of_transaction(work, row.id)],
        "status_history": [_event(event) for event in history],
        "disbursement_details": _disbursement(row),
        "ach_return_responses": _returns(row),
        **{name: row.data.get(name) for name in _ECHOED},
        "customer": {**_CUSTOMER, **row.data.get("customer", {}), "id": row.customer_id},
        "billing": {**_ADDRESS, **row.data.get("billing", {})},
        "shipping": {**_ADDRESS, **row.data.get("shipping", {})},
        "credit_card": instruments.card(work, {}, None),
        "add_ons": [],
        "discounts": [],
        "authorization_adjustments": row.data.get("adjustments", []),
        "subscription_id": None,
        "subscription": {"billing_period_start_date": None, "billing_period_end_date": None},
        **instruments.detail(work, row),
    }


_ADDRESS: dict[str, Any] = dict.fromkeys(
    (
        "id", "first_name", "last_name", "company", "street_address", "extended_address",
        "locality", "region", "postal_code", "country_name", "country_code_alpha2",
        "country_code_alpha3", "country_code_numeric", "phone_number",
    )
)  # fmt: skip
_CUSTOMER: dict[str, Any] = dict.fromkeys(
    ("first_name", "last_name", "company", "email", "website", "phone", "fax")
)


def _authorization_end(work: Work, row: Transaction, history: list[Event]) -> Any:
    authorized_at = transactions.last_moment(history, "authorized")
    if authorized_at is None:
        return None
    return clock.moment(authorized_at + work.settings["authorization_days"] * clock.DAY)


def _event(event: Event) -> dict[str, Any]:
    return {
        "timestamp": clock.moment(event.at),
        "status": event.status,
        "amount": amounts.show(event.amount),
        "user": "sandbox",
        "transaction_source": event.source,
    }


def _disbursement(row: Transaction) -> dict[str, Any]:
    done = "disbursed_at" in row.data
    return {
        "disbursement_date": clock.moment(row.data["disbursed_at"]).date() if done else None,
        "settlement_amount": amounts.show(row.amount) if done else None,
        "settlement_currency_iso_code": row.currency if done else None,
        "settlement_currency_exchange_rate": "1" if done else None,
        "funds_held": False if done else None,
        "success": True if done else None,
    }


def _returns(row: Transaction) -> list[dict[str, Any]]:
    if row.data.get("returned_at") is None or row.kind != "us_bank_account":
        return []
    return [
        {
            "reason_code": row.data["ach_return_code"],
            "created_at": clock.moment(row.data["returned_at"]),
        }
    ]


def dispute(work: Work, row: Dispute, of: Transaction) -> dict[str, Any]:
    """A dispute with the transaction it is about."""
    won = row.status == "won"
    return {
        "id": row.id,
        "global_id": f"dispute_{row.id}",
        "amount": amounts.show(row.amount),
        "amount_disputed": amounts.show(row.amount),
        "amount_won": amounts.show(row.amount if won else 0),
        "case_number": f"CASE-{row.id.upper()}",
        "currency_iso_code": of.currency,
        "status": row.status,
        "kind": row.kind,
        "reason": "retrieval" if row.kind == "retrieval" else "fraud",
        "reason_code": "83",
        "reason_description": None,
        "received_date": clock.moment(row.opened_at).date(),
        "reply_by_date": clock.moment(row.opened_at + 14 * clock.DAY).date(),
        "date_opened": clock.moment(row.opened_at).date(),
        "date_won": clock.moment(row.updated_at).date() if won else None,
        "created_at": clock.moment(row.opened_at),
        "updated_at": clock.moment(row.updated_at),
        "merchant_account_id": of.data.get("merchant_account_id"),
        "evidence": [],
        "paypal_messages": [],
        "status_history": [_dispute_event(each) for each in disputes.events(work, row.id)],
        "transaction": {
            "id": of.id,
            "global_id": f"transaction_{of.id}",
            "amount": amounts.show(of.amount),
            "created_at": clock.moment(of.created_at),
            "order_id": of.order_id,
            "payment_instrument_subtype": of.data["instrument"].get("card_type"),
            "purchase_order_number": of.data.get("purchase_order_number"),
        },
    }


def _dispute_event(event: disputes.Event) -> dict[str, Any]:
    return {
        "status": event.status,
        "timestamp": clock.moment(event.at),
        "effective_date": clock.moment(event.at).date(),
        "disbursement_date": None,
    }


def processor_answer(code: str) -> dict[str, Any]:
    """The processor's part of a transaction for `code`; empty when it was never asked."""
    if not code:
        return {
            "processor_response_code": "",
            "processor_response_text": "",
            "processor_response_type": None,
            "additional_processor_response": None,
        }
    text, kind = responses.text(code), responses.kind(code)
    approved = kind == responses.APPROVED
    return {
        "processor_response_code": code,
        "processor_response_text": text,
        "processor_response_type": kind,
        "additional_processor_response": None if approved else f"{code} : {text}",
        "network_response_code": "XX",
        "network_response_text": "sample network response text",
    }
