"""At-most-once keys: the same request under the same key happens once.

https://developer.paypal.com/braintree/graphql/integration_guides/idempotency
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sandbox import clock
from sandbox.refusals import refusal
from sandbox.work import Desk, Work

LIFETIME = 30 * clock.DAY
IN_FLIGHT, DONE, FAILED, SERVER_ERROR = "in_flight", "done", "failed", "server_error"
_CODES = {IN_FLIGHT: "915233", FAILED: "915234", SERVER_ERROR: "915235"}


def fingerprint(path: str, params: dict[str, Any]) -> str:
    """What makes two requests "the same": the address and everything in it but the key."""
    rest = {name: value for name, value in params.items() if name != "api_request_key"}
    text = json.dumps([path, rest], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def claim(work: Work, key: str, request: str) -> str | None:
    """Take the key for `request`, or return the id of the transaction it made before.

    Raises Refused: 915230 over 255 characters, 915231 switched off, 915232 other request,
    915233 in flight, 915234 failed before, 915235 server error before.
    """
    if not work.settings["api_request_keys"]:
        raise refusal("915231")
    if len(key) > 255:
        raise refusal("915230")
    work.db.execute("DELETE FROM request_keys WHERE created_at < ?", (work.now - LIFETIME,))
    row = work.db.execute("SELECT * FROM request_keys WHERE key = ?", (key,)).fetchone()
    if row is None:
        work.db.execute(
            "INSERT INTO request_keys VALUES (?, ?, ?, NULL, ?)",
            (key, request, IN_FLIGHT, work.now),
        )
        return None
    if row["request"] != request:
        raise refusal("915232")
    if row["state"] != DONE:
        raise refusal(_CODES[row["state"]])
    return str(row["transaction_id"])


def finish(work: Work, key: str, state: str, transaction_id: str | None = None) -> None:
    """Record how the request under the key ended."""
    work.db.execute(
        "UPDATE request_keys SET state = ?, transaction_id = ? WHERE key = ?",
        (state, transaction_id, key),
    )


def forget_interrupted(desk: Desk) -> None:
    """Free the keys of requests that a killed process left unanswered and undone."""
    with desk.writing() as work:
        work.db.execute("DELETE FROM request_keys WHERE state = ?", (IN_FLIGHT,))
