"""Webhooks: what is announced, and how it is packed and signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

from sandbox import amounts, clock, nonces, render, transactions, wire
from sandbox.disputes import Dispute
from sandbox.transactions import Transaction
from sandbox.work import Work

FORGERIES = ("", "signature", "key", "three-parts", "crlf")


def add_transaction(work: Work, kind: str, transaction: Transaction) -> int:
    """Announce something about a transaction; returns the notification's number."""
    subject = {"transaction": render.transaction(work, transaction)}
    return add(work, kind, transaction.id, subject)


def add_dispute(work: Work, kind: str, dispute: Dispute, transaction: Transaction) -> int:
    """Announce a dispute's opening or another status of it."""
    subject = {"dispute": render.dispute(work, dispute, transaction)}
    return add(work, kind, dispute.id, subject)


def add_check(work: Work) -> int:
    """Announce nothing, to see whether announcements arrive."""
    return add(work, "check", "check", {"check": True})


def add_disbursement(work: Work) -> int | None:
    """Pay out every settled transaction that was not yet, and announce it; None without any."""
    rows = work.db.execute("SELECT * FROM transactions WHERE status = 'settled' ORDER BY number")
    due = [row for row in map(transactions.from_row, rows) if "disbursed_at" not in row.data]
    if not due:
        return None
    for transaction in due:
        transaction.data["disbursed_at"] = work.now
        transactions.save(work, transaction)
    total = sum(row.amount if row.type == "sale" else -row.amount for row in due)
    disbursement_id = nonces.new_id()
    disbursement = {
        "id": disbursement_id,
        "transaction_ids": [row.id for row in due],
        "success": True,
        "retry": False,
        "disbursement_type": "credit" if total >= 0 else "debit",
        "merchant_account": {
            "id": work.options.merchant_id,
            "currency_iso_code": due[0].currency,
            "sub_merchant_account": False,
            "status": "active",
        },
        "amount": amounts.show(abs(total)),
        "disbursement_date": clock.moment(work.now).date(),
        "exception_message": None,
        "follow_up_action": None,
    }
    return add(work, "disbursement", disbursement_id, {"disbursement": disbursement})


def add(work: Work, kind: str, subject_id: str, subject: dict[str, Any]) -> int:
    """Store an announcement and, where an address is set, its delivery."""
    body = {"timestamp": clock.moment(work.now), "kind": kind, "subject": subject}
    payload = base64.encodebytes(wire.render("notification", body).encode()).decode()
    cursor = work.db.execute(
        "INSERT INTO notifications (kind, subject_id, payload, created_at) VALUES (?, ?, ?, ?)",
        (kind, subject_id, payload, work.now),
    )
    number = int(cursor.lastrowid or 0)
    if work.settings["webhook_url"]:
        deliver(work, number, held=bool(work.settings["hold_webhooks"]))
    return number


def deliver(
    work: Work, number: int, *, delay: float = 0, forge: str = "", held: bool = False
) -> None:
    """Queue one delivery of a notification, `delay` seconds of machine time from now."""
    work.db.execute(
        "INSERT INTO deliveries (notification, forge, held, next_attempt_at) VALUES (?, ?, ?, ?)",
        (number, forge, held, time.time() + delay),
    )


def signature(public_key: str, private_key: str, payload: str) -> str:
    """`public_key|digest`: HMAC-SHA1 keyed with the SHA1 of the private key."""
    # The protocol's choice of digest, not ours.
    key = hashlib.sha1(private_key.encode(), usedforsecurity=False).digest()
    return f"{public_key}|{hmac.new(key, payload.encode(), hashlib.sha1).hexdigest()}"


def signed(work: Work, payload: str, forge: str) -> dict[str, str]:
    """The form fields of one delivery, spoiled in the way `forge` names."""
    options = work.options
    if forge == "crlf":
        payload = payload.replace("\n", "\r\n")
    public_key = "someone_elses_key" if forge == "key" else options.public_key
    proof = signature(public_key, options.private_key, payload)
    if forge == "signature":
        proof = signature(public_key, "not the private key", payload)
    if forge == "three-parts":
        proof += "|extra"
    return {"bt_signature": proof, "bt_payload": payload}
