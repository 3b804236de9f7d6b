"""From what a browser sent to a nonce, and from refusals to the client's two error shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.browser.configuration import BRANDS
from sandbox.cards import InvalidCard
from sandbox.nonces import Nonce
from sandbox.store import Store

_BRAND_CODES = {name: code for code, name in BRANDS.items()}


def text(details: Mapping[str, Any], name: str) -> str:
    """A value as text; missing, null and nested values count as empty."""
    value = details.get(name)
    return str(value) if isinstance(value, str | int) else ""


def part(details: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A nested object; anything else counts as an empty one."""
    value = details.get(name)
    return value if isinstance(value, Mapping) else {}


def card_nonce(store: Store, card: Mapping[str, Any]) -> Nonce:
    """Tokenise a card in the client's spelling. Raises InvalidCard naming each wrong field."""
    month, _, year = text(card, "expirationDate").partition("/")
    return store.create_card_nonce(
        text(card, "number"),
        text(card, "expirationMonth") or month.strip(),
        text(card, "expirationYear") or year.strip(),
        text(card, "cvv") or None,
        text(part(card, "billingAddress"), "postalCode") or None,
        text(card, "cardholderName") or None,
    )


def us_bank_nonce(store: Store, account: Mapping[str, Any]) -> Nonce:
    """Tokenise a US bank account. Raises InvalidCard naming each wrong field."""
    person, business = part(account, "individualOwner"), part(account, "businessOwner")
    name = f"{text(person, 'firstName')} {text(person, 'lastName')}".strip()
    return store.create_bank_nonce(
        account_number=text(account, "accountNumber"),
        routing_number=text(account, "routingNumber"),
        account_holder_name=name or text(business, "businessName"),
        account_type=text(account, "accountType").lower() or "checking",
        mandate=text(account, "achMandate"),
    )


def brand_code(nonce: Nonce) -> str:
    """GraphQL's word for the card's brand."""
    return _BRAND_CODES.get(nonce.card_type, "UNKNOWN")


def rest_card(nonce: Nonce, cardholder_name: str) -> dict[str, Any]:
    """A tokenised card as the client API describes it."""
    return {
        "type": "CreditCard",
        "nonce": nonce.nonce,
        "description": f"ending in {nonce.last_two}",
        "consumed": False,
        "threeDSecureInfo": None,
        "details": {
            "bin": nonce.bin,
            "lastTwo": nonce.last_two,
            "lastFour": nonce.last_four,
            "cardType": nonce.card_type,
            "cardholderName": cardholder_name or None,
            "expirationMonth": nonce.expiration_month,
            "expirationYear": nonce.expiration_year,
        },
    }


def rest_errors(refused: InvalidCard, owner: str, message: str) -> dict[str, Any]:
    """Refused details as the client API reports them, under the object named `owner`."""
    errors = [
        {"field": camel_case(field), "code": code, "message": sentence}
        for field, code, sentence in refused.errors
    ]
    return {
        "error": {"message": message},
        "fieldErrors": [{"field": owner, "fieldErrors": errors}],
    }


def graphql_errors(refused: InvalidCard, owner: str, operation: str) -> dict[str, Any]:
    """Refused details as GraphQL reports them, under the input named `owner`."""
    errors = [
        {
            "message": sentence,
            "path": [operation],
            "extensions": {
                "errorType": "user_error",
                "errorClass": "VALIDATION",
                "legacyCode": code,
                "inputPath": ["input", owner, camel_case(field)],
            },
        }
        for field, code, sentence in refused.errors
    ]
    return {"data": {operation: None}, "errors": errors}


def camel_case(name: str) -> str:
    """`expiration_month` as browsers spell it: `expirationMonth`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
