"""What payments have to do with invoices, in the words of both Eye pages' tables.

A share's own state says what it means to the ledger; what people read follows the payment behind
it, which may still be on its way, or have arrived, after the invoice had given it up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import select

from admin.base import cells
from admin.base.columns import Column, Derived
from admin.base.words import Words
from billing.refund_outcomes import DISPUTE
from billing.voids import STATUS
from models import Allocation, Payment, db
from models.states import COLLECTED_PAYMENT_STATES, LIVE_PAYMENT_STATES, AllocationState


def in_words(columns: list[Column]) -> list[Column]:
    """Return the columns of a table of shares with the words people read there."""
    own = {"payment": _payment_column, "state": _state_column}
    return [own[each.name](each) if each.name in own else each for each in columns]


def _of_refund(name: str) -> Derived:
    """Return an attribute of the refund that took a share back, None for any other share."""
    value = getattr(Payment, name)

    def sql(_words: Words) -> Any:
        return select(value).where(Payment.id == Allocation.refund_id).scalar_subquery()

    def of(share: Any, _words: Words) -> Any:
        found = db.session.get(Payment, share.refund_id) if share.refund_id else None
        return getattr(found, name) if found is not None else None

    return Derived(sql=sql, of=of)


_RETURNS_TO = _of_refund("returns_to")


def _payment_column(column: Column) -> Column:
    sources = (*column.sources, "refund_id", _RETURNS_TO)
    return replace(column, sources=sources, render=_payment)


def _payment(values: Sequence[Any], words: Words, _full: bool) -> Any:
    payment_id, _title, refund_id, returns_to = values
    text = f"Payment #{payment_id}"
    if refund_id is not None:
        what = "Lost dispute over" if returns_to == DISPUTE else "Refund of"
        text = f"{what} payment #{payment_id}"
    address = words.eye("payment", refund_id or payment_id)
    return escape(text) if address is None else cells.link(address, text)


def _state_column(column: Column) -> Column:
    sources = (
        "state",
        "payment.state",
        "payment.gateway_status",
        _of_refund("state"),
        _RETURNS_TO,
        _of_refund("gateway_status"),
    )
    return replace(column, sources=sources, render=_state)


def _state(values: Sequence[Any], _words: Words, _full: bool) -> Markup:
    state, payment, status, refund, returns_to, refund_status = values
    if refund is not None:
        return _taken_back(state, refund, returns_to, refund_status)
    if state == AllocationState.RELEASED:
        return _given_up(payment)
    if state == AllocationState.APPLIED and status == STATUS:
        return cells.toned("quiet", "Voided, never charged")
    return cells.badge(state)


def _taken_back(state: Any, refund: Any, returns_to: str, status: str) -> Markup:
    if state != AllocationState.APPLIED:
        return cells.badge(state)
    if returns_to == DISPUTE:
        return cells.toned("bad", "Taken back")
    if refund not in COLLECTED_PAYMENT_STATES:
        return cells.toned("wait", "Came back as credit")
    return cells.toned("quiet", "Voided" if status == STATUS else "Refunded")


def _given_up(payment: Any) -> Markup:
    """Return what became of a payment this invoice no longer waits for."""
    if payment in LIVE_PAYMENT_STATES:
        return cells.toned("wait", "Given up, still on its way")
    if payment in COLLECTED_PAYMENT_STATES:
        return cells.toned("good", "Arrived as credit")
    return cells.badge(AllocationState.RELEASED)
