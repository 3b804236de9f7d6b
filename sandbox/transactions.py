"""Rows of gateway transactions: reading, writing, and the history of their status."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from sandbox import clock, nonces
from sandbox.work import Work

CARD_LIKE = ("credit_card", "paypal_account", "venmo_account")
REFUSED_STATUSES = ("processor_declined", "gateway_rejected", "failed")


@dataclass
class Transaction:
    """One movement of money as the gateway sees it.

    `amount` is in hundredths. `due_at`/`due_status` say what time alone will make of it.
    `data` holds what is only echoed: instrument, addresses, processor answers.
    """

    type: str
    status: str
    amount: int
    currency: str
    kind: str
    fingerprint: str
    created_at: int
    updated_at: int
    id: str = field(default_factory=nonces.new_id)
    order_id: str | None = None
    customer_id: str | None = None
    payment_method_token: str | None = None
    refunded_id: str | None = None
    authorized_id: str | None = None
    due_at: int | None = None
    due_status: str | None = None
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def is_bank_debit(self) -> bool:
        """Whether it runs over a bank account: slow, and returnable after it settled."""
        return self.kind not in CARD_LIKE


@dataclass(frozen=True)
class Event:
    """One entry of the status history."""

    status: str
    amount: int
    at: int
    source: str


_COLUMNS = (
    "id", "type", "status", "amount", "currency", "order_id", "customer_id",
    "payment_method_token", "kind", "fingerprint", "refunded_id", "authorized_id",
    "created_at", "updated_at", "due_at", "due_status",
)  # fmt: skip
_INSERT = """
    INSERT INTO transactions (
        id, type, status, amount, currency, order_id, customer_id, payment_method_token, kind,
        fingerprint, refunded_id, authorized_id, created_at, updated_at, due_at, due_status, data
    ) VALUES (
        :id, :type, :status, :amount, :currency, :order_id, :customer_id, :payment_method_token,
        :kind, :fingerprint, :refunded_id, :authorized_id, :created_at, :updated_at, :due_at,
        :due_status, :data
    )
"""
_UPDATE = """
    UPDATE transactions
    SET status = :status, amount = :amount, order_id = :order_id, updated_at = :updated_at,
        due_at = :due_at, due_status = :due_status, data = :data
    WHERE id = :id
"""
_CHILDREN = {
    "refunded_id": "SELECT * FROM transactions WHERE refunded_id = ? ORDER BY number",
    "authorized_id": "SELECT * FROM transactions WHERE authorized_id = ? ORDER BY number",
}


def insert(work: Work, transaction: Transaction) -> None:
    """Write a new row."""
    work.db.execute(_INSERT, _values(transaction))


def save(work: Work, transaction: Transaction) -> None:
    """Write what may change of a row."""
    work.db.execute(_UPDATE, _values(transaction))


def load(work: Work, transaction_id: str) -> Transaction | None:
    """The row with that id, if any."""
    row = work.db.execute("SELECT * FROM transactions WHERE id = ?", (transaction_id,)).fetchone()
    return from_row(row) if row else None


def children(work: Work, column: str, transaction_id: str) -> list[Transaction]:
    """Refunds (`refunded_id`) or partial settlements (`authorized_id`) of a transaction."""
    rows = work.db.execute(_CHILDREN[column], (transaction_id,))
    return [from_row(row) for row in rows]


def add_event(work: Work, transaction: Transaction, at: int, source: str) -> None:
    """Append the row's present status to its history."""
    work.db.execute(
        "INSERT INTO status_events (transaction_id, status, amount, at, source) "
        "VALUES (?, ?, ?, ?, ?)",
        (transaction.id, transaction.status, transaction.amount, at, source),
    )


def events(work: Work, transaction_id: str) -> list[Event]:
    """The status history, oldest first."""
    rows = work.db.execute(
        "SELECT status, amount, at, source FROM status_events "
        "WHERE transaction_id = ? ORDER BY number",
        (transaction_id,),
    )
    return [Event(*row) for row in rows]


def last_moment(history: list[Event], status: str) -> int | None:
    """When the transaction last entered `status`."""
    return next((event.at for event in reversed(history) if event.status == status), None)


def settlement_batch(at: int, currency: str) -> str:
    """The name of the day's batch a transaction settles in."""
    return f"{clock.moment(at).date().isoformat()}_sandbox_{currency.lower()}"


def from_row(row: sqlite3.Row) -> Transaction:
    """A row of the transactions table."""
    return Transaction(data=json.loads(row["data"]), **{name: row[name] for name in _COLUMNS})


def _values(transaction: Transaction) -> dict[str, Any]:
    values = {name: getattr(transaction, name) for name in _COLUMNS}
    return values | {"data": json.dumps(transaction.data)}
