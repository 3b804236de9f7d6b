"""The server SDK's endpoints for customers, payment methods and nonces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, request

from sandbox import (
    answers,
    api,
    banks,
    calls,
    fake_nonces,
    instruments,
    nonces,
    vault,
    verifications,
    wire,
)
from sandbox import vault_views as views
from sandbox.nonces import Instrument
from sandbox.refusals import Refused, refusal
from sandbox.sales import typed_card
from sandbox.verifications import VerificationFailed
from sandbox.work import Desk, Work

KINDS = ("any", fake_nonces.CARD, banks.SEPA, banks.US_BANK, fake_nonces.PAYPAL)


def create_blueprint(desk: Desk) -> Blueprint:
    """Everything the SDK calls about who pays and with what, behind the merchant's keys."""
    blueprint = Blueprint("api_vault", __name__, url_prefix=desk.options.merchant_path)
    api.guard(blueprint, desk.options)

    def add(rule: str, name: str, handlers: dict[str, Callable[..., Response]]) -> None:
        operation = name.split(":")[0]

        def view(**values: str) -> Response:
            handler = handlers[request.method]
            return calls.with_faults(
                desk, operation, None, lambda: _guarded(lambda: handler(desk, **values))
            )

        blueprint.add_url_rule(rule, name, view, methods=list(handlers))

    add("/customers", "customer:all", {"POST": _create_customer})
    one_customer = {"GET": _find_customer, "PUT": _update_customer, "DELETE": _delete_customer}
    add("/customers/<customer_id>", "customer:one", one_customer)
    add("/payment_methods", "payment_method:all", {"POST": _create_method})
    one_method = {"GET": _find_method, "PUT": _update_method, "DELETE": _delete_method}
    add(
        f"/payment_methods/<any({', '.join(KINDS)}):kind>/<token>", "payment_method:one", one_method
    )
    add("/payment_methods/<token>/nonces", "nonce:create", {"POST": _create_nonce})
    add("/payment_method_nonces/<nonce>", "nonce:find", {"GET": _find_nonce})
    add(
        "/us_bank_account_verifications/<verification_id>/confirm_micro_transfer_amounts",
        "payment_method:confirm",
        {"PUT": _confirm_micro_transfers},
    )
    return blueprint


def _guarded(handler: Callable[[], Response]) -> Response:
    try:
        return handler()
    except Refused as error:
        return answers.refused(error)
    except VerificationFailed as error:
        return views.verification_failed(error)
    except (vault.NotFound, nonces.NonceUnknown):
        abort(404)


def _create_customer(desk: Desk) -> Response:
    params = api.body("customer")
    with desk.writing() as work:
        customer_id = vault.create_customer(work, params)
        _add_given_method(work, customer_id, params)
        return answers.document("customer", views.customer(work, customer_id), 201)


def _find_customer(desk: Desk, customer_id: str) -> Response:
    with desk.reading() as work:
        return answers.document("customer", views.customer(work, customer_id))


def _update_customer(desk: Desk, customer_id: str) -> Response:
    params = api.body("customer")
    with desk.writing() as work:
        vault.update_customer(work, customer_id, params)
        _add_given_method(work, customer_id, params)
        default = params.get("default_payment_method_token")
        if default:
            vault.method_row(work, str(default))
            vault.make_default(work, customer_id, str(default))
        return answers.document("customer", views.customer(work, customer_id))


def _delete_customer(desk: Desk, customer_id: str) -> Response:
    with desk.writing() as work:
        vault.delete_customer(work, customer_id)
    return Response(status=200)


def _add_given_method(work: Work, customer_id: str, params: dict[str, Any]) -> None:
    card = dict(params.get("credit_card") or {})
    nonce = params.get("payment_method_nonce") or card.get("payment_method_nonce")
    if nonce:
        _vault_nonce(work, customer_id, str(nonce), card, ("91731", "91732", "customer"))
    elif card.get("number"):
        vault.add_method(work, customer_id, typed_card(card, {}, "customer"), card)


def _vault_nonce(
    work: Work, customer_id: str, nonce: str, params: dict[str, Any], codes: tuple[str, ...]
) -> str:
    instrument = vault.resolve_nonce(work, nonce, *codes)
    if instrument.token is not None:
        return instrument.token
    token = vault.add_method(work, customer_id, instrument, params)
    nonces.consume(work.db, nonce)
    return token


def _create_method(desk: Desk) -> Response:
    document = wire.parse(request.get_data())
    root = "credit_card" if "credit_card" in document else "payment_method"
    params = api.body(root)
    customer_id = str(params.get("customer_id") or "")
    nonce = str(params.get("payment_method_nonce") or "")
    with desk.writing() as work:
        if not customer_id:
            raise refusal("93104", "payment_method")
        if vault.customer_row(work, customer_id) is None:
            raise refusal("93105", "payment_method")
        if nonce:
            codes = ("93107", "93108", "payment_method")
            token = _vault_nonce(work, customer_id, nonce, params, codes)
        elif root == "credit_card":
            token = vault.add_method(work, customer_id, typed_card(params, {}, root), params)
        else:
            raise refusal("93103", "payment_method")
        return _method_document(work, token, 201)


def _method_document(work: Work, token: str, status: int = 200) -> Response:
    row = vault.method_row(work, token)
    return answers.document(row["kind"], views.method(work, row), status)


def _of_kind(work: Work, kind: str, token: str) -> None:
    if kind not in ("any", vault.method_row(work, token)["kind"]):
        raise vault.NotFound(token)


def _find_method(desk: Desk, kind: str, token: str) -> Response:
    with desk.reading() as work:
        _of_kind(work, kind, token)
        return _method_document(work, token)


def _update_method(desk: Desk, kind: str, token: str) -> Response:
    params = api.body("payment_method") or api.body("credit_card")
    with desk.writing() as work:
        _of_kind(work, kind, token)
        return _method_document(work, vault.update_method(work, token, params))


def _delete_method(desk: Desk, kind: str, token: str) -> Response:
    with desk.writing() as work:
        _of_kind(work, kind, token)
        vault.delete_method(work, token)
    return Response(status=200)


def _create_nonce(desk: Desk, token: str) -> Response:
    with desk.writing() as work:
        instrument = vault.instrument_of(vault.method_row(work, token))
        created = nonces.create(work.db, instrument)
        return _nonce_document(work, created.nonce, instrument, consumed=False, status=201)


def _find_nonce(desk: Desk, nonce: str) -> Response:
    with desk.reading() as work:
        instrument, consumed = nonces.look_up(work.db, nonce)
        return _nonce_document(work, nonce, instrument, consumed=consumed)


def _nonce_document(
    work: Work, nonce: str, instrument: Instrument, *, consumed: bool, status: int = 200
) -> Response:
    content = views.nonce(nonce, instrument, consumed=consumed)
    return answers.document("payment_method_nonce", content, status)


def _confirm_micro_transfers(desk: Desk, verification_id: str) -> Response:
    params = api.body("us_bank_account_verification")
    with desk.writing() as work:
        given = [int(amount) for amount in params.get("deposit_amounts") or []]
        entry = verifications.confirm_deposits(work, verification_id, given) or abort(404)
        content = instruments.verification(entry)
        return answers.document("us_bank_account_verification", content)
