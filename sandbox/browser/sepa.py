"""The SEPA flow of Braintree's browser client: a mandate, a page to approve it, and the nonce.

With the real gateway the page in the middle is PayPal's. Here it is the sandbox's own: it shows
the same mandate and has the same two ends, so the published client component runs unchanged.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sandbox import banks, calls, nonces
from sandbox.browser.door import Door, json_answer, json_object, not_authorised
from sandbox.browser.files import frame_answer
from sandbox.browser.tokenizing import part, rest_errors, text
from sandbox.cards import InvalidCard
from sandbox.work import Desk, Work

OPEN, APPROVED, CANCELLED = "open", "approved", "cancelled"
_ENDS = {"approve": APPROVED, "cancel": CANCELLED}
_WAYS_BACK = {APPROVED: "return_url", CANCELLED: "cancel_url"}
# The popup's page leads on to the merchant's, so where its form may lead is left open.
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"


def add_routes(blueprint: Blueprint, desk: Desk, door: Door) -> None:
    """Add mandate, approval and tokenisation to `blueprint`."""
    base = f"{desk.options.merchant_path}/client_api/v1"

    @blueprint.post(f"{base}/sepa_debit")
    def create_mandate() -> Response:
        body = json_object()
        if not door.lets_in_values(body):
            return not_authorised()
        return calls.with_faults(desk, "nonce", None, lambda: _mandate(desk, body))

    @blueprint.get(f"{base}/sepa_debit/<reference>")
    def mandate_detail(reference: str) -> Response:
        """What the client asks for when the customer came back by a redirect of the whole page."""
        if not door.lets_in_values(request.args):
            return not_authorised()
        with desk.reading() as work:
            _state, data = _find(work, reference)
        detail = {
            "last4": data["account"]["last_4"],
            "merchantOrPartnerCustomerId": data["customer"],
            "mandateType": data["account"]["mandate"],
            "bankReferenceToken": reference,
        }
        return jsonify({"sepaDebitMandateDetail": detail})

    @blueprint.post(f"{base}/payment_methods/sepa_debit_accounts")
    def tokenize_account() -> Response:
        body = json_object()
        if not door.lets_in_values(body):
            return not_authorised()
        return calls.with_faults(desk, "nonce", None, lambda: _tokenize(desk, body))

    @blueprint.get("/sandbox/mandates/<reference>")
    def mandate_page(reference: str) -> Response:
        with desk.reading() as work:
            state, data = _find(work, reference)
        page = render_template("mandate.html", mandate=data, open=state == OPEN)
        return frame_answer(Response(page, content_type="text/html; charset=utf-8"), _POLICY)

    @blueprint.post("/sandbox/mandates/<reference>")
    def end_mandate(reference: str) -> ResponseReturnValue:
        wanted = _ENDS.get(request.form.get("end", "")) or abort(400)
        with desk.writing() as work:
            state, data = _find(work, reference)
            if state == OPEN:
                state = wanted
                work.db.execute(
                    "UPDATE mandates SET state = ? WHERE reference = ?", (state, reference)
                )
        answer = redirect(_way_back(data[_WAYS_BACK[state]], reference), code=303)
        return frame_answer(answer, _POLICY)


def _mandate(desk: Desk, body: Mapping[str, Any]) -> Response:
    asked = part(body, "sepa_debit")
    ways = {name: text(body, name) for name in _WAYS_BACK.values()}
    if any(urlsplit(way).scheme not in ("http", "https") for way in ways.values()):
        return json_answer({"error": {"message": "return_url or cancel_url is invalid."}}, 422)
    try:
        account = banks.check_sepa(
            text(asked, "iban"),
            text(asked, "account_holder_name"),
            text(asked, "mandate_type") or "RECURRENT",
        )
    except InvalidCard as refused:
        return json_answer(rest_errors(refused, "sepaDebit", "IBAN is invalid"), 422)
    reference = secrets.token_hex(16)
    customer = text(asked, "merchant_or_partner_customer_id")
    data = {"account": asdict(account), "customer": customer, **ways}
    with desk.writing() as work:
        work.db.execute(
            "INSERT INTO mandates VALUES (?, ?, ?, ?)",
            (reference, OPEN, json.dumps(data), work.now),
        )
    described = {
        "approvalUrl": f"{desk.options.public_url}/sandbox/mandates/{reference}",
        "last4": account.last_4,
        "bankReferenceToken": reference,
    }
    return json_answer({"message": {"body": {"sepaDebitAccount": described}}}, 201)


def _tokenize(desk: Desk, body: Mapping[str, Any]) -> Response:
    reference = text(part(body, "sepa_debit_account"), "bank_reference_token")
    with desk.writing() as work:
        state, data = _find(work, reference)
        if state != APPROVED:
            return json_answer({"error": {"message": "The mandate was not approved."}}, 422)
        instrument = nonces.Instrument(banks.SEPA, data["account"])
        nonce = nonces.create(work.db, instrument)
        # One mandate, one nonce: whoever sees the reference can't make a second.
        work.db.execute("DELETE FROM mandates WHERE reference = ?", (reference,))
    return json_answer({"nonce": nonce.nonce, "type": "SEPADebitAccount"}, 201)


def _find(work: Work, reference: str) -> tuple[str, dict[str, Any]]:
    row = work.db.execute("SELECT * FROM mandates WHERE reference = ?", (reference,)).fetchone()
    if row is None:
        abort(404)
    return str(row["state"]), json.loads(row["data"])


def _way_back(address: str, reference: str) -> str:
    """The merchant's address, with what the flow without a popup looks for there."""
    query = urlsplit(address).query
    if "success=" in query or "cancel=" in query:
        return address
    joint = "&" if query else "?"
    return f"{address}{joint}{urlencode({'success': 'true', 'cart_id': reference})}"
