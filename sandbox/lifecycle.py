"""What time does to transactions, and the only place that changes their status."""

from __future__ import annotations

from typing import Any

from sandbox import amounts, chargebacks, clock, notifications, responses, transactions
from sandbox.transactions import Transaction
from sandbox.work import Desk, Work

SETTLEABLE = (
    "submitted_for_settlement",
    "settling",
    "settlement_pending",
    "settlement_confirmed",
)
_SETTLEMENT_CODES = {
    "settled": "4000",
    "settlement_confirmed": "4000",
    "settlement_declined": "4001",
    "settlement_pending": "4002",
}


def move(
    work: Work, transaction: Transaction, status: str, *, at: int | None = None, source: str = "api"
) -> None:
    """Give a stored transaction a new status: history, what comes next, and who is told.

    `at` (seconds UTC, default now) is when it happened, which may lie in the past when the
    clock was moved over it.
    """
    when = work.now if at is None else at
    came_back = transaction.status == "settled" and status == "settlement_declined"
    transaction.status, transaction.updated_at = status, when
    if status in _SETTLEMENT_CODES:
        code = _SETTLEMENT_CODES[status]
        transaction.data["processor_settlement_response_code"] = code
        transaction.data["processor_settlement_response_text"] = responses.text(code)
    if status == "settled":
        batch = transactions.settlement_batch(when, transaction.currency)
        transaction.data["settlement_batch_id"] = batch
    if came_back:
        _note_return(transaction, when)
    schedule(work, transaction, when)
    transactions.save(work, transaction)
    transactions.add_event(work, transaction, when, source)
    _announce(work, transaction, status)


def schedule(work: Work, transaction: Transaction, since: int) -> None:
    """Decide what time alone will do to the transaction, counted from `since`."""
    transaction.due_at = transaction.due_status = None
    days, status = _next(work.settings, transaction)
    if status:
        transaction.due_at, transaction.due_status = since + days * clock.DAY, status


def _next(settings: dict[str, Any], transaction: Transaction) -> tuple[int, str]:
    if transaction.status == "authorized":
        return settings["authorization_days"], "authorization_expired"
    if transaction.status in ("submitted_for_settlement", "settling"):
        return settings["settlement_days"], "settled"
    ending = _ending(settings, transaction)
    if transaction.status == "settlement_pending":
        status = "settlement_declined" if ending == "declined" else "settled"
        return settings["bank_settlement_days"], status
    if transaction.status == "settled" and ending == "returned":
        return settings["return_days"], "settlement_declined"
    return 0, ""


def _ending(settings: dict[str, Any], transaction: Transaction) -> str:
    if not transaction.is_bank_debit or transaction.type == "credit":
        return "settled"
    by_number = str(transaction.data["instrument"].get("outcome", ""))
    if by_number:
        return by_number
    by_amount = settings["amounts"] == "braintree" and amounts.settlement_is_declined(
        transaction.amount
    )
    return "declined" if by_amount else str(settings["bank_outcome"])


def _note_return(transaction: Transaction, when: int) -> None:
    transaction.data["returned_at"] = when
    if transaction.kind == "us_bank_account":
        transaction.data["ach_return_code"] = "R01"
        transaction.data["ach_reject_reason"] = "Insufficient Funds"


def _announce(work: Work, transaction: Transaction, status: str) -> None:
    if transaction.is_bank_debit and status in ("settled", "settlement_declined"):
        notifications.add_transaction(work, f"transaction_{status}", transaction)
    disputable = transaction.data["instrument"].get("outcome") == "dispute"
    if disputable and status == "settled" and transaction.type == "sale":
        chargebacks.open_dispute(work, transaction)


def apply_due(work: Work) -> int:
    """Let everything happen whose time has come, in order; returns how much did."""
    count = 0
    while row := work.db.execute(
        "SELECT * FROM transactions WHERE due_at <= ? ORDER BY due_at, number LIMIT 1", (work.now,)
    ).fetchone():
        transaction = transactions.from_row(row)
        assert transaction.due_at is not None
        assert transaction.due_status is not None
        move(work, transaction, transaction.due_status, at=transaction.due_at, source="recurring")
        count += 1
    return count


def catch_up(desk: Desk) -> int:
    """Apply what is due, opening a write transaction only when something is."""
    with desk.reading() as work:
        due = work.db.execute(
            "SELECT 1 FROM transactions WHERE due_at <= ? LIMIT 1", (work.now,)
        ).fetchone()
    if due is None:
        return 0
    with desk.writing() as work:
        return apply_due(work)
