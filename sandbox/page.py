"""The page at `/`: what this is, its knobs, and the newest transactions. Works without scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from markupsafe import escape
from werkzeug.wrappers import Response as AnyResponse

from sandbox import actions, cards, clock, control, lifecycle, settings
from sandbox.instruments import brand_slug
from sandbox.refusals import Refused
from sandbox.responses import text
from sandbox.work import Desk

FOLDER = Path(__file__).resolve().parent
LIST_LENGTH = 50
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
STEPS = {"1 hour": clock.HOUR, "1 day": clock.DAY, "3 days": 3 * clock.DAY, "7 days": 7 * clock.DAY}
_SPECIAL = {
    "fraud": "rejected by the gateway: fraud",
    "risk_threshold": "rejected by the gateway: risk threshold",
    "dispute": "disputed once it is settled",
}
_KINDS = {
    "credit_card": "Card",
    "paypal_account": "PayPal",
    "sepa_debit_account": "SEPA debit",
    "us_bank_account": "US bank account",
    "venmo_account": "Venmo",
}
_IMAGES = {
    **{brand_slug(card.brand): card.brand for card in cards.TEST_CARDS},
    "us_bank_account": "Bank",
    "paypal_account": "PayPal",
    "venmo_account": "Venmo",
    "unknown": "Card",
}


def create_blueprint(desk: Desk) -> Blueprint:
    """The page, its buttons, its style, and the little brand pictures the SDK points to."""
    blueprint = Blueprint("page", __name__)
    blueprint.before_request(control.refuse_other_sites)
    _add_views(blueprint, desk)
    _add_buttons(blueprint, desk)
    return blueprint


def _add_views(blueprint: Blueprint, desk: Desk) -> None:
    @blueprint.get("/")
    def index() -> Response:
        return _page(desk, "")

    @blueprint.get("/page.css")
    def style() -> Response:
        return Response((FOLDER / "templates" / "page.css").read_text(), mimetype="text/css")

    @blueprint.get("/card-images/<name>.svg")
    def image(name: str) -> Response:
        label = _IMAGES.get(name) or abort(404)
        return Response(_picture(label), mimetype="image/svg+xml")


def _add_buttons(blueprint: Blueprint, desk: Desk) -> None:
    @blueprint.post("/transactions/<transaction_id>/<action>")
    def act(transaction_id: str, action: str) -> AnyResponse:
        try:
            control.act(desk, transaction_id, action)
        except (actions.NotPossible, Refused) as error:
            return _page(desk, str(error), 409)
        return _back()

    @blueprint.post("/clock")
    def advance() -> AnyResponse:
        step = request.form.get("seconds", "")
        if step not in map(str, STEPS.values()):
            return _page(desk, "That is not one of the steps.", 422)
        control.advance(desk, int(step))
        return _back()

    @blueprint.post("/settings")
    def change() -> AnyResponse:
        try:
            changes = settings.check(_form_settings())
        except settings.BadSetting as error:
            return _page(desk, str(error), 422)
        with desk.writing() as work:
            desk.store.change_settings(work.db, changes)
        return _back()


def _form_settings() -> dict[str, Any]:
    changes: dict[str, Any] = {name: name in request.form for name in settings.FLAGS}
    for name in settings.NUMBERS:
        value = request.form.get(name, "")
        whole = value.isascii() and value.isdigit() and len(value) < 10
        changes[name] = int(value) if whole else value
    for name in (*settings.CHOICES, *settings.TEXTS):
        changes[name] = request.form.get(name, "").strip()
    return changes


def _back() -> AnyResponse:
    return redirect(url_for("page.index"), 303)


def _page(desk: Desk, problem: str, status: int = 200) -> Response:
    lifecycle.catch_up(desk)
    with desk.reading() as work:
        rows = actions.newest(work, LIST_LENGTH)
        content = render_template(
            "page.html",
            problem=problem,
            options=desk.options,
            state=control.state(work),
            knobs=settings,
            kinds=_KINDS,
            steps=STEPS,
            rows=[(actions.summary(row), actions.offered(row)) for row in rows],
            cards=[(card, _meaning(card.outcome)) for card in cards.TEST_CARDS],
        )
    answer = Response(content, status)
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _meaning(outcome: str) -> str:
    if outcome.isdigit():
        return f"declined: {outcome} {text(outcome)}"
    return _SPECIAL.get(outcome, "approved")


def _picture(label: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 56 36" width="56" height="36">'
        '<rect width="56" height="36" rx="5" fill="#eef1f6" stroke="#c5ccd8"/>'
        '<text x="28" y="21" font-family="sans-serif" font-size="8" text-anchor="middle" '
        f'fill="#26324a">{escape(label.split()[0])}</text></svg>'
    )
