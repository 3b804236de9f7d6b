"""Rows of disputes, and the history of their status."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.work import Work

KINDS = ("chargeback", "pre_arbitration", "retrieval")


@dataclass(frozen=True)
class Dispute:
    """One dispute; `kind` is one of KINDS, `amount` in hundredths."""

    id: str
    transaction_id: str
    status: str
    amount: int
    opened_at: int
    updated_at: int
    kind: str = "chargeback"


@dataclass(frozen=True)
class Event:
    """One entry of a dispute's status history."""

    status: str
    at: int


def of_transaction(work: Work, transaction_id: str) -> list[Dispute]:
    """The transaction's disputes, oldest first."""
    rows = work.db.execute(
        "SELECT * FROM disputes WHERE transaction_id = ? ORDER BY rowid", (transaction_id,)
    )
    return [Dispute(**dict(row)) for row in rows]


def newest(work: Work) -> list[Dispute]:
    """All disputes, the newest first."""
    rows = work.db.execute("SELECT * FROM disputes ORDER BY rowid DESC")
    return [Dispute(**dict(row)) for row in rows]


def load(work: Work, dispute_id: str) -> Dispute | None:
    """The dispute with that id, if any."""
    row = work.db.execute("SELECT * FROM disputes WHERE id = ?", (dispute_id,)).fetchone()
    return Dispute(**dict(row)) if row else None


def save(work: Work, dispute: Dispute) -> None:
    """Keep a dispute that is new or has another status, and note that in its history."""
    work.db.execute(
        "INSERT INTO disputes (id, transaction_id, status, amount, opened_at, updated_at, kind) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
        "SET status = excluded.status, updated_at = excluded.updated_at",
        (
            dispute.id,
            dispute.transaction_id,
            dispute.status,
            dispute.amount,
            dispute.opened_at,
            dispute.updated_at,
            dispute.kind,
        ),
    )
    work.db.execute(
        "INSERT INTO dispute_events (dispute_id, status, at) VALUES (?, ?, ?)",
        (dispute.id, dispute.status, dispute.updated_at),
    )


def events(work: Work, dispute_id: str) -> list[Event]:
    """The dispute's status history, oldest first."""
    rows = work.db.execute(
        "SELECT status, at FROM dispute_events WHERE dispute_id = ? ORDER BY number", (dispute_id,)
    )
    return [Event(**dict(row)) for row in rows]
