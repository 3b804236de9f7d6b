"""A customer's bank takes a settled payment back, for a while or for good."""

from __future__ import annotations

from dataclasses import replace

from sandbox import disputes, nonces, notifications
from sandbox.disputes import Dispute
from sandbox.transactions import Transaction
from sandbox.work import Work


def open_dispute(work: Work, transaction: Transaction, amount: int = 0) -> Dispute | None:
    """Open a chargeback over `amount` hundredths, 0 for all; None when one is open already."""
    if any(each.status == "open" for each in disputes.of_transaction(work, transaction.id)):
        return None
    disputed = amount or transaction.amount
    values = (nonces.new_id(16), transaction.id, "open", disputed, work.now, work.now)
    work.db.execute("INSERT INTO disputes VALUES (?, ?, ?, ?, ?, ?)", values)
    dispute = Dispute(*values)
    notifications.add_dispute(work, "dispute_opened", dispute, transaction)
    return dispute


def close_dispute(work: Work, transaction: Transaction, status: str) -> Dispute | None:
    """End the open chargeback as `won` or `lost`; None when none is open."""
    for dispute in disputes.of_transaction(work, transaction.id):
        if dispute.status == "open":
            closed = replace(dispute, status=status, updated_at=work.now)
            work.db.execute(
                "UPDATE disputes SET status = ?, updated_at = ? WHERE id = ?",
                (status, work.now, dispute.id),
            )
            notifications.add_dispute(work, f"dispute_{status}", closed, transaction)
            return closed
    return None
