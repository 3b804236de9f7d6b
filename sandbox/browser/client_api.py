"""What Braintree's browser client calls: configuration, tokenisation, and its event log.

Faults armed for the operation `nonce` strike tokenisation here as they do in the server's API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox import calls
from sandbox.browser import graphql, sepa
from sandbox.browser.configuration import rest_configuration
from sandbox.browser.door import (
    NOT_AUTHORISED,
    Door,
    json_answer,
    json_object,
    not_authorised,
)
from sandbox.browser.tokenizing import card_nonce, part, rest_card, rest_errors, text
from sandbox.cards import InvalidCard
from sandbox.options import Options
from sandbox.store import Store
from sandbox.work import Desk


def add_routes(blueprint: Blueprint, store: Store, options: Options) -> None:
    """Add the client API, GraphQL, SEPA and log routes to `blueprint`."""
    desk = Desk(store, options)
    door = Door(store, options)
    _add_client_api(blueprint, desk, door)
    _add_graphql(blueprint, desk, door)
    _add_sepa(blueprint, desk, door)
    sepa.add_routes(blueprint, desk, door)

    @blueprint.post("/analytics")
    def log_events() -> Response:
        """The client reports what it did; nobody reads it here."""
        return jsonify({})


def _add_client_api(blueprint: Blueprint, desk: Desk, door: Door) -> None:
    base = f"{desk.options.merchant_path}/client_api/v1"

    @blueprint.get(f"{base}/configuration")
    def configuration() -> Response:
        if not door.lets_in_values(request.args):
            return not_authorised()
        return jsonify(rest_configuration(desk.options))

    @blueprint.get(f"{base}/payment_methods")
    def vaulted() -> Response:
        """Client tokens of the sandbox don't open a customer's vault, so it is always empty."""
        if not door.lets_in_values(request.args):
            return not_authorised()
        return jsonify({"paymentMethods": []})

    @blueprint.post(f"{base}/payment_methods/credit_cards")
    def tokenize_card() -> Response:
        body = json_object()
        if not door.lets_in_values(body):
            return not_authorised()
        return calls.with_faults(desk, "nonce", None, lambda: _card(desk, part(body, "creditCard")))


def _add_graphql(blueprint: Blueprint, desk: Desk, door: Door) -> None:
    @blueprint.post("/graphql")
    def graphql_operation() -> Response:
        if not door.lets_in_bearer():
            return jsonify(graphql.failure(NOT_AUTHORISED, "AUTHENTICATION"))
        body = json_object()

        def respond() -> Response:
            return jsonify(graphql.answer(body, desk.store, desk.options))

        if graphql.makes_nonce(body):
            return calls.with_faults(desk, "nonce", None, respond)
        return respond()


def _add_sepa(blueprint: Blueprint, desk: Desk, door: Door) -> None:
    @blueprint.post("/sandbox/sepa_nonces")
    def tokenize_iban() -> Response:
        """Tokenise an IBAN at once, without a mandate's page in between.

        JSON in: `iban`, `accountHolderName`, `mandateType` (RECURRENT or ONE_OFF). JSON out:
        `nonce`, `type`, `description` and `details.ibanLastFour`; 422 with `fieldErrors` when
        the IBAN is wrong. Authorisation as for GraphQL: `Bearer`, and the fingerprint or key.
        """
        if not door.lets_in_bearer():
            return not_authorised()
        body = json_object()
        return calls.with_faults(desk, "nonce", None, lambda: _sepa_account(desk, body))


def _card(desk: Desk, card: Mapping[str, Any]) -> Response:
    try:
        nonce = card_nonce(desk.store, card)
    except InvalidCard as refused:
        return json_answer(rest_errors(refused, "creditCard", "Credit card is invalid"), 422)
    return json_answer({"creditCards": [rest_card(nonce, text(card, "cardholderName"))]}, 202)


def _sepa_account(desk: Desk, account: Mapping[str, Any]) -> Response:
    mandate = text(account, "mandateType") or "RECURRENT"
    try:
        # An empty IBAN would be taken for a US account; a blank one is refused as an IBAN.
        nonce = desk.store.create_bank_nonce(
            iban=text(account, "iban") or " ",
            account_holder_name=text(account, "accountHolderName"),
            mandate=mandate,
        )
    except InvalidCard as refused:
        return json_answer(rest_errors(refused, "sepaDebitAccount", "IBAN is invalid"), 422)
    described = {
        "nonce": nonce.nonce,
        "type": "SEPADebitAccount",
        "description": f"IBAN ending in {nonce.last_four}",
        "details": {"ibanLastFour": nonce.last_four, "mandateType": mandate},
    }
    return json_answer(described, 201)
