"""The control API: JSON, for demos and tests, without a password (so keep it on loopback)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, request

from sandbox import (
    actions,
    amounts,
    clock,
    disputes,
    faults,
    lifecycle,
    notifications,
    settings,
    transactions,
)
from sandbox.refusals import Refused
from sandbox.transactions import Transaction
from sandbox.work import Desk, Work

LIST_LENGTH = 200
LARGEST_STEP = 3650 * clock.DAY


class BadRequest(Exception):
    """Something in the request makes no sense; says what. Nothing was changed."""


def refuse_other_sites() -> None:
    """Keep web pages from elsewhere off: a browser says where a form or script came from."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        abort(403)


def create_blueprint(desk: Desk) -> Blueprint:
    """The routes under /control/."""
    blueprint = Blueprint("control", __name__, url_prefix="/control")
    blueprint.before_request(refuse_other_sites)
    _add_errors(blueprint)
    routes = {
        "/": ("GET", _state),
        "/clock": ("POST", _advance),
        "/settings": ("POST", _change_settings),
        "/transactions": ("GET", _list_transactions),
        "/transactions/<transaction_id>/<action>": ("POST", _act),
        "/disbursement": ("POST", _disburse),
        "/webhooks": ("GET", _list_webhooks),
        "/webhooks/check": ("POST", _check_webhook),
        "/webhooks/hold": ("POST", _hold),
        "/webhooks/<int:number>/redeliver": ("POST", _redeliver),
        "/reset": ("POST", _reset),
    }
    for rule, (method, handler) in routes.items():
        _add(blueprint, desk, rule, method, handler)
    _add(blueprint, desk, "/faults", "GET", _list_faults)
    _add(blueprint, desk, "/faults", "POST", _add_fault)
    _add(blueprint, desk, "/faults", "DELETE", _clear_faults)
    return blueprint


def _add(blueprint: Blueprint, desk: Desk, rule: str, method: str, handler: Any) -> None:
    def view(**values: Any) -> Response:
        answer: Response = jsonify(handler(desk, **values))
        return answer

    blueprint.add_url_rule(rule, f"{method} {rule}", view, methods=[method])


def _add_errors(blueprint: Blueprint) -> None:
    def answer(status: int) -> Any:
        return lambda error: (jsonify({"error": str(error)}), status)

    blueprint.register_error_handler(BadRequest, answer(422))
    blueprint.register_error_handler(settings.BadSetting, answer(422))
    blueprint.register_error_handler(actions.NotPossible, answer(409))
    blueprint.register_error_handler(Refused, answer(409))
    blueprint.register_error_handler(404, answer(404))


def _json() -> dict[str, Any]:
    body = request.get_json(force=True, silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    return body


def _number(body: dict[str, Any], name: str, otherwise: int, largest: int) -> int:
    value = body.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= largest:
        raise BadRequest(f"{name} must be a whole number from 0 to {largest}.")
    return value


def _seconds(body: dict[str, Any], name: str) -> float:
    value = body.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 3600:
        raise BadRequest(f"{name} must be a number of seconds from 0 to 3600.")
    return float(value)


def state(work: Work) -> dict[str, Any]:
    """The sandbox's time, knobs and faults."""
    return {
        "time": actions.iso(work.now),
        "ahead_seconds": work.db.execute("SELECT seconds FROM clock").fetchone()[0],
        "settings": work.settings,
        "faults": [vars(fault) for fault in faults.armed(work)],
        "transactions": work.db.execute("SELECT COUNT(*) FROM transactions").fetchone()[0],
    }


def _state(desk: Desk) -> Any:
    lifecycle.catch_up(desk)
    with desk.reading() as work:
        return state(work)


def advance(desk: Desk, seconds: int) -> None:
    """Move the clock and let happen what is due by then."""
    with desk.writing() as work:
        clock.advance(work.db, seconds)
    lifecycle.catch_up(desk)


def _advance(desk: Desk) -> Any:
    advance(desk, _number(_json(), "advance_seconds", 0, LARGEST_STEP))
    return _state(desk)


def _change_settings(desk: Desk) -> Any:
    changes = settings.check(_json())
    with desk.writing() as work:
        desk.store.change_settings(work.db, changes)
    return _state(desk)


def _list_faults(desk: Desk) -> Any:
    with desk.reading() as work:
        return [vars(fault) for fault in faults.armed(work)]


def _add_fault(desk: Desk) -> Any:
    body = _json()
    unknown = set(body) - {"operation", "kind", "when", "seconds", "status", "times", "order_id"}
    if unknown:
        raise BadRequest(f"There is no {', '.join(sorted(unknown))} in a fault.")
    for name, allowed in (("operation", faults.OPERATIONS), ("kind", faults.KINDS)):
        if body.get(name) not in allowed:
            raise BadRequest(f"{name} must be one of: {', '.join(allowed)}.")
    if body.get("when", "before") not in faults.MOMENTS:
        raise BadRequest("when must be before or after (the commit).")
    status = _number(body, "status", 500, 599)
    if status < 400:
        raise BadRequest("status must be from 400 to 599.")
    times = None if body.get("times", 1) is None else _number(body, "times", 1, 1_000_000)
    order_id = body.get("order_id")
    fault = faults.Fault(
        number=0,
        operation=body["operation"],
        kind=body["kind"],
        moment=body.get("when", "before"),
        milliseconds=round(_seconds(body, "seconds") * 1000),
        status=status,
        remaining=times,
        order_id=str(order_id) if order_id else None,
    )
    with desk.writing() as work:
        return {"id": faults.add(work, fault)}


def _clear_faults(desk: Desk) -> Any:
    with desk.writing() as work:
        work.db.execute("DELETE FROM faults")
    return []


def _list_transactions(desk: Desk) -> Any:
    lifecycle.catch_up(desk)
    with desk.reading() as work:
        rows = actions.newest(work, LIST_LENGTH, request.args.get("order_id"))
        return [actions.summary(row) for row in rows]


def act(
    desk: Desk, transaction_id: str, action: str, more: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Do one of actions.ACTIONS; `more`: a dispute's amount and kind.

    Raises 404, BadRequest, Refused or actions.NotPossible.
    """
    handler = actions.ACTIONS.get(action) or abort(404)
    if more:
        handler = _disputing(action, more)
    lifecycle.catch_up(desk)
    with desk.writing() as work:
        row = transactions.load(work, transaction_id) or abort(404)
        handler(work, row)
        return actions.summary(row)


def _disputing(action: str, more: dict[str, Any]) -> Callable[[Work, Transaction], None]:
    kind = more.get("kind", disputes.KINDS[0])
    if action != "dispute-open" or set(more) - {"amount", "kind"}:
        raise BadRequest("Only dispute-open takes something: an amount and a kind.")
    if kind not in disputes.KINDS:
        raise BadRequest(f"kind must be one of: {', '.join(disputes.KINDS)}.")
    amount = more.get("amount")
    return actions.disputing(0 if amount is None else amounts.parse(amount, "dispute"), kind)


def _act(desk: Desk, transaction_id: str, action: str) -> Any:
    return act(desk, transaction_id, action, _json())


def _disburse(desk: Desk) -> Any:
    with desk.writing() as work:
        number = notifications.add_disbursement(work)
    if number is None:
        raise actions.NotPossible("Nothing settled waits for its disbursement.")
    return {"id": number}


def _list_webhooks(desk: Desk) -> Any:
    with desk.reading() as work:
        return actions.deliveries(work, LIST_LENGTH)


def _check_webhook(desk: Desk) -> Any:
    with desk.writing() as work:
        return {"id": notifications.add_check(work)}


def _hold(desk: Desk) -> Any:
    body = _json()
    on, order = body.get("on"), body.get("order", "same")
    if not isinstance(on, bool) or order not in ("same", "reverse", "shuffle"):
        raise BadRequest("on must be true or false; order: same, reverse or shuffle.")
    with desk.writing() as work:
        desk.store.change_settings(work.db, {"hold_webhooks": on})
        if not on:
            _release(work, order)
    return _state(desk)


def _release(work: Work, order: str) -> None:
    rows = work.db.execute("SELECT number FROM deliveries WHERE held ORDER BY number").fetchall()
    numbers = [row["number"] for row in rows]
    if order == "reverse":
        numbers.reverse()
    if order == "shuffle":
        random.shuffle(numbers)
    start = time.time() - 1
    for place, number in enumerate(numbers):
        work.db.execute(
            "UPDATE deliveries SET held = 0, next_attempt_at = ? WHERE number = ?",
            (start + place / 1_000_000, number),
        )


def _redeliver(desk: Desk, number: int) -> Any:
    body = _json()
    forge = body.get("forge", "")
    if forge not in notifications.FORGERIES:
        raise BadRequest(f"forge must be one of: {', '.join(notifications.FORGERIES[1:])}.")
    times, delay = _number(body, "times", 1, 1000), _seconds(body, "delay_seconds")
    with desk.writing() as work:
        found = work.db.execute("SELECT 1 FROM notifications WHERE number = ?", (number,))
        if found.fetchone() is None:
            abort(404)
        if not work.settings["webhook_url"]:
            raise actions.NotPossible("No webhook_url is set.")
        for _ in range(times):
            notifications.deliver(work, number, delay=delay, forge=forge)
    return {"queued": times}


def _reset(desk: Desk) -> Any:
    desk.store.reset()
    return _state(desk)
