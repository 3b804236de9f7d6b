"""The server SDK's endpoints for transactions and client tokens."""

from __future__ import annotations

import base64
import gzip
import hmac
import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, request

from sandbox import (
    answers,
    calls,
    changes,
    dispute_search,
    disputes,
    render,
    sales,
    search,
    transactions,
    vault,
    wire,
)
from sandbox.calls import Call
from sandbox.options import Options
from sandbox.refusals import Refused, refusal
from sandbox.transactions import Transaction
from sandbox.work import Desk, Work

Change = Callable[[Work, Transaction, dict[str, Any]], Transaction]

# The last part of the address -> (method, operation in fault settings, what happens).
CHANGES: dict[str, tuple[str, str, Change]] = {
    "submit_for_settlement": ("PUT", "capture", changes.capture),
    "submit_for_partial_settlement": ("POST", "capture", changes.capture_part),
    "void": ("PUT", "void", changes.void),
    "refund": ("POST", "refund", changes.refund),
    "reverse": ("POST", "reverse", changes.reverse),
    "adjust_authorization": ("PUT", "adjust", changes.adjust),
    "update_details": ("PUT", "update", changes.update_details),
}
SIMULATIONS = {
    "settle": "settled",
    "settlement_confirm": "settlement_confirmed",
    "settlement_decline": "settlement_declined",
    "settlement_pending": "settlement_pending",
}


def create_blueprint(desk: Desk) -> Blueprint:
    """Everything the SDK calls about money, behind the merchant's keys."""
    blueprint = Blueprint("api", __name__, url_prefix=desk.options.merchant_path)
    guard(blueprint, desk.options)
    blueprint.add_url_rule(
        "/client_token", "client_token", lambda: _client_token(desk), methods=["POST"]
    )
    blueprint.add_url_rule("/transactions", "sale", lambda: _sale(desk), methods=["POST"])
    blueprint.add_url_rule(
        "/transactions/<transaction_id>", "find", lambda transaction_id: _find(desk, transaction_id)
    )
    blueprint.add_url_rule(
        "/transactions/advanced_search_ids", "ids", lambda: _search_ids(desk), methods=["POST"]
    )
    blueprint.add_url_rule(
        "/transactions/advanced_search", "search", lambda: _search(desk), methods=["POST"]
    )
    blueprint.add_url_rule(
        "/disputes/advanced_search",
        "dispute_search",
        lambda: _search_disputes(desk),
        methods=["POST"],
    )
    blueprint.add_url_rule(
        "/disputes/<dispute_id>", "dispute", lambda dispute_id: _dispute(desk, dispute_id)
    )
    for name, (method, operation, change) in CHANGES.items():
        _add_change(blueprint, desk, name, method, operation, change)
    for name, status in SIMULATIONS.items():
        _add_change(blueprint, desk, name, "PUT", "test", _simulation(status))
    return blueprint


def guard(blueprint: Blueprint, options: Options) -> None:
    """Ask for the merchant's keys, read the body first, and compress what is asked to be."""

    @blueprint.before_request
    def check_keys() -> Response | None:
        request.get_data()
        given = request.authorization
        name, secret = (given.username or "", given.password or "") if given else ("", "")
        same = hmac.compare_digest(
            f"{name}:{secret}".encode(), f"{options.public_key}:{options.private_key}".encode()
        )
        if same:
            return None
        return Response(status=401, headers={"WWW-Authenticate": 'Basic realm="Sandbox"'})

    @blueprint.errorhandler(wire.Malformed)
    @blueprint.errorhandler(search.NotSearchable)
    def malformed(error: Exception) -> Response:
        return Response(str(error), 400, mimetype="text/plain")

    blueprint.after_request(_compress)


def _compress(response: Response) -> Response:
    if (
        "gzip" in request.headers.get("Accept-Encoding", "")
        and response.mimetype == "application/xml"
    ):
        response.set_data(gzip.compress(response.get_data(), 1))
        response.headers["Content-Encoding"] = "gzip"
    return response


def body(name: str) -> dict[str, Any]:
    """The request's object `name`. Raises wire.Malformed."""
    return wire.element(request.get_data(), name)


def _sale(desk: Desk) -> Response:
    params = body("transaction")

    def check(work: Work) -> bool:
        return sales.is_duplicate(work, sales.prepare(work, params))

    def act(work: Work, duplicate: bool) -> Transaction:
        return sales.create(work, sales.prepare(work, params), duplicate=duplicate)

    operation = "credit" if params.get("type") == "credit" else "sale"
    order_id = str(params.get("order_id") or "") or None
    return calls.run(desk, Call(operation, request.path, params, act, check, order_id, 201))


def _add_change(
    blueprint: Blueprint, desk: Desk, name: str, method: str, operation: str, change: Change
) -> None:
    def view(transaction_id: str) -> Response:
        params = body("transaction")
        with desk.reading() as work:
            found = transactions.load(work, transaction_id) or abort(404)

        def act(work: Work, checked: bool) -> Transaction:
            row = transactions.load(work, transaction_id) or abort(404)
            return change(work, row, params)

        status = 201 if method == "POST" else 200
        call = Call(operation, request.path, params, act, order_id=found.order_id, status=status)
        return calls.run(desk, call)

    rule = f"/transactions/<transaction_id>/{name}"
    blueprint.add_url_rule(rule, name, view, methods=[method])


def _simulation(status: str) -> Change:
    return lambda work, row, params: changes.simulate(work, row, status)


def _find(desk: Desk, transaction_id: str) -> Response:
    with desk.reading() as work:
        found = transactions.load(work, transaction_id)

    def respond() -> Response:
        with desk.reading() as work:
            row = transactions.load(work, transaction_id) or abort(404)
            return answers.document("transaction", render.transaction(work, row))

    return calls.with_faults(desk, "find", found.order_id if found else None, respond)


def _dispute(desk: Desk, dispute_id: str) -> Response:
    with desk.reading() as work:
        known = disputes.load(work, dispute_id)
        about = transactions.load(work, known.transaction_id) if known else None

    def respond() -> Response:
        with desk.reading() as work:
            row = disputes.load(work, dispute_id) or abort(404)
            of = transactions.load(work, row.transaction_id) or abort(404)
            return answers.document("dispute", render.dispute(work, row, of))

    return calls.with_faults(desk, "dispute", about.order_id if about else None, respond)


def _search_disputes(desk: Desk) -> Response:
    criteria, _order_id = _criteria()
    page = request.args.get("page", default=1, type=int)
    start = (max(page, 1) - 1) * dispute_search.PAGE_SIZE

    def respond() -> Response:
        with desk.reading() as work:
            found = dispute_search.find(work, criteria)
            results = {
                "current_page_number": page,
                "page_size": dispute_search.PAGE_SIZE,
                "total_items": len(found),
                "dispute": wire.Repeated(
                    render.dispute(
                        work, row, transactions.load(work, row.transaction_id) or abort(404)
                    )
                    for row in found[start : start + dispute_search.PAGE_SIZE]
                ),
            }
        return answers.document("disputes", results)

    return calls.with_faults(desk, "dispute", None, respond)


def _criteria() -> tuple[dict[str, Any], str | None]:
    criteria = wire.parse(request.get_data()).get("search") or {}
    if not isinstance(criteria, dict):
        raise wire.Malformed("search has no criteria.")
    order = criteria.get("order_id")
    order_id = order.get("is") if isinstance(order, dict) else None
    return criteria, order_id


def _search_ids(desk: Desk) -> Response:
    criteria, order_id = _criteria()

    def respond() -> Response:
        with desk.reading() as work:
            ids = search.find_ids(work, criteria)
        results = {"page_size": search.PAGE_SIZE, "ids": ids}
        return answers.document("search_results", results)

    return calls.with_faults(desk, "search", order_id, respond)


def _search(desk: Desk) -> Response:
    criteria, order_id = _criteria()

    def respond() -> Response:
        with desk.reading() as work:
            rows = search.find(work, criteria)[: search.PAGE_SIZE]
            page = {
                "current_page_number": 1,
                "page_size": search.PAGE_SIZE,
                "total_items": len(rows),
                "transaction": wire.Repeated(render.transaction(work, row) for row in rows),
            }
        return answers.document("credit_card_transactions", page)

    return calls.with_faults(desk, "search", order_id, respond)


def _client_token(desk: Desk) -> Response:
    params = body("client_token")

    def respond() -> Response:
        try:
            token = _token(desk, params)
        except Refused as error:
            return answers.refused(error)
        return answers.document("client_token", {"value": token}, 201)

    return calls.with_faults(desk, "client_token", None, respond)


def _token(desk: Desk, params: dict[str, Any]) -> str:
    options = desk.options
    if params.get("version", 2) not in (1, 2, 3, "1", "2", "3"):
        raise refusal("92801", "client_token")
    customer_id = str(params.get("customer_id") or "")
    with desk.reading() as work:
        if customer_id and vault.customer_row(work, customer_id) is None:
            raise refusal("92802", "client_token")
    client_api = f"{options.public_url}{options.merchant_path}/client_api"
    content = {
        "version": 2,
        "authorizationFingerprint": desk.store.create_fingerprint(options.merchant_id, customer_id),
        "configUrl": f"{client_api}/v1/configuration",
        "graphQL": {
            "url": f"{options.public_url}/graphql",
            "date": "2018-05-08",
            "features": ["tokenize_credit_cards"],
        },
        "clientApiUrl": client_api,
        "environment": "sandbox",
        "merchantId": options.merchant_id,
        "assetsUrl": options.public_url,
        "authUrl": options.public_url,
        "challenges": ["cvv", "postal_code"],
        "analytics": {"url": f"{options.public_url}/analytics"},
    }
    return base64.b64encode(json.dumps(content).encode()).decode()
