"""Finding transactions by the criteria of the SDK's search."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox import transactions
from sandbox.transactions import Transaction
from sandbox.work import Work

PAGE_SIZE = 50


# Expressions below are written into the SQL text; they come from this file only, and what
# people search for is always bound.
class NotSearchable(Exception):
    """A criterion the sandbox does not know; ignoring it would find too much."""


def _json(path: str) -> str:
    return f"json_extract(t.data, '$.{path}')"


def _entered(status: str) -> str:
    events = "status_events e WHERE e.transaction_id = t.id"
    return f"(SELECT MAX(e.at) FROM {events} AND e.status = '{status}')"  # noqa: S608


_ADDRESS_FIELDS = (
    "company", "country_name", "extended_address", "first_name", "last_name", "locality",
    "postal_code", "region", "street_address",
)  # fmt: skip
_TEXTS = {
    "id": "t.id",
    "order_id": "t.order_id",
    "customer_id": "t.customer_id",
    "payment_method_token": "t.payment_method_token",
    "currency": "t.currency",
    "processor_authorization_code": _json("processor_authorization_code"),
    "settlement_batch_id": _json("settlement_batch_id"),
    "credit_card_cardholder_name": _json("instrument.cardholder_name"),
    "credit_card_unique_identifier": _json("instrument.unique_number_identifier"),
    **{f"billing_{name}": _json(f"billing.{name}") for name in _ADDRESS_FIELDS},
    **{f"shipping_{name}": _json(f"shipping.{name}") for name in _ADDRESS_FIELDS},
    **{
        f"customer_{name}": _json(f"customer.{name}")
        for name in ("company", "email", "fax", "first_name", "last_name", "phone", "website")
    },
}
_CARD_TEXTS = {
    "credit_card_expiration_date": (
        f"({_json('instrument.expiration_month')} || '/' || {_json('instrument.expiration_year')})"
    ),
    "credit_card_number": f"({_json('instrument.bin')} || {_json('instrument.last_4')})",
}
_LISTS = {
    "ids": "t.id",
    "status": "t.status",
    "type": "t.type",
    "payment_instrument_type": "t.kind",
    "merchant_account_id": _json("merchant_account_id"),
    "credit_card_card_type": _json("instrument.card_type"),
    "reason_code": _json("ach_return_code"),
}
_RANGES = {
    "amount": "t.amount",
    "created_at": "t.created_at",
    "authorized_at": _entered("authorized"),
    "authorization_expired_at": _entered("authorization_expired"),
    "failed_at": _entered("failed"),
    "gateway_rejected_at": _entered("gateway_rejected"),
    "processor_declined_at": _entered("processor_declined"),
    "settled_at": _entered("settled"),
    "submitted_for_settlement_at": _entered("submitted_for_settlement"),
    "voided_at": _entered("voided"),
    "ach_return_responses_created_at": _json("returned_at"),
    "disbursement_date": _json("disbursed_at"),
    "dispute_date": ("(SELECT MAX(d.opened_at) FROM disputes d WHERE d.transaction_id = t.id)"),
}


def find_ids(work: Work, criteria: dict[str, Any]) -> list[str]:
    """The ids that fit all criteria, newest first. Raises NotSearchable."""
    where, values = _where(criteria)
    rows = work.db.execute(
        f"SELECT t.id FROM transactions t WHERE {where} ORDER BY t.number DESC",  # noqa: S608
        values,
    )
    return [row["id"] for row in rows]


def find(work: Work, criteria: dict[str, Any]) -> list[Transaction]:
    """The transactions that fit all criteria, newest first. Raises NotSearchable."""
    where, values = _where(criteria)
    rows = work.db.execute(
        f"SELECT t.* FROM transactions t WHERE {where} ORDER BY t.number DESC",  # noqa: S608
        values,
    )
    return [transactions.from_row(row) for row in rows]


def _where(criteria: dict[str, Any]) -> tuple[str, list[Any]]:
    parts, values = ["1 = 1"], []
    for name, wanted in criteria.items():
        condition, more = _condition(name, wanted)
        parts.append(condition)
        values += more
    return " AND ".join(parts), values


def _condition(name: str, wanted: Any) -> tuple[str, list[Any]]:
    if name == "refund" and isinstance(wanted, (bool, str)):
        is_refund = wanted in (True, "true")
        return f"t.refunded_id IS {'NOT ' if is_refund else ''}NULL", []
    if name in _LISTS and isinstance(wanted, list):
        marks = ", ".join("?" * len(wanted))
        return f"{_LISTS[name]} IN ({marks})", [str(value) for value in wanted]
    if name in _RANGES and isinstance(wanted, dict):
        return _range(name, wanted)
    expression = (_TEXTS | _CARD_TEXTS).get(name)
    if expression and isinstance(wanted, dict):
        return _text(expression, wanted)
    raise NotSearchable(name)


def _text(expression: str, wanted: dict[str, Any]) -> tuple[str, list[Any]]:
    parts, values = ["1 = 1"], []
    for operator, value in _known(wanted, "is", "is_not", "starts_with", "ends_with", "contains"):
        text = str(value or "")
        pattern = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        condition, operand = {
            "is": (f"COALESCE({expression}, '') = ?", text),
            "is_not": (f"COALESCE({expression}, '') <> ?", text),
            "starts_with": (f"{expression} LIKE ? ESCAPE '\\'", f"{pattern}%"),
            "ends_with": (f"{expression} LIKE ? ESCAPE '\\'", f"%{pattern}"),
            "contains": (f"{expression} LIKE ? ESCAPE '\\'", f"%{pattern}%"),
        }[operator]
        parts.append(condition)
        values.append(operand)
    return " AND ".join(parts), values


def _known(wanted: dict[str, Any], *operators: str) -> list[tuple[str, Any]]:
    unknown = set(wanted) - set(operators)
    if unknown:
        raise NotSearchable(", ".join(sorted(unknown)))
    return list(wanted.items())


def _range(name: str, wanted: dict[str, Any]) -> tuple[str, list[Any]]:
    parts, values = ["1 = 1"], []
    for operator, value in _known(wanted, "min", "max", "is"):
        sign = {"min": ">=", "max": "<=", "is": "="}[operator]
        parts.append(f"{_RANGES[name]} {sign} ?")
        values.append(_bound(name, value))
    return " AND ".join(parts), values


def _bound(name: str, value: Any) -> int:
    if isinstance(value, datetime):
        return int(value.timestamp())
    try:
        if name == "amount":
            whole, _, fraction = str(value).partition(".")
            return int(whole) * 100 + int(fraction.ljust(2, "0")[:2])
        return int(datetime.fromisoformat(str(value).replace("Z", "+00:00")).timestamp())
    except ValueError as error:
        raise NotSearchable(f"{name}: {value}") from error
