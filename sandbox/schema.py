"""The tables of the sandbox's SQLite file."""

from __future__ import annotations

import sqlite3

# Amounts are whole hundredths of the currency's unit, times whole seconds UTC, `data` is JSON.
SCHEMA = """
CREATE TABLE IF NOT EXISTS clock (seconds INTEGER NOT NULL);
INSERT INTO clock SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM clock);

CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS customers (
    id TEXT PRIMARY KEY, data TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS payment_methods (
    token TEXT PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customers (id),
    kind TEXT NOT NULL, data TEXT NOT NULL, is_default INTEGER NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS payment_methods_customer ON payment_methods (customer_id);

CREATE TABLE IF NOT EXISTS nonces (
    nonce TEXT PRIMARY KEY, kind TEXT NOT NULL, data TEXT NOT NULL, token TEXT,
    expires_at INTEGER NOT NULL, consumed_at INTEGER
);

CREATE TABLE IF NOT EXISTS mandates (
    reference TEXT PRIMARY KEY, state TEXT NOT NULL, data TEXT NOT NULL, created_at INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS transactions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL, status TEXT NOT NULL,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, order_id TEXT, customer_id TEXT,
    payment_method_token TEXT, kind TEXT NOT NULL, fingerprint TEXT NOT NULL,
    refunded_id TEXT, authorized_id TEXT,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    due_at INTEGER, due_status TEXT, data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS transactions_order ON transactions (order_id);
CREATE INDEX IF NOT EXISTS transactions_due ON transactions (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS transactions_refunded ON transactions (refunded_id);
CREATE INDEX IF NOT EXISTS transactions_authorized ON transactions (authorized_id);
CREATE INDEX IF NOT EXISTS transactions_card ON transactions (fingerprint, created_at);

CREATE TABLE IF NOT EXISTS status_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, transaction_id TEXT NOT NULL,
    status TEXT NOT NULL, amount INTEGER NOT NULL, at INTEGER NOT NULL, source TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS status_events_transaction ON status_events (transaction_id);

CREATE TABLE IF NOT EXISTS disputes (
    id TEXT PRIMARY KEY, transaction_id TEXT NOT NULL, status TEXT NOT NULL,
    amount INTEGER NOT NULL, opened_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    kind TEXT NOT NULL DEFAULT 'chargeback'
);
CREATE INDEX IF NOT EXISTS disputes_transaction ON disputes (transaction_id);

CREATE TABLE IF NOT EXISTS dispute_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, dispute_id TEXT NOT NULL,
    status TEXT NOT NULL, at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS dispute_events_dispute ON dispute_events (dispute_id);

CREATE TABLE IF NOT EXISTS request_keys (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, state TEXT NOT NULL,
    transaction_id TEXT, created_at INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS faults (
    number INTEGER PRIMARY KEY AUTOINCREMENT, operation TEXT NOT NULL, kind TEXT NOT NULL,
    moment TEXT NOT NULL, milliseconds INTEGER NOT NULL, status INTEGER NOT NULL,
    remaining INTEGER, order_id TEXT
);

CREATE TABLE IF NOT EXISTS notifications (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, subject_id TEXT NOT NULL,
    payload TEXT NOT NULL, created_at INTEGER NOT NULL
);

-- Delivery times are the machine's: a receiver that is down is down in real time.
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    notification INTEGER NOT NULL REFERENCES notifications (number),
    forge TEXT NOT NULL, held INTEGER NOT NULL, next_attempt_at REAL,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_status INTEGER, last_error TEXT NOT NULL DEFAULT '', delivered_at INTEGER
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;
"""

# Empties every table, children first; the key that signs client tokens stays.
RESET = (
    "DELETE FROM deliveries",
    "DELETE FROM notifications",
    "DELETE FROM faults",
    "DELETE FROM request_keys",
    "DELETE FROM dispute_events",
    "DELETE FROM disputes",
    "DELETE FROM status_events",
    "DELETE FROM transactions",
    "DELETE FROM nonces",
    "DELETE FROM mandates",
    "DELETE FROM payment_methods",
    "DELETE FROM customers",
    "DELETE FROM settings WHERE name <> 'secret'",
    "UPDATE clock SET seconds = 0",
)


def upgrade(db: sqlite3.Connection) -> None:
    """Give the tables of a file that an earlier version made what they lack."""
    if "kind" not in {row["name"] for row in db.execute("PRAGMA table_info(disputes)")}:
        db.execute("ALTER TABLE disputes ADD COLUMN kind TEXT NOT NULL DEFAULT 'chargeback'")
