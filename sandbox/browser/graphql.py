"""The few GraphQL operations Braintree's browser client sends.

A client names its operation rather than sending arbitrary queries, so the sandbox answers by name.
As Braintree does, it answers every understood request with 200 and puts refusals in `errors`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.browser.configuration import graphql_configuration
from sandbox.browser.tokenizing import (
    brand_code,
    card_nonce,
    graphql_errors,
    part,
    text,
    us_bank_nonce,
)
from sandbox.cards import InvalidCard
from sandbox.options import Options
from sandbox.store import Store

Answer = dict[str, Any]

# What the sandbox doesn't know of a card; the client turns null into "Unknown".
_BIN_DATA = (
    "prepaid",
    "healthcare",
    "debit",
    "durbinRegulated",
    "commercial",
    "payroll",
    "issuingBank",
    "countryOfIssuance",
    "productId",
    "business",
    "consumer",
    "purchase",
    "corporate",
)


def failure(message: str, error_class: str) -> Answer:
    """A request that was refused as a whole. `error_class` is Braintree's, in capitals."""
    return {
        "data": None,
        "errors": [{"message": message, "extensions": {"errorClass": error_class}}],
    }


def answer(body: Mapping[str, Any], store: Store, options: Options) -> Answer:
    """Answer one authorised request."""
    name = _operation_name(body)
    operation = _OPERATIONS.get(name)
    if operation is None:
        return failure(f"The sandbox doesn't offer the operation {name!r}.", "NOT_FOUND")
    return operation(part(part(body, "variables"), "input"), store, options)


def makes_nonce(body: Mapping[str, Any]) -> bool:
    """Whether the request tokenises something, rather than asking for the configuration."""
    return _operation_name(body).startswith("Tokenize")


def _operation_name(body: Mapping[str, Any]) -> str:
    named = text(body, "operationName")
    found = re.match(r"\s*(?:query|mutation)\s+(\w+)", text(body, "query"))
    return named or (found.group(1) if found else "")


def _configuration(_values: Mapping[str, Any], _store: Store, options: Options) -> Answer:
    return {"data": {"clientConfiguration": graphql_configuration(options)}}


def _tokenize_credit_card(values: Mapping[str, Any], store: Store, _options: Options) -> Answer:
    card = part(values, "creditCard")
    try:
        nonce = card_nonce(store, card)
    except InvalidCard as refused:
        return graphql_errors(refused, "creditCard", "tokenizeCreditCard")
    details = {
        "bin": nonce.bin,
        "brandCode": brand_code(nonce),
        "last4": nonce.last_four,
        "cardholderName": text(card, "cardholderName") or None,
        "expirationMonth": nonce.expiration_month,
        "expirationYear": nonce.expiration_year,
        "binData": dict.fromkeys(_BIN_DATA),
    }
    return {"data": {"tokenizeCreditCard": {"token": nonce.nonce, "creditCard": details}}}


def _tokenize_us_bank_account(values: Mapping[str, Any], store: Store, _options: Options) -> Answer:
    try:
        nonce = us_bank_nonce(store, part(values, "usBankAccount"))
    except InvalidCard as refused:
        return graphql_errors(refused, "usBankAccount", "tokenizeUsBankAccount")
    method = {"id": nonce.nonce, "details": {"last4": nonce.last_four}}
    return {"data": {"tokenizeUsBankAccount": {"paymentMethod": method}}}


_OPERATIONS: dict[str, Callable[[Mapping[str, Any], Store, Options], Answer]] = {
    "ClientConfiguration": _configuration,
    "TokenizeCreditCard": _tokenize_credit_card,
    "TokenizeUsBankAccount": _tokenize_us_bank_account,
}
