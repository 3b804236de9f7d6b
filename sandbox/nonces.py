"""Nonces: single-use names for payment details, good for three hours."""

from __future__ import annotations

import json
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any

from sandbox import clock, fake_nonces

LIFETIME = 3 * clock.HOUR
_PREFIXES = {fake_nonces.CARD: "tokencc_bf_", "us_bank_account": "tokenusbankacct_bf_"}
_LETTERS = "bcdfghjkmnpqrstvwxyz23456789"


class NonceConsumed(Exception):
    """The nonce was used before."""


class NonceUnknown(Exception):
    """There is no such nonce, or its three hours are over."""


class NonceInvalid(Exception):
    """The nonce stands for a card whose number is wrong."""


@dataclass(frozen=True)
class Nonce:
    """What a browser may know about tokenised details. Bank accounts have no card fields."""

    nonce: str
    kind: str
    bin: str
    last_two: str
    last_four: str
    card_type: str
    expiration_month: str
    expiration_year: str


@dataclass(frozen=True)
class Instrument:
    """The payment details behind a nonce or a vaulted token."""

    kind: str
    data: dict[str, Any]
    token: str | None = None


def new_id(length: int = 8) -> str:
    """A fresh identifier without letters that are easily confused."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def create(db: sqlite3.Connection, instrument: Instrument) -> Nonce:
    """Name the details by a fresh nonce."""
    groups = "_".join(new_id(6) for _ in range(4))
    nonce = f"{_PREFIXES.get(instrument.kind, 'token_bf_')}{groups}_{new_id(3)}"
    db.execute(
        "INSERT INTO nonces (nonce, kind, data, token, expires_at) VALUES (?, ?, ?, ?, ?)",
        (
            nonce,
            instrument.kind,
            json.dumps(instrument.data),
            instrument.token,
            clock.now(db) + LIFETIME,
        ),
    )
    return describe(nonce, instrument)


def describe(nonce: str, instrument: Instrument) -> Nonce:
    """The public description of `nonce`."""
    data = instrument.data
    last_four = str(data.get("last_4", ""))
    return Nonce(
        nonce=nonce,
        kind=instrument.kind,
        bin=str(data.get("bin", "")),
        last_two=last_four[-2:],
        last_four=last_four,
        card_type=str(data.get("card_type", "")),
        expiration_month=str(data.get("expiration_month", "")),
        expiration_year=str(data.get("expiration_year", "")),
    )


def look_up(db: sqlite3.Connection, nonce: str) -> tuple[Instrument, bool]:
    """The details behind `nonce`, and whether it was consumed. Raises NonceUnknown."""
    fake = fake_nonces.instrument(nonce, clock.moment(clock.now(db)).year)
    if fake is not None:
        return Instrument(*fake), False
    row = db.execute("SELECT * FROM nonces WHERE nonce = ?", (nonce,)).fetchone()
    if row is None:
        raise NonceUnknown(nonce)
    consumed = row["consumed_at"] is not None
    if not consumed and row["expires_at"] <= clock.now(db):
        raise NonceUnknown(nonce)
    return Instrument(row["kind"], json.loads(row["data"]), row["token"]), consumed


def usable(db: sqlite3.Connection, nonce: str) -> Instrument:
    """The details behind a nonce that may still be used.

    Raises NonceUnknown, NonceConsumed, or NonceInvalid for the one fake nonce that is always
    a wrong number.
    """
    if nonce == fake_nonces.CONSUMED:
        raise NonceConsumed(nonce)
    if nonce == fake_nonces.LUHN_INVALID:
        raise NonceInvalid(nonce)
    instrument, consumed = look_up(db, nonce)
    if consumed:
        raise NonceConsumed(nonce)
    return instrument


def consume(db: sqlite3.Connection, nonce: str) -> None:
    """Use the nonce up; fake ones stay."""
    db.execute("UPDATE nonces SET consumed_at = ? WHERE nonce = ?", (clock.now(db), nonce))
