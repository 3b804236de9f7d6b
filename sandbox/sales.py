"""Sales, authorisations and credits: from a request to a decided transaction."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from sandbox import amounts, banks, cards, lifecycle, nonces, outcomes, render, transactions, vault
from sandbox.nonces import Instrument
from sandbox.outcomes import Outcome
from sandbox.refusals import Fault, Refused, refusal
from sandbox.transactions import Transaction
from sandbox.work import Work

SOURCES = (
    "", "moto", "recurring", "recurring_first", "unscheduled", "estimated", "installment",
    "installment_first",
)  # fmt: skip
SUCCEEDED = (
    "authorized", "submitted_for_settlement", "settling", "settlement_pending", "settled", "voided",
)  # fmt: skip
_ECHOED = (
    "channel", "purchase_order_number", "descriptor", "custom_fields", "tax_amount",
    "discount_amount", "shipping_amount", "tax_exempt",
)  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """A sale that broke no rule and has not happened yet. `amount` is in hundredths."""

    params: dict[str, Any]
    amount: int
    instrument: Instrument
    customer_id: str | None
    currency: str

    @property
    def options(self) -> dict[str, Any]:
        """The request's options."""
        return self.params.get("options") or {}

    @property
    def submits(self) -> bool:
        """Whether the money is to be moved at once, rather than only held."""
        return self.params["type"] == "credit" or bool(self.options.get("submit_for_settlement"))

    @property
    def fingerprint(self) -> str:
        """What the duplicate check takes for "the same card": number and expiry."""
        data = self.instrument.data
        identity = data.get("unique_number_identifier") or data.get("email") or "wallet"
        return f"{identity}:{data.get('expiration_month')}/{data.get('expiration_year')}"


def prepare(work: Work, params: dict[str, Any]) -> Draft:
    """Check a request without changing anything.

    Raises Refused: 815xx amount, 91501 order id over 255 characters, 91513 merchant account,
    91523 type, 915133 source, 91564/91565 nonce, 91508/91518 no or wrong payment method,
    91510/91511/91516 customer, 915104/915171/915172 bank account.
    """
    if params.get("type") not in ("sale", "credit"):
        raise refusal("91523")
    amount = amounts.parse(params.get("amount"))
    if len(str(params.get("order_id") or "")) > 255:
        raise refusal("91501")
    if str(params.get("transaction_source") or "") not in SOURCES:
        raise refusal("915133")
    currency = _currency(work, str(params.get("merchant_account_id") or ""))
    instrument, customer_id = _instrument(work, params)
    draft = Draft(params, amount, instrument, customer_id, currency)
    _check_bank_debit(draft)
    return draft


def _currency(work: Work, account: str) -> str:
    if not account:
        return str(work.settings["currency"])
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", account):
        raise refusal("91513")
    suffix = re.fullmatch(r"(?:.*[_-])?([A-Z]{3}|[a-z]{3})", account)
    if suffix and account != work.options.merchant_id:
        return suffix[1].upper()
    return str(work.settings["currency"])


def _instrument(work: Work, params: dict[str, Any]) -> tuple[Instrument, str | None]:
    customer_id = str(params["customer_id"]) if params.get("customer_id") else None
    if customer_id and vault.customer_row(work, customer_id) is None:
        raise refusal("91510")
    if params.get("payment_method_nonce"):
        nonce = str(params["payment_method_nonce"])
        instrument = vault.resolve_nonce(work, nonce, "91564", "91565", "transaction")
        return _from_token(work, instrument.token, customer_id, instrument)
    card = params.get("credit_card") or {}
    token = params.get("payment_method_token") or card.get("token")
    if token:
        return _from_token(work, str(token), customer_id, None)
    if card.get("number"):
        return typed_card(card, params.get("billing") or {}, "transaction"), customer_id
    if not customer_id:
        raise refusal("91508")
    methods = vault.methods_of(work, customer_id)
    if not methods:
        raise refusal("91511")
    return vault.instrument_of(methods[0]), customer_id


def _from_token(
    work: Work, token: str | None, customer_id: str | None, fresh: Instrument | None
) -> tuple[Instrument, str | None]:
    if token is None and fresh is not None:
        return fresh, customer_id
    try:
        row = vault.method_row(work, str(token))
    except vault.NotFound as error:
        raise refusal("91518") from error
    if customer_id not in (None, row["customer_id"]):
        raise refusal("91516")
    return vault.instrument_of(row), row["customer_id"]


def typed_card(card: dict[str, Any], billing: dict[str, Any], *path: str) -> Instrument:
    """A card sent by number, as only merchants with their own card forms do. Raises Refused."""
    month, _, year = str(card.get("expiration_date") or "/").partition("/")
    try:
        details = cards.check_card(
            str(card["number"]),
            str(card.get("expiration_month") or month),
            str(card.get("expiration_year") or year),
            card.get("cvv") or None,
            billing.get("postal_code") or None,
            card.get("cardholder_name") or None,
        )
    except cards.InvalidCard as error:
        where = path if path == ("credit_card",) else (*path, "credit_card")
        raise Refused(Fault(where, *each) for each in error.errors) from error
    return Instrument("credit_card", vars(details).copy())


def _check_bank_debit(draft: Draft) -> None:
    if draft.instrument.kind not in (banks.SEPA, banks.US_BANK):
        return
    if not draft.submits:
        raise refusal("915104")
    if draft.instrument.kind == banks.US_BANK:
        if draft.instrument.token is None:
            raise refusal("915171")
        if not draft.instrument.data.get("verified"):
            raise refusal("915172")


def is_duplicate(work: Work, draft: Draft) -> bool:
    """Whether the same sale succeeded within the window (it may be voided since).

    It can only see what is stored, so two requests in flight at once do not see each other.
    """
    if not work.settings["duplicate_checking"] or draft.params["type"] != "sale":
        return False
    row = work.db.execute(
        "SELECT 1 FROM transactions WHERE fingerprint = ? AND created_at >= ? AND type = 'sale' "
        "AND amount = ? AND order_id IS ? AND status IN (SELECT value FROM json_each(?)) LIMIT 1",
        (
            draft.fingerprint,
            work.now - work.settings["duplicate_window_seconds"],
            draft.amount,
            draft.params.get("order_id") or None,
            json.dumps(SUCCEEDED),
        ),
    ).fetchone()
    return row is not None


def create(work: Work, draft: Draft, *, duplicate: bool) -> Transaction:
    """Make the sale happen: decide it, store it, use the nonce up, vault what is asked for."""
    billing = dict(draft.params.get("billing") or {})
    data = draft.instrument.data
    address_checks = outcomes.avs(
        str(billing.get("street_address") or ""),
        str(billing.get("postal_code") or data.get("postal_code") or ""),
    )
    outcome = outcomes.decide(
        work,
        data | address_checks,
        draft.amount,
        duplicate=duplicate,
        partial_accepted=bool(draft.params.get("accept_partial_authorization")),
    )
    if draft.params.get("payment_method_nonce"):
        nonces.consume(work.db, str(draft.params["payment_method_nonce"]))
    draft = _vault(work, draft, approved=not outcome.status)
    transaction = _row(work, draft, outcome, address_checks, billing)
    transactions.insert(work, transaction)
    _begin(work, transaction, draft, outcome)
    return transaction


def _begin(work: Work, transaction: Transaction, draft: Draft, outcome: Outcome) -> None:
    if outcome.status:
        lifecycle.move(work, transaction, outcome.status)
    elif transaction.is_bank_debit:
        lifecycle.move(work, transaction, "settlement_pending")
    else:
        lifecycle.move(work, transaction, "authorized")
        if draft.submits:
            lifecycle.move(work, transaction, "submitted_for_settlement")


def _vault(work: Work, draft: Draft, *, approved: bool) -> Draft:
    wanted = draft.options.get("store_in_vault") or (
        approved and draft.options.get("store_in_vault_on_success")
    )
    if not wanted or draft.instrument.token:
        return draft
    customer_id = draft.customer_id or vault.create_customer(
        work, dict(draft.params.get("customer") or {})
    )
    card = draft.params.get("credit_card") or {}
    token = vault.add_method(
        work,
        customer_id,
        draft.instrument,
        {
            "cardholder_name": card.get("cardholder_name"),
            "billing_address": draft.params.get("billing"),
        },
    )
    return replace(
        draft, customer_id=customer_id, instrument=replace(draft.instrument, token=token)
    )


def _row(
    work: Work,
    draft: Draft,
    outcome: Outcome,
    address_checks: dict[str, str],
    billing: dict[str, Any],
) -> Transaction:
    params, instrument = draft.params, dict(draft.instrument.data)
    cardholder = (params.get("credit_card") or {}).get("cardholder_name")
    if cardholder:
        instrument["cardholder_name"] = cardholder
    is_card = draft.instrument.kind == "credit_card"
    data = {name: params.get(name) or None for name in _ECHOED} | {
        "instrument": instrument,
        "billing": billing or {"postal_code": instrument.get("postal_code") or None},
        "shipping": dict(params.get("shipping") or {}),
        "customer": _customer(work, draft),
        "transaction_source": params.get("transaction_source") or None,
        "recurring": str(params.get("transaction_source") or "").startswith("recurring"),
        "merchant_account_id": params.get("merchant_account_id") or work.options.merchant_id,
        "gateway_rejection_reason": outcome.rejection or None,
        "processor_authorization_code": nonces.new_id(6).upper() if not outcome.status else None,
        "cvv_response_code": instrument.get("cvv_response_code", "I") if is_card else None,
        "network_transaction_id": nonces.new_id(15) if is_card else None,
        **(address_checks if is_card else {}),
        **render.processor_answer(outcome.code),
    }
    return Transaction(
        type=params["type"],
        status="authorizing",
        amount=outcome.amount,
        currency=draft.currency,
        order_id=params.get("order_id") or None,
        customer_id=draft.customer_id,
        payment_method_token=draft.instrument.token,
        kind=draft.instrument.kind,
        fingerprint=draft.fingerprint,
        created_at=work.now,
        updated_at=work.now,
        data=data,
    )


def _customer(work: Work, draft: Draft) -> dict[str, Any]:
    given = dict(draft.params.get("customer") or {})
    row = vault.customer_row(work, draft.customer_id) if draft.customer_id else None
    return (vault.customer_data(row) if row else {}) | given


def message(transaction: Transaction) -> str:
    """Why a refused transaction was refused, as the error response says it."""
    reason = transaction.data.get("gateway_rejection_reason")
    if reason:
        return f"Gateway Rejected: {reason}"
    return str(transaction.data.get("processor_response_text") or "")
