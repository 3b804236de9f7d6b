"""What payments add to the generated panel: what was voided, what went back, what is not used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup
from sqlalchemy import String, and_, case, cast, func, not_, or_, select

from admin import shares
from admin.base import cells
from admin.base.access import holds
from admin.base.columns import Column, Derived
from admin.base.eye import Figure
from admin.base.scope import in_scope
from admin.base.view import RecordView
from admin.base.words import Words, words
from billing.refund_outcomes import DISPUTE
from billing.voids import is_void, voided_condition, was_voided
from models import Allocation, Invoice, Payment, db
from models.panel import Caption
from models.states import COLLECTED_PAYMENT_STATES, AllocationState, PaymentKind, PaymentState

# Buttons for receipts on a payment's page; one check can pay hundreds of invoices.
RECEIPTS = 25

VOIDED = Derived(
    sql=lambda _words: voided_condition(),
    of=lambda payment, _words: was_voided(payment),
)


def _state(values: Sequence[Any], _words: Words, full: bool) -> Markup:
    state, voided = values
    if not voided:
        return cells.badge(state)
    return cells.toned("quiet", "Voided, never charged" if full else "Voided")


class PaymentView(RecordView):
    """Payments, with what no invoice has used of them."""

    record = Payment
    strip = "Where it went"
    empty = "They appear here as soon as customers pay."
    labels = {"unapplied": Caption("Not applied", "money")}

    def state_shown(self) -> Any:
        voided = PaymentState.VOIDED.value
        return case((voided_condition(), voided), else_=cast(Payment.state, String))

    def in_state(self, state: str) -> Any:
        """A charge that was called off counts as what its badge says, not as on its way."""
        kept = super().in_state(state)
        if state == PaymentState.SUBMITTED:
            return and_(kept, not_(voided_condition()))
        return or_(kept, voided_condition()) if state == PaymentState.VOIDED else kept

    def column(self, name: str) -> Column:
        column = super().column(name)
        if name != "state":
            return column
        return replace(column, sources=("state", VOIDED), render=_state, plain=_plain)

    def within(self, name: str, columns: list[Column]) -> list[Column]:
        return shares.in_words(columns) if name == "allocations" else columns

    def figures(self, record: Any, words: Words) -> list[Figure]:
        """Where it went: of money that came in, for nothing else went anywhere."""
        came = record.kind is PaymentKind.CHARGE and record.collected_at is not None
        if not came:
            return []
        *others, unapplied = super().figures(record, words)
        return [*others, unapplied] if record.state in COLLECTED_PAYMENT_STATES else others


def _plain(values: Sequence[Any], words: Words) -> Any:
    state, voided = values
    return "Voided" if voided else cells.plain("state", state, words)


@dataclass(frozen=True)
class WentBack:
    """One refund of a payment, as the payment's page tells it."""

    refund: Payment
    sentence: str
    reason: str


def went_back(payment: Payment) -> list[WentBack]:
    """Return the refunds of ``payment`` in order; what a lost dispute took tells its own story."""
    rows = select(Payment).where(
        Payment.refund_of_id == payment.id, Payment.returns_to != DISPUTE, *in_scope(Payment)
    )
    found = db.session.scalars(rows.order_by(Payment.id))
    return [WentBack(each, refund_words(each), each.note) for each in found]


def receipts_of(payment: Payment) -> tuple[list[Invoice], int]:
    """Return the first invoices that money of ``payment`` reached, and how many more there are.

    Each has a receipt of it; none for somebody who may not see invoices.
    """
    if payment.kind is not PaymentKind.CHARGE or not holds("invoices.view"):
        return [], 0
    reached = select(Allocation.invoice_id).where(
        Allocation.payment_id == payment.id,
        Allocation.state.in_((AllocationState.APPLIED, AllocationState.REVERSED)),
        Allocation.amount > 0,
    )
    rows = select(Invoice, func.count().over()).where(Invoice.id.in_(reached), *in_scope(Invoice))
    found = db.session.execute(rows.order_by(Invoice.id).limit(RECEIPTS)).all()
    return [row[0] for row in found], found[0][1] - len(found) if found else 0


def refund_words(refund: Payment) -> str:
    """Return how a refund stands, in a sentence."""
    spoken = words()
    amount = spoken.money(refund.amount)
    day = spoken.day(spoken.local(refund.collected_at or refund.started_at).date())
    if refund.state is PaymentState.STARTED:
        return f"The gateway has not answered yet whether {amount} was paid back."
    if is_void(refund):
        return f"Voided on {day}, before it settled: the customer was never charged."
    if refund.state is PaymentState.SUBMITTED:
        return f"{amount} is being paid back since {day}."
    if refund.state is PaymentState.SETTLED:
        return f"{amount} was paid back on {day}."
    if refund.collected_at is not None:
        return f"{amount} could not be paid back after all; it is this user's credit again."
    return f"Paying {amount} back came to nothing on {day}."
