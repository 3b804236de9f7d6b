"""A customer's bank asks about a settled payment, or takes it back, for a while or for good."""

from __future__ import annotations

from dataclasses import replace

from sandbox import disputes, nonces, notifications
from sandbox.disputes import Dispute
from sandbox.transactions import Transaction
from sandbox.work import Work


def open_dispute(
    work: Work, transaction: Transaction, amount: int = 0, kind: str = "chargeback"
) -> Dispute | None:
    """Open a dispute over `amount` hundredths, 0 for all; None when one is open already."""
    if any(each.status == "open" for each in disputes.of_transaction(work, transaction.id)):
        return None
    disputed = amount or transaction.amount
    dispute = Dispute(nonces.new_id(16), transaction.id, "open", disputed, work.now, work.now, kind)
    disputes.save(work, dispute)
    notifications.add_dispute(work, "dispute_opened", dispute, transaction)
    return dispute


def close_dispute(work: Work, transaction: Transaction, status: str) -> Dispute | None:
    """End the open dispute, as `won` for example; None when none is open."""
    for dispute in disputes.of_transaction(work, transaction.id):
        if dispute.status == "open":
            return change(work, dispute, transaction, status)
    return None


def change(work: Work, dispute: Dispute, transaction: Transaction, status: str) -> Dispute:
    """Give a dispute another status, whatever it has, and announce it."""
    changed = replace(dispute, status=status, updated_at=work.now)
    disputes.save(work, changed)
    notifications.add_dispute(work, f"dispute_{status}", changed, transaction)
    return changed
