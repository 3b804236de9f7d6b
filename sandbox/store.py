"""The sandbox's own SQLite file, and what the browser side needs from it."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox import banks, cards, clock, fake_nonces, nonces, schema

FINGERPRINT_LIFETIME = clock.DAY

DEFAULT_SETTINGS: dict[str, Any] = {
    "amounts": "braintree",
    "api_request_keys": False,
    "authorization_days": 7,
    "bank_debits_voidable": False,
    "bank_outcome": "settled",
    "bank_settlement_days": 3,
    "currency": "USD",
    "duplicate_checking": True,
    "duplicate_window_seconds": 30,
    "hold_webhooks": False,
    "reject_avs": False,
    "reject_cvv": False,
    "return_days": 2,
    "settlement_days": 1,
    "webhook_url": "",
}


class Store:
    """Opens the file, creates its tables, and hands out short-lived connections.

    Every block of work has its own connection, so any number of threads may use one Store.
    WAL keeps readers out of the writers' way, and what was committed survives a kill.
    """

    def __init__(self, path: Path | str, defaults: Mapping[str, Any] | None = None) -> None:
        """Open or create `path`. `defaults` are settings used until somebody changes them."""
        self.path = Path(path)
        self._defaults = DEFAULT_SETTINGS | dict(defaults or {})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Held open so that the write-ahead log is not folded and removed after every request.
        self._anchor = self._connect(check_same_thread=False)
        self._anchor.execute("PRAGMA journal_mode = WAL")
        self._anchor.executescript(schema.SCHEMA)
        with self.writing() as db:
            schema.upgrade(db)
            self._secret = self._keep_secret(db)

    def close(self) -> None:
        """Let go of the file."""
        self._anchor.close()

    def _connect(self, *, check_same_thread: bool = True) -> sqlite3.Connection:
        db = sqlite3.connect(
            self.path, timeout=20, isolation_level=None, check_same_thread=check_same_thread
        )
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        return db

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view of the file."""
        db = self._connect()
        try:
            db.execute("BEGIN")
            yield db
        finally:
            db.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: committed when the block ends, undone when it raises."""
        db = self._connect()
        try:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
        finally:
            db.close()

    def settings(self, db: sqlite3.Connection) -> dict[str, Any]:
        """Every knob with its present value."""
        rows = db.execute("SELECT name, value FROM settings WHERE name <> 'secret'")
        return self._defaults | {row["name"]: json.loads(row["value"]) for row in rows}

    def change_settings(self, db: sqlite3.Connection, changes: Mapping[str, Any]) -> None:
        """Set some knobs, which must be known ones of a fitting type (see settings.py).

        A value the sandbox was started with is not kept, so that another start may change it.
        """
        for name, value in changes.items():
            db.execute("DELETE FROM settings WHERE name = ?", (name,))
            if value != self._defaults[name]:
                db.execute("INSERT INTO settings VALUES (?, ?)", (name, json.dumps(value)))

    def reset(self) -> None:
        """Forget everything: customers, money, settings, faults; the clock returns to now."""
        with self.writing() as db:
            for statement in schema.RESET:
                db.execute(statement)

    def create_card_nonce(
        self,
        number: str,
        expiration_month: str,
        expiration_year: str,
        cvv: str | None = None,
        postal_code: str | None = None,
        cardholder_name: str | None = None,
    ) -> nonces.Nonce:
        """Tokenise a card. Raises cards.InvalidCard naming each wrong field."""
        details = cards.check_card(
            number, expiration_month, expiration_year, cvv, postal_code, cardholder_name
        )
        with self.writing() as db:
            return nonces.create(db, nonces.Instrument(fake_nonces.CARD, asdict(details)))

    def create_bank_nonce(
        self,
        *,
        iban: str = "",
        account_number: str = "",
        routing_number: str = "",
        account_holder_name: str = "",
        account_type: str = "checking",
        mandate: str = "",
    ) -> nonces.Nonce:
        """Tokenise a SEPA account (when `iban` is given) or a US one.

        `mandate` is `RECURRENT` or `ONE_OFF` for SEPA, the text agreed to for a US account.
        Raises cards.InvalidCard naming each wrong field.
        """
        if iban:
            details = banks.check_sepa(iban, account_holder_name, mandate or "RECURRENT")
        else:
            details = banks.check_us_bank(
                account_number, routing_number, account_holder_name, account_type, mandate=mandate
            )
        with self.writing() as db:
            return nonces.create(db, nonces.Instrument(details.kind, asdict(details)))

    def create_fingerprint(self, merchant_id: str, customer_id: str = "") -> str:
        """A signed statement that this browser may tokenise for `merchant_id`, for a day."""
        with self.reading() as db:
            expires = clock.now(db) + FINGERPRINT_LIFETIME
        content = f"{merchant_id}|{customer_id}|{expires}|{secrets.token_hex(8)}"
        return f"{content.encode().hex()}.{self._sign(content)}"

    def fingerprint_is_valid(self, authorization_fingerprint: str) -> str | None:
        """The merchant id a fingerprint was issued for; None when forged or past its day."""
        encoded, _, signature = authorization_fingerprint.partition(".")
        try:
            content = bytes.fromhex(encoded).decode()
        except ValueError:
            return None
        if not hmac.compare_digest(
            self._sign(content), signature.encode("ascii", "replace").decode()
        ):
            return None
        merchant_id, _, expires, _ = content.rsplit("|", 3)
        with self.reading() as db:
            return merchant_id if int(expires) > clock.now(db) else None

    def _sign(self, content: str) -> str:
        return hmac.new(self._secret, content.encode(), hashlib.sha256).hexdigest()

    @staticmethod
    def _keep_secret(db: sqlite3.Connection) -> bytes:
        fresh = json.dumps(secrets.token_hex(32))
        db.execute("INSERT OR IGNORE INTO settings VALUES ('secret', ?)", (fresh,))
        row = db.execute("SELECT value FROM settings WHERE name = 'secret'").fetchone()
        return str(json.loads(row["value"])).encode()


InvalidCard = cards.InvalidCard
Nonce = nonces.Nonce
