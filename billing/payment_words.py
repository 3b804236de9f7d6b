"""A payment in the words of the history."""

from __future__ import annotations

from models import Payment
from models.states import Tender


def by(payment: Payment) -> str:
    """Return with what it was paid, with a space before it: " by card (Visa ending in 1111)"."""
    words = {
        Tender.CARD: "by card",
        Tender.DIRECT_DEBIT: "by direct debit",
        Tender.CHECK: "by check",
        Tender.CASH: "in cash",
        Tender.OTHER: "by other means",
    }[payment.tender]
    return f" {words} ({payment.instrument})" if payment.instrument else f" {words}"


def reason_of(payment: Payment) -> str:
    """Return why it came to nothing: code, the bank's words, and whether it may work later."""
    if not payment.message:
        return ""
    kind = {True: " (may work later)", False: " (will not work again)", None: ""}[payment.soft]
    return f"{payment.code} {payment.message}".strip() + kind
