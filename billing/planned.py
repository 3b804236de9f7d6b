"""Charges of a registered payment method that lie ahead for one user: what a switch would stop."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import BulkRow, BulkRun, Invoice
from models.states import BulkResult, InvoiceState


def planned_charges(session: Session, user_id: int) -> int:
    """Return how many invoices of a user are to be charged by a plan made already.

    That is what is charged again after a soft decline, and what waits its turn in a bulk charge.
    """
    retries = select(Invoice.id).where(
        Invoice.user_id == user_id,
        Invoice.state == InvoiceState.FAILED,
        Invoice.retry_on.is_not(None),
    )
    queued = (
        select(BulkRow.invoice_id)
        .join(BulkRun, BulkRun.id == BulkRow.run_id)
        .join(Invoice, Invoice.id == BulkRow.invoice_id)
        .where(
            Invoice.user_id == user_id,
            BulkRun.verb == "charge",
            BulkRun.finished_at.is_(None),
            BulkRow.result == BulkResult.WAITING,
        )
    )
    both = retries.union(queued).subquery()
    return session.scalar(select(func.count()).select_from(both)) or 0
