"""How a request that changes money runs: faults, at-most-once keys, checks, one commit.

The checks that look for other requests are made before a simulated delay, the work after it, as
in a real gateway, where two requests in flight at once do not see each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response

from sandbox import answers, faults, lifecycle, request_keys, transactions
from sandbox.refusals import Refused
from sandbox.transactions import Transaction
from sandbox.work import Desk, Work


def _no_check(work: Work) -> bool:
    return False


@dataclass(frozen=True)
class Call:
    """One request. `check` looks at what is stored; its answer is handed to `act`."""

    operation: str
    path: str
    params: dict[str, Any]
    act: Callable[[Work, bool], Transaction]
    check: Callable[[Work], bool] = _no_check
    order_id: str | None = None
    status: int = 200

    @property
    def key(self) -> str:
        """The at-most-once key, if one was sent."""
        return str(self.params.get("api_request_key") or "")


def run(desk: Desk, call: Call) -> Response:
    """Answer the call, with whatever faults are armed for it."""
    struck = faults.draw(desk, call.operation, call.order_id)
    lost = faults.breaking(struck, "before")
    if lost is not None and lost.kind == "drop":
        faults.wait(struck, "before")
        return faults.strike(lost)
    lifecycle.catch_up(desk)
    answer = _answer(desk, call, struck, lost)
    faults.wait(struck, "after")
    spoiled = lost or faults.breaking(struck, "after")
    return faults.strike(spoiled) if spoiled else answer


def _answer(
    desk: Desk, call: Call, struck: list[faults.Fault], lost: faults.Fault | None
) -> Response:
    try:
        earlier = _claim(desk, call)
    except Refused as error:
        faults.wait(struck, "before")
        return answers.refused(error, call.params)
    if earlier is not None:
        faults.wait(struck, "before")
        return earlier
    try:
        with desk.reading() as work:
            checked = call.check(work)
        faults.wait(struck, "before")
        if lost is not None:
            _finish(desk, call, request_keys.SERVER_ERROR)
            # Never sent: the fault that lost the request makes the answer.
            return Response(status=500)
        return _commit(desk, call, checked)
    except Refused as error:
        _finish(desk, call, request_keys.FAILED)
        return answers.refused(error, call.params)
    except Exception:
        _finish(desk, call, request_keys.SERVER_ERROR)
        raise


def _commit(desk: Desk, call: Call, checked: bool) -> Response:
    with desk.writing() as work:
        row = call.act(work, checked)
        if call.key:
            request_keys.finish(work, call.key, request_keys.DONE, row.id)
        return answers.transaction(work, row, call.status)


def _claim(desk: Desk, call: Call) -> Response | None:
    if not call.key:
        return None
    with desk.writing() as work:
        fingerprint = request_keys.fingerprint(call.path, call.params)
        transaction_id = request_keys.claim(work, call.key, fingerprint)
        row = transactions.load(work, transaction_id) if transaction_id else None
        return answers.transaction(work, row, call.status) if row else None


def _finish(desk: Desk, call: Call, state: str) -> None:
    if call.key:
        with desk.writing() as work:
            request_keys.finish(work, call.key, state)


def with_faults(
    desk: Desk, operation: str, order_id: str | None, respond: Callable[[], Response]
) -> Response:
    """Answer a request that moves no money, with whatever faults are armed for it."""
    struck = faults.draw(desk, operation, order_id)
    faults.wait(struck, "before")
    lost = faults.breaking(struck, "before")
    if lost is not None:
        return faults.strike(lost)
    lifecycle.catch_up(desk)
    answer = respond()
    faults.wait(struck, "after")
    spoiled = faults.breaking(struck, "after")
    return faults.strike(spoiled) if spoiled else answer
