"""Faults on demand: late, lost, broken and nonsensical answers."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

from flask import Response, request

from sandbox.work import Desk, Work

OPERATIONS = (
    "*", "sale", "credit", "capture", "void", "refund", "reverse", "adjust", "update", "test",
    "find", "search", "dispute", "client_token", "customer", "payment_method", "nonce",
)  # fmt: skip
KINDS = ("latency", "drop", "status", "html")
MOMENTS = ("before", "after")
HTML = "<!doctype html><title>Gateway</title><h1>Something is in the way</h1>"


@dataclass(frozen=True)
class Fault:
    """One fault: what it does, and whether before or after the work is committed."""

    number: int
    operation: str
    kind: str
    moment: str
    milliseconds: int
    status: int
    remaining: int | None
    order_id: str | None


def add(work: Work, fault: Fault) -> int:
    """Arm a fault; returns its number. `remaining` None means until it is removed."""
    cursor = work.db.execute(
        "INSERT INTO faults (operation, kind, moment, milliseconds, status, remaining, order_id) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            fault.operation,
            fault.kind,
            fault.moment,
            fault.milliseconds,
            fault.status,
            fault.remaining,
            fault.order_id,
        ),
    )
    return int(cursor.lastrowid or 0)


def armed(work: Work) -> list[Fault]:
    """The faults still to come."""
    return [Fault(**dict(row)) for row in work.db.execute("SELECT * FROM faults ORDER BY number")]


def _matching(work: Work, operation: str, order_id: str | None) -> list[Fault]:
    return [
        fault
        for fault in armed(work)
        if fault.operation in ("*", operation) and fault.order_id in (None, order_id)
    ]


def draw(desk: Desk, operation: str, order_id: str | None) -> list[Fault]:
    """The faults that strike this request, each used up once."""
    with desk.reading() as work:
        if not _matching(work, operation, order_id):
            return []
    with desk.writing() as work:
        struck = _matching(work, operation, order_id)
        for fault in struck:
            work.db.execute(
                "UPDATE faults SET remaining = remaining - 1 WHERE number = ?", (fault.number,)
            )
        work.db.execute("DELETE FROM faults WHERE remaining <= 0")
        return struck


def wait(faults: list[Fault], moment: str) -> None:
    """Be as late as the latency faults of this moment say."""
    for fault in faults:
        if fault.kind == "latency" and fault.moment == moment:
            time.sleep(fault.milliseconds / 1000)


def breaking(faults: list[Fault], moment: str) -> Fault | None:
    """The first fault of this moment that spoils the answer."""
    return next((f for f in faults if f.moment == moment and f.kind != "latency"), None)


def strike(fault: Fault) -> Response:
    """The spoiled answer. For a drop the connection is closed, so that none arrives."""
    if fault.kind == "html":
        return Response(HTML, 200, mimetype="text/html")
    if fault.kind == "drop":
        connection: socket.socket | None = request.environ.get("werkzeug.socket")
        if connection is not None:
            connection.shutdown(socket.SHUT_RDWR)
    return Response(status=fault.status)
