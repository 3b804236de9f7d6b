"""Checks made before a card or bank account is stored."""

from __future__ import annotations

import json
from typing import Any

from sandbox import clock, nonces, outcomes, responses
from sandbox.refusals import refusal
from sandbox.work import Work

METHODS = ("network_check", "independent_check", "micro_transfers")
DEPOSITS = [17, 29]


class VerificationFailed(Exception):
    """The bank declined the check made before a card is stored; nothing was stored."""

    def __init__(self, code: str) -> None:
        super().__init__(responses.text(code))
        self.code = code


def _verification(work: Work, code: str, method: str | None = None) -> dict[str, Any]:
    status = "verified" if responses.kind(code) == responses.APPROVED else "processor_declined"
    return {
        "id": nonces.new_id(),
        "status": "failed" if code == "3000" else status,
        "processor_response_code": code,
        "processor_response_text": responses.text(code),
        "processor_response_type": responses.kind(code),
        "verification_method": method,
        "created_at": clock.moment(work.now).isoformat(),
    }


def verify_card(work: Work, data: dict[str, Any]) -> None:
    """Check a card and note the check in `data`. Raises VerificationFailed."""
    outcome = str(data.get("outcome", ""))
    code = outcome if outcome.isdigit() else "2004" if outcomes.is_expired(data, work.now) else ""
    if code:
        raise VerificationFailed(code)
    data["verifications"] = [*data.get("verifications", []), _verification(work, "1000")]


def verify_account(work: Work, data: dict[str, Any], method: Any) -> None:
    """Check a US account by `method` (none: not at all) and note the result in `data`.

    An account that fails is stored all the same, unverified. Raises Refused 93121 for a method
    that does not exist.
    """
    method = str(method or "")
    if method not in ("", *METHODS):
        raise refusal("93121", "payment_method", "options")
    data.setdefault("verifications", [])
    if not method:
        return
    code = "1000" if method == "independent_check" else str(data["network_check"])
    entry = _verification(work, code, method)
    if method == "micro_transfers":
        entry |= {"status": "pending", "processor_response_code": None}
    data["verifications"].append(entry)
    data["verified"] = entry["status"] == "verified"


def confirm_deposits(
    work: Work, verification_id: str, deposits: list[int]
) -> dict[str, Any] | None:
    """Compare the two small deposits (minor units) the account holder saw; None: no such check.

    The right ones verify the account, unless its number is one that stays pending.
    """
    for row in work.db.execute(
        "SELECT token, data FROM payment_methods WHERE kind = ?", ("us_bank_account",)
    ):
        data = json.loads(row["data"])
        for entry in data.get("verifications", []):
            if entry["id"] != verification_id:
                continue
            _confirm(data, entry, deposits)
            work.db.execute(
                "UPDATE payment_methods SET data = ? WHERE token = ?",
                (json.dumps(data), row["token"]),
            )
            return dict(entry)
    return None


def _confirm(data: dict[str, Any], entry: dict[str, Any], deposits: list[int]) -> None:
    if sorted(deposits) != DEPOSITS:
        entry["status"] = "processor_declined"
    elif data["network_check"] == "1000":
        entry["status"] = "verified"
    data["verified"] = entry["status"] == "verified"
