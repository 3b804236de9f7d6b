"""Reading what the Braintree SDK returns: its objects in, the heart's words out.

Statuses and response types are those of Braintree's reference (transaction statuses, authorization
and settlement responses). Nothing here calls the SDK.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from billing import money
from billing.gateway import NOT_A_CARD, Answer, DisputeNews, KeptMethod, Verdict
from models.states import DisputeState, PaymentState, Tender

_STATES = {
    "authorizing": PaymentState.STARTED,
    "authorized": PaymentState.AUTHORISED,
    "authorization_expired": PaymentState.VOIDED,
    "submitted_for_settlement": PaymentState.SUBMITTED,
    "settling": PaymentState.SUBMITTED,
    "settlement_confirmed": PaymentState.SUBMITTED,
    "settlement_pending": PaymentState.SUBMITTED,
    "settled": PaymentState.SETTLED,
    "settlement_declined": PaymentState.DECLINED,
    "settlement_failed": PaymentState.DECLINED,
    "processor_declined": PaymentState.DECLINED,
    "gateway_rejected": PaymentState.DECLINED,
    "failed": PaymentState.DECLINED,
    "voided": PaymentState.VOIDED,
}
# Whatever else it is called, a dispute is open until the bank has decided; one that nobody answered
# in time, or that was accepted, costs the money like a lost one.
_DISPUTE_STATES = {
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
    "accepted": DisputeState.LOST,
    "auto_accepted": DisputeState.LOST,
    "expired": DisputeState.LOST,
}
# A bank that only asks for papers has taken nothing, whatever becomes of its question.
_RETRIEVAL = "retrieval"
# What a transaction is paid with, and the attribute the SDK keeps the account under.
_DEBIT_DETAILS = {
    "sepa_debit_account": "sepa_direct_debit_account_details",
    "us_bank_account": "us_bank_account",
}
_DEBIT_TYPES = tuple(_DEBIT_DETAILS)


def read_transaction(transaction: Any, default_currency: str) -> Answer:
    """Return what a transaction object says; one without a currency is in ``default_currency``."""
    debit = transaction.payment_instrument_type in _DEBIT_TYPES
    state = _STATES.get(transaction.status, PaymentState.STARTED)
    if debit and state is PaymentState.SUBMITTED and transaction.type == "sale":
        state = PaymentState.PENDING
    verdict = Verdict.DECLINED if state is PaymentState.DECLINED else Verdict.ACCEPTED
    code, message = _reason(transaction)
    expires = getattr(transaction, "authorization_expires_at", None)
    currency = transaction.currency_iso_code or default_currency
    return Answer(
        verdict,
        state,
        gateway_id=transaction.id,
        status=transaction.status,
        amount=money.from_decimal(Decimal(transaction.amount), currency),
        code=code,
        message=message,
        soft=_soft(transaction) if verdict is Verdict.DECLINED else None,
        tender=Tender.DIRECT_DEBIT if debit else Tender.CARD,
        instrument=_instrument(transaction),
        hold_expires_at=expires.replace(tzinfo=dt.UTC) if expires else None,
        reference=transaction.order_id or "",
    )


def read_refusal(result: Any) -> Answer:
    """Return why the request itself was refused, or the check of a card it began with."""
    failed = _failed_check(getattr(result, "credit_card_verification", None))
    if failed is not None:
        return failed
    errors = list(result.errors.deep_errors)
    return Answer(
        Verdict.INVALID,
        PaymentState.FAILED,
        code=str(errors[0].code) if errors else "",
        message=str(errors[0].message) if errors else str(result.message),
    )


def read_nonce(nonce: Any) -> Answer | None:
    """Return why what was typed can't be charged, or None for a card; None is an unknown nonce."""
    kind = getattr(nonce, "type", None)
    if kind == "CreditCard":
        return None
    # An unknown one is told as Braintree tells it of a sale.
    code, message = ("", NOT_A_CARD) if kind else ("91565", "Unknown or expired nonce")
    return Answer(Verdict.INVALID, PaymentState.FAILED, code=code, message=message)


def read_check(account: Any) -> Answer | None:
    """Return why a bank account did not pass its check, or None when it did."""
    if getattr(account, "verified", False):
        return None
    checks = getattr(account, "verifications", None) or [None]
    unchecked = Answer(Verdict.DECLINED, PaymentState.DECLINED)
    return _failed_check(checks[-1]) or unchecked


def read_dispute(dispute: Any, default_currency: str) -> DisputeNews | None:
    """Return what a dispute says; None for one without an id, which nothing can be done with.

    Whatever else is missing or odd in it is left out: the news itself must not get lost over it.
    """
    number = str(getattr(dispute, "id", "") or "")
    if not number:
        return None
    amount = getattr(dispute, "amount_disputed", None) or getattr(dispute, "amount", None)
    currency = getattr(dispute, "currency_iso_code", None) or default_currency
    reply_by = getattr(dispute, "reply_by_date", None)
    opened = getattr(dispute, "created_at", None)
    state = _DISPUTE_STATES.get(str(getattr(dispute, "status", "")), DisputeState.OPEN)
    retrieval = getattr(dispute, "kind", None) == _RETRIEVAL
    return DisputeNews(
        number,
        DisputeState.WON if retrieval and state is DisputeState.LOST else state,
        amount=_minor(amount, currency),
        reason=str(getattr(dispute, "reason", "") or ""),
        reply_by=reply_by if type(reply_by) is dt.date else None,
        opened_at=opened.replace(tzinfo=dt.UTC) if isinstance(opened, dt.datetime) else None,
        retrieval=retrieval,
    )


def read_disputes(found: Iterable[Any], default_currency: str) -> list[tuple[str, DisputeNews]]:
    """Return what disputes say, each once, by their ids; with the transaction each is about."""
    said = {}
    for dispute in found:
        news = read_dispute(dispute, default_currency)
        if news is not None:
            about = getattr(dispute, "transaction", None)
            said[news.gateway_id] = (str(getattr(about, "id", "") or ""), news)
    return [said[number] for number in sorted(said)]


def _minor(amount: Any, currency: str) -> int | None:
    try:
        return money.from_decimal(amount, currency) if isinstance(amount, Decimal) else None
    except ValueError:
        return None


def _failed_check(check: Any) -> Answer | None:
    """Return what a check of a card or account said, as a decline, or None without one."""
    if check is None:
        return None
    code = str(getattr(check, "processor_response_code", "") or "")
    rejection = getattr(check, "gateway_rejection_reason", None)
    text = str(getattr(check, "processor_response_text", "") or "")
    return Answer(
        Verdict.DECLINED,
        PaymentState.DECLINED,
        code="rejected" if rejection else code,
        message=f"Rejected by the gateway: {rejection}" if rejection else text,
    )


def read_method(customer_id: str, method: Any) -> KeptMethod:
    """Return a vaulted card or account; only its last digits are ever known here."""
    year, month = (
        getattr(method, "expiration_year", None),
        getattr(method, "expiration_month", None),
    )
    expires = None
    if year and month:
        # A card is good until the end of the month on it.
        expires = dt.date(int(year), int(month), calendar.monthrange(int(year), int(month))[1])
    is_card = hasattr(method, "card_type")
    return KeptMethod(
        customer_id=customer_id,
        token=method.token,
        tender=Tender.CARD if is_card else Tender.DIRECT_DEBIT,
        brand=method.card_type if is_card else "Bank account",
        last_four=str(getattr(method, "last_4", "") or ""),
        expires_on=expires,
        holder=str(
            getattr(method, "cardholder_name", "")
            or getattr(method, "account_holder_name", "")
            or ""
        )[:160],
        verified=bool(getattr(method, "verified", True)),
    )


def _reason(transaction: Any) -> tuple[str, str]:
    if transaction.status == "gateway_rejected":
        return "rejected", f"Rejected by the gateway: {transaction.gateway_rejection_reason}"
    if transaction.status in ("settlement_declined", "settlement_failed"):
        code = getattr(transaction, "processor_settlement_response_code", "") or ""
        text = getattr(transaction, "processor_settlement_response_text", "") or "Not settled"
        return code, text
    if transaction.status in ("processor_declined", "failed"):
        return transaction.processor_response_code or "", transaction.processor_response_text or ""
    return "", ""


def _soft(transaction: Any) -> bool | None:
    kind = getattr(transaction, "processor_response_type", None)
    return {"soft_declined": True, "hard_declined": False}.get(kind or "")


def _instrument(transaction: Any) -> str:
    kind = transaction.payment_instrument_type
    if kind in _DEBIT_TYPES:
        account = getattr(transaction, _DEBIT_DETAILS[kind], None)
        digits = getattr(account, "last_4", None)
        return f"account ending in {digits}" if digits else ""
    card = getattr(transaction, "credit_card_details", None)
    last_four = getattr(card, "last_4", None)
    return f"{card.card_type} ending in {last_four}" if card and last_four else ""
