"""Reading and writing the SDK's XML.

Requests use underscores, answers dashes; types travel in attributes. The SDK keeps only the
last of repeated plain-text siblings, so every list is marked `type="array"`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

# Characters XML 1.0 cannot carry, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Malformed(Exception):
    """The body is not XML, or not XML we are willing to read."""


class Repeated(list[Any]):
    """Several elements of one name side by side, the way search pages list transactions."""


def parse(body: bytes) -> dict[str, Any]:
    """The request as nested dicts, `{}` for an empty body. Raises Malformed.

    Entities and document types are refused (they serve attacks, never the SDK).
    """
    if not body.strip():
        return {}
    try:
        root = fromstring(body, forbid_dtd=True)
        return {root.tag.replace("-", "_"): _value(root)}
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise Malformed(str(error)) from error


def element(body: bytes, name: str) -> dict[str, Any]:
    """The object `name` of a request; an empty one when it is missing or empty.

    Raises Malformed also for an object where text belongs, and text where an object does.
    """
    value = parse(body).get(name) or {}
    if not isinstance(value, dict):
        raise Malformed(f"{name} has no elements.")
    for key, inner in value.items():
        if key in _OBJECTS and inner and not isinstance(inner, dict):
            raise Malformed(f"{key} has no elements.")
        if key in _TEXTS and isinstance(inner, (dict, list)):
            raise Malformed(f"{key} is not plain text.")
    return value


_OBJECTS = (
    "billing", "billing_address", "credit_card", "custom_fields", "customer", "descriptor",
    "options", "shipping",
)  # fmt: skip
_TEXTS = (
    "amount", "api_request_key", "cardholder_name", "company", "customer_id", "email",
    "expiration_date", "expiration_month", "expiration_year", "first_name", "id", "last_name",
    "merchant_account_id", "order_id", "payment_method_nonce", "payment_method_token", "token",
    "transaction_source", "type", "version",
)  # fmt: skip


def _value(element: Element) -> Any:
    kind, text = element.get("type"), element.text or ""
    if element.get("nil") == "true":
        return None
    if kind == "array":
        return [_value(child) for child in element]
    if len(element):
        return {child.tag.replace("-", "_"): _value(child) for child in element}
    if kind == "boolean":
        return text.strip() in ("true", "1")
    if kind == "integer":
        return int(text)
    if kind in ("datetime", "date"):
        return _datetime(text.strip())
    return text


def _datetime(text: str) -> datetime:
    value = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def render(name: str, value: Any) -> str:
    """A whole document whose root is `name`."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{_node(name, value)}\n'


def _node(name: str, value: Any) -> str:
    tag = name.replace("_", "-")
    if value is None:
        return f'<{tag} nil="true"/>'
    if isinstance(value, bool):
        return f'<{tag} type="boolean">{str(value).lower()}</{tag}>'
    if isinstance(value, int):
        return f'<{tag} type="integer">{value}</{tag}>'
    if isinstance(value, datetime):
        stamp = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f'<{tag} type="datetime">{stamp}</{tag}>'
    if isinstance(value, date):
        return f'<{tag} type="date">{value.isoformat()}</{tag}>'
    if isinstance(value, Repeated):
        return "".join(_node(name, item) for item in value)
    if isinstance(value, (list, tuple)):
        items = "".join(_node(_ITEM_NAMES.get(tag, "item"), item) for item in value)
        return f'<{tag} type="array">{items}</{tag}>'
    if isinstance(value, Mapping):
        return f"<{tag}>{''.join(_node(key, item) for key, item in value.items())}</{tag}>"
    return f"<{tag}>{escape(_FORBIDDEN.sub('', str(value)))}</{tag}>"


_ITEM_NAMES = {
    "addresses": "address",
    "credit-cards": "credit-card",
    "disputes": "dispute",
    "errors": "error",
    "paypal-accounts": "paypal-account",
    "sepa-debit-accounts": "sepa-debit-account",
    "status-history": "status-event",
    "us-bank-accounts": "us-bank-account",
    "venmo-accounts": "venmo-account",
    "verifications": "verification",
}
