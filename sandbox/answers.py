"""HTTP answers in the SDK's XML."""

from __future__ import annotations

from typing import Any

from flask import Response

from sandbox import render, sales, wire
from sandbox.refusals import Refused
from sandbox.transactions import REFUSED_STATUSES, Transaction
from sandbox.work import Work

_PRIVATE = ("credit_card", "number", "cvv")


def document(name: str, value: Any, status: int = 200) -> Response:
    """An XML document whose root is `name`."""
    return Response(wire.render(name, value), status, mimetype="application/xml")


def transaction(work: Work, row: Transaction, status: int = 200) -> Response:
    """The transaction, or, when bank or gateway refused it, an error that carries it."""
    body = render.transaction(work, row)
    if row.status not in REFUSED_STATUSES:
        return document("transaction", body, status)
    error = {
        "errors": {"errors": []},
        "params": {},
        "message": sales.message(row),
        "transaction": body,
    }
    return document("api_error_response", error, 422)


def refused(error: Refused, params: dict[str, Any] | None = None) -> Response:
    """Every broken rule at its place in the request; card data are not repeated."""
    tree: dict[str, Any] = {"errors": []}
    for fault in error.faults:
        node = tree
        for name in fault.path:
            node = node.setdefault(name, {"errors": []})
        node["errors"].append(
            {"code": fault.code, "attribute": fault.attribute, "message": fault.message}
        )
    root = error.faults[0].path[0]
    echo = {name: value for name, value in (params or {}).items() if name not in _PRIVATE}
    message = "\n".join(fault.message for fault in error.faults)
    body = {"errors": tree, "params": {root: echo}, "message": message}
    return document("api_error_response", body, 422)
