"""Rows of chargebacks."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.work import Work


@dataclass(frozen=True)
class Dispute:
    """One chargeback; `status` is open, won or lost, `amount` in hundredths."""

    id: str
    transaction_id: str
    status: str
    amount: int
    opened_at: int
    updated_at: int


def of_transaction(work: Work, transaction_id: str) -> list[Dispute]:
    """The transaction's disputes, oldest first."""
    rows = work.db.execute(
        "SELECT * FROM disputes WHERE transaction_id = ? ORDER BY rowid", (transaction_id,)
    )
    return [Dispute(**dict(row)) for row in rows]


def load(work: Work, dispute_id: str) -> Dispute | None:
    """The dispute with that id, if any."""
    row = work.db.execute("SELECT * FROM disputes WHERE id = ?", (dispute_id,)).fetchone()
    return Dispute(**dict(row)) if row else None
