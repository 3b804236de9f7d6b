"""Stored customers and payment methods."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import Any

from sandbox import banks, fake_nonces, nonces, verifications
from sandbox.nonces import Instrument
from sandbox.refusals import refusal
from sandbox.work import Work

CUSTOMER_FIELDS = ("first_name", "last_name", "company", "email", "phone", "fax", "website")
_NAME = r"[A-Za-z0-9_-]+"


class NotFound(Exception):
    """There is no such thing."""


def customer_row(work: Work, customer_id: str) -> sqlite3.Row | None:
    """The customer's row, if any."""
    row = work.db.execute("SELECT * FROM customers WHERE id = ?", (customer_id,)).fetchone()
    return row if isinstance(row, sqlite3.Row) else None


def customer_data(row: sqlite3.Row) -> dict[str, Any]:
    """A customer's names and addresses."""
    data = json.loads(row["data"])
    return {name: data.get(name) for name in CUSTOMER_FIELDS}


def create_customer(work: Work, params: dict[str, Any]) -> str:
    """Store a customer and return the id, made up when none is asked for.

    Raises Refused: 91609 id taken, 91610 bad characters, 91612 too long, 81604 bad e-mail.
    """
    customer_id = str(params.get("id") or nonces.new_id(10))
    _check_customer(params, customer_id)
    if customer_row(work, customer_id) is not None:
        raise refusal("91609", "customer")
    data = {name: params.get(name) or None for name in CUSTOMER_FIELDS}
    data["custom_fields"] = params.get("custom_fields") or {}
    work.db.execute(
        "INSERT INTO customers VALUES (?, ?, ?, ?)",
        (customer_id, json.dumps(data), work.now, work.now),
    )
    return customer_id


def update_customer(work: Work, customer_id: str, params: dict[str, Any]) -> None:
    """Change what is given. Raises NotFound, or Refused as create_customer does."""
    row = customer_row(work, customer_id)
    if row is None:
        raise NotFound(customer_id)
    _check_customer(params, customer_id)
    data = json.loads(row["data"])
    data |= {name: params[name] or None for name in CUSTOMER_FIELDS if name in params}
    data["custom_fields"] |= params.get("custom_fields") or {}
    work.db.execute(
        "UPDATE customers SET data = ?, updated_at = ? WHERE id = ?",
        (json.dumps(data), work.now, customer_id),
    )


def delete_customer(work: Work, customer_id: str) -> None:
    """Forget a customer with every payment method. Raises NotFound."""
    work.db.execute("DELETE FROM payment_methods WHERE customer_id = ?", (customer_id,))
    if not work.db.execute("DELETE FROM customers WHERE id = ?", (customer_id,)).rowcount:
        raise NotFound(customer_id)


def _check_customer(params: dict[str, Any], customer_id: str) -> None:
    if len(customer_id) > 36:
        raise refusal("91612", "customer")
    if not re.fullmatch(_NAME, customer_id, re.ASCII):
        raise refusal("91610", "customer")
    email = params.get("email")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(email)):
        raise refusal("81604", "customer")


def methods_of(work: Work, customer_id: str) -> list[sqlite3.Row]:
    """The customer's payment methods, the default first."""
    return work.db.execute(
        "SELECT * FROM payment_methods WHERE customer_id = ? "
        "ORDER BY is_default DESC, created_at, token",
        (customer_id,),
    ).fetchall()


def method_row(work: Work, token: str) -> sqlite3.Row:
    """The payment method's row. Raises NotFound."""
    row = work.db.execute("SELECT * FROM payment_methods WHERE token = ?", (token,)).fetchone()
    if row is None:
        raise NotFound(token)
    assert isinstance(row, sqlite3.Row)
    return row


def instrument_of(row: sqlite3.Row) -> Instrument:
    """What a stored payment method pays with."""
    return Instrument(row["kind"], json.loads(row["data"]), row["token"])


def add_method(work: Work, customer_id: str, instrument: Instrument, params: dict[str, Any]) -> str:
    """Store payment details under a customer and return their token.

    A customer's first method is the default one. Raises Refused (91718 bad token, 91719 token
    taken, 81724/81763 stored already where the options forbid that) and, when
    `options.verify_card` asks for the check, VerificationFailed.
    """
    options = params.get("options") or {}
    token = str(params.get("token") or nonces.new_id(7))
    if len(token) > 36 or not re.fullmatch(_NAME, token, re.ASCII):
        raise refusal("91718", "credit_card")
    if work.db.execute("SELECT 1 FROM payment_methods WHERE token = ?", (token,)).fetchone():
        raise refusal("91719", "credit_card")
    data = dict(instrument.data) | {"vaulted_at": work.now}
    if params.get("billing_address"):
        data["billing_address"] = dict(params["billing_address"])
    if params.get("cardholder_name"):
        data["cardholder_name"] = params["cardholder_name"]
    _check_repeated(work, customer_id, data, options)
    if instrument.kind == fake_nonces.CARD and options.get("verify_card"):
        verifications.verify_card(work, data)
    if instrument.kind == banks.US_BANK:
        verifications.verify_account(work, data, options.get("us_bank_account_verification_method"))
    is_first = not methods_of(work, customer_id)
    work.db.execute(
        "INSERT INTO payment_methods VALUES (?, ?, ?, ?, 0, ?, ?)",
        (token, customer_id, instrument.kind, json.dumps(data), work.now, work.now),
    )
    if is_first or options.get("make_default"):
        make_default(work, customer_id, token)
    return token


def _check_repeated(
    work: Work, customer_id: str, data: dict[str, Any], options: dict[str, Any]
) -> None:
    rows = work.db.execute(
        "SELECT customer_id FROM payment_methods "
        "WHERE json_extract(data, '$.unique_number_identifier') = ?",
        (data.get("unique_number_identifier"),),
    )
    owners = {row["customer_id"] for row in rows}
    if owners and options.get("fail_on_duplicate_payment_method"):
        raise refusal("81724", "credit_card")
    if customer_id in owners and options.get("fail_on_duplicate_payment_method_for_customer"):
        raise refusal("81763", "credit_card")


def make_default(work: Work, customer_id: str, token: str) -> None:
    """Make one payment method the customer's default, and the others not."""
    work.db.execute(
        "UPDATE payment_methods SET is_default = (token = ?) WHERE customer_id = ?",
        (token, customer_id),
    )


def update_method(work: Work, token: str, params: dict[str, Any]) -> str:
    """Change a stored method and return its (possibly new) token. Raises NotFound, Refused."""
    row = method_row(work, token)
    data = json.loads(row["data"])
    options = params.get("options") or {}
    if params.get("payment_method_nonce"):
        data = _replaced(work, row, str(params["payment_method_nonce"]))
    if params.get("cardholder_name"):
        data["cardholder_name"] = params["cardholder_name"]
    if params.get("billing_address"):
        changed = dict(params["billing_address"])
        changed.pop("options", None)
        data["billing_address"] = (data.get("billing_address") or {}) | changed
    _update_expiry(data, params)
    if row["kind"] == banks.US_BANK and options.get("us_bank_account_verification_method"):
        verifications.verify_account(work, data, options["us_bank_account_verification_method"])
    if options.get("verify_card") and row["kind"] == fake_nonces.CARD:
        verifications.verify_card(work, data)
    new_token = str(params.get("token") or token)
    if (
        new_token != token
        and work.db.execute(
            "SELECT 1 FROM payment_methods WHERE token = ?", (new_token,)
        ).fetchone()
    ):
        raise refusal("91719", "credit_card")
    work.db.execute(
        "UPDATE payment_methods SET token = ?, data = ?, updated_at = ? WHERE token = ?",
        (new_token, json.dumps(data), work.now, token),
    )
    if options.get("make_default"):
        make_default(work, row["customer_id"], new_token)
    return new_token


def _replaced(work: Work, row: sqlite3.Row, nonce: str) -> dict[str, Any]:
    instrument = resolve_nonce(work, nonce, "93107", "93108", "payment_method")
    if instrument.kind != row["kind"]:
        raise refusal("93102", "payment_method")
    nonces.consume(work.db, nonce)
    return dict(instrument.data) | {"vaulted_at": work.now}


def delete_method(work: Work, token: str) -> None:
    """Forget a payment method; the oldest other one becomes the default. Raises NotFound."""
    row = method_row(work, token)
    work.db.execute("DELETE FROM payment_methods WHERE token = ?", (token,))
    rest = methods_of(work, row["customer_id"])
    if row["is_default"] and rest:
        make_default(work, row["customer_id"], rest[0]["token"])


def _update_expiry(data: dict[str, Any], params: dict[str, Any]) -> None:
    month, _, year = str(params.get("expiration_date") or "/").partition("/")
    month, year = params.get("expiration_month") or month, params.get("expiration_year") or year
    if month and year:
        data["expiration_month"] = str(month).zfill(2)
        data["expiration_year"] = f"20{year}" if len(str(year)) == 2 else str(year)


def resolve_nonce(work: Work, nonce: str, consumed: str, unknown: str, *path: str) -> Instrument:
    """The details behind a nonce, with its refusals in the codes of the object at `path`.

    Raises Refused with the code `consumed`, `unknown`, or 81715 for a wrong number.
    """
    try:
        return nonces.usable(work.db, nonce)
    except nonces.NonceConsumed as error:
        raise refusal(consumed, *path) from error
    except nonces.NonceUnknown as error:
        raise refusal(unknown, *path) from error
    except nonces.NonceInvalid as error:
        raise refusal("81715", *path, "credit_card") from error
