"""What the control API and the page do to single transactions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sandbox import (
    amounts,
    changes,
    chargebacks,
    clock,
    lifecycle,
    notifications,
    render,
    transactions,
)
from sandbox.transactions import Transaction
from sandbox.work import Work


class NotPossible(Exception):
    """The transaction is not in a state for this; says why."""


def _settle(work: Work, row: Transaction) -> None:
    changes.simulate(work, row, "settled")


def _decline(work: Work, row: Transaction) -> None:
    changes.simulate(work, row, "settlement_declined")


def _return(work: Work, row: Transaction) -> None:
    if not (row.is_bank_debit and row.status == "settled"):
        raise NotPossible("Only a settled bank debit can be returned.")
    lifecycle.move(work, row, "settlement_declined", source="control_panel")


def disputing(amount: int = 0, kind: str = "chargeback") -> Callable[[Work, Transaction], None]:
    """What opens a dispute over `amount` hundredths, 0 for all of the transaction."""

    def open_one(work: Work, row: Transaction) -> None:
        if row.status != "settled" or row.type != "sale":
            raise NotPossible("Only a settled sale can be disputed.")
        if amount > row.amount:
            raise NotPossible("No more can be disputed than was paid.")
        if chargebacks.open_dispute(work, row, amount, kind) is None:
            raise NotPossible("It is being disputed already.")

    return open_one


def _close_dispute(status: str) -> Callable[[Work, Transaction], None]:
    def close(work: Work, row: Transaction) -> None:
        if chargebacks.close_dispute(work, row, status) is None:
            raise NotPossible("It has no open dispute.")

    return close


def _fail_refund(work: Work, row: Transaction) -> None:
    if row.refunded_id is None or row.status in transactions.REFUSED_STATUSES:
        raise NotPossible("Only a refund that has not failed yet can fail.")
    row.data |= render.processor_answer("2046")
    lifecycle.move(work, row, "processor_declined", source="control_panel")
    notifications.add_transaction(work, "refund_failed", row)


ACTIONS: dict[str, Callable[[Work, Transaction], None]] = {
    "settle": _settle,
    "decline": _decline,
    "return": _return,
    "dispute-open": disputing(),
    **{f"dispute-{end}": _close_dispute(end) for end in ("won", "lost", "accepted", "expired")},
    "refund-fail": _fail_refund,
}


def offered(row: Transaction) -> list[str]:
    """The actions the page shows a button for."""
    if row.status in lifecycle.SETTLEABLE:
        return ["settle", "decline"]
    return ["return"] if row.is_bank_debit and row.status == "settled" else []


def newest(work: Work, limit: int, order_id: str | None = None) -> list[Transaction]:
    """The latest transactions, newest first."""
    rows = work.db.execute(
        "SELECT * FROM transactions WHERE ? IS NULL OR order_id = ? ORDER BY number DESC LIMIT ?",
        (order_id, order_id, limit),
    )
    return [transactions.from_row(row) for row in rows]


def summary(row: Transaction) -> dict[str, Any]:
    """A transaction in a few lines."""
    instrument = row.data["instrument"]
    return {
        "id": row.id,
        "type": row.type,
        "status": row.status,
        "amount": amounts.show(row.amount),
        "currency": row.currency,
        "order_id": row.order_id,
        "customer_id": row.customer_id,
        "payment_method_token": row.payment_method_token,
        "kind": row.kind,
        "card_type": instrument.get("card_type"),
        "last_4": instrument.get("last_4"),
        "refunded_transaction_id": row.refunded_id,
        "processor_response_code": row.data.get("processor_response_code"),
        "gateway_rejection_reason": row.data.get("gateway_rejection_reason"),
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
        "next_status": row.due_status,
        "next_status_at": iso(row.due_at) if row.due_at is not None else None,
    }


def iso(seconds: int) -> str:
    """UTC in ISO 8601."""
    return clock.moment(seconds).isoformat().replace("+00:00", "Z")


def deliveries(work: Work, limit: int) -> list[dict[str, Any]]:
    """The latest notifications, newest first, each with how its deliveries went."""
    rows = work.db.execute(
        "SELECT n.number, n.kind, n.subject_id, n.created_at, "
        "json_group_array(json_object('forge', d.forge, 'held', d.held, 'attempts', d.attempts, "
        "'last_status', d.last_status, 'last_error', d.last_error, "
        "'delivered_at', d.delivered_at)) FILTER (WHERE d.number IS NOT NULL) AS deliveries "
        "FROM notifications n LEFT JOIN deliveries d ON d.notification = n.number "
        "GROUP BY n.number ORDER BY n.number DESC LIMIT ?",
        (limit,),
    )
    return [
        {
            "id": row["number"],
            "kind": row["kind"],
            "subject_id": row["subject_id"],
            "created_at": iso(row["created_at"]),
            "deliveries": json.loads(row["deliveries"] or "[]"),
        }
        for row in rows
    ]
