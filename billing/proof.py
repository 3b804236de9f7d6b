"""``make verify``: prove every balance, state and flag anew, from nothing but the rows beneath.

Each check is one set-based statement that returns what contradicts it, so an empty result is the
proof. The gateway is asked only about payments whose money should be there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from billing import runtime
from billing.database import reading
from billing.errors import GatewayError
from billing.refund_outcomes import DISPUTE
from billing.transitions import EDGES
from models import (
    Allocation,
    Application,
    ApplicationFee,
    Credit,
    Dispute,
    History,
    Invoice,
    Payment,
    User,
)
from models.states import (
    COLLECTED_PAYMENT_STATES,
    LIVE_PAYMENT_STATES,
    OWED_INVOICE_STATES,
    AllocationState,
    BillingMethod,
    DisputeState,
    InvoiceState,
    PaymentState,
    Tender,
)

SHOWN = 20
FEES_CHANGED = "change_fees"


@dataclass(frozen=True)
class Fault:
    """One contradiction: which rule, and the records that break it (the first twenty)."""

    rule: str
    records: list[int]


def verify(*, ask_gateway: bool = True) -> list[Fault]:
    """Return every contradiction found; an empty list is the proof that there is none."""
    with reading() as session:
        faults = [
            Fault(rule, ids) for rule, ids in ((r, _ids(session, s)) for r, s in _rules()) if ids
        ]
        faults += list(_state_faults(session))
        asked = _asked(session) if ask_gateway else []
    faults += list(_gateway_faults(asked))
    return faults


def _ids(session: Session, statement: Select[Any]) -> list[int]:
    return list(session.scalars(statement.limit(SHOWN)))


def _rules() -> Iterator[tuple[str, Select[Any]]]:
    applied = (
        select(func.coalesce(func.sum(Allocation.amount), 0))
        .where(Allocation.state == AllocationState.APPLIED)
        .correlate(Invoice, Payment)
    )
    credited = select(func.coalesce(func.sum(Credit.amount), 0)).where(
        Credit.invoice_id == Invoice.id
    )
    yield (
        "an invoice's paid amount is the sum of its applied allocations",
        select(Invoice.id).where(
            Invoice.allocated
            != applied.where(Allocation.invoice_id == Invoice.id).scalar_subquery()
        ),
    )
    yield (
        "an invoice's credited amount is the sum of its credits",
        select(Invoice.id).where(Invoice.credited != credited.scalar_subquery()),
    )
    yield (
        "a payment's applied amount is the sum of its allocations",
        select(Payment.id).where(
            Payment.allocated
            != applied.where(Allocation.payment_id == Payment.id).scalar_subquery()
        ),
    )
    refund = aliased(Payment)
    refunds = select(func.coalesce(func.sum(refund.amount), 0)).where(
        refund.refund_of_id == Payment.id, refund.state.in_(COLLECTED_PAYMENT_STATES)
    )
    yield (
        "a payment's refunded amount is the sum of its refunds",
        select(Payment.id).where(Payment.refunded != refunds.scalar_subquery()),
    )
    yield _lost_in_disputes()
    yield (
        "money on invoices comes from collected payments only",
        select(Allocation.id)
        .join(Payment, Payment.id == Allocation.payment_id)
        .where(
            Allocation.state == AllocationState.APPLIED,
            Payment.state.not_in(COLLECTED_PAYMENT_STATES),
        ),
    )
    yield (
        "only a live attempt claims an invoice",
        select(Allocation.id)
        .join(Payment, Payment.id == Allocation.payment_id)
        .where(
            Allocation.state == AllocationState.CLAIMED,
            Payment.state.not_in(LIVE_PAYMENT_STATES),
        ),
    )
    yield from _invoice_rules()


def _lost_in_disputes() -> tuple[str, Select[Any]]:
    """Parts of a payment that disputes took; a whole one is returned and has no parts."""
    part = aliased(Payment)
    taken = select(func.coalesce(func.sum(part.amount), 0)).where(
        part.refund_of_id == Payment.id,
        part.returns_to == DISPUTE,
        part.state.in_(COLLECTED_PAYMENT_STATES),
    )
    lost = select(func.coalesce(func.sum(Dispute.amount), 0)).where(
        Dispute.payment_id == Payment.id, Dispute.state == DisputeState.LOST
    )
    return (
        "disputes take no more of a payment than the lost ones were over",
        select(Payment.id).where(
            Payment.refunded > 0, taken.scalar_subquery() > lost.scalar_subquery()
        ),
    )


def _invoice_rules() -> Iterator[tuple[str, Select[Any]]]:
    claimed = exists().where(
        Allocation.invoice_id == Invoice.id, Allocation.state == AllocationState.CLAIMED
    )
    yield (
        "a pending invoice has a live attempt",
        select(Invoice.id).where(Invoice.state == InvoiceState.PENDING, ~claimed),
    )
    yield (
        "a paid invoice has no balance, an open one has some",
        select(Invoice.id).where(
            or_(
                and_(Invoice.state == InvoiceState.PAID, Invoice.balance != 0),
                and_(
                    Invoice.state.in_((InvoiceState.SENT, InvoiceState.FAILED)),
                    Invoice.balance <= 0,
                ),
            )
        ),
    )
    yield (
        "what is charged again by itself is owed, and its user may be charged",
        select(Invoice.id)
        .join(User, User.id == Invoice.user_id)
        .where(
            Invoice.retry_on.is_not(None),
            or_(
                Invoice.state.not_in(OWED_INVOICE_STATES),
                User.billing_method == BillingMethod.INVOICE,
            ),
        ),
    )
    issued = select(func.count(Invoice.number)).scalar_subquery()
    highest = select(func.coalesce(func.max(Invoice.number), 0)).scalar_subquery()
    yield (
        "invoice numbers have no gap",
        select(Invoice.id).where(Invoice.number == highest, issued != highest),
    )
    fell = exists().where(
        History.record == "application",
        History.record_id == Application.id,
        History.verb == FEES_CHANGED,
    )
    yield (
        "an application's invoices are not more than its fees, unless these fell",
        select(Application.id).where(Application.invoiced > Application.fees_total, ~fell),
    )
    fees = select(func.coalesce(func.sum(ApplicationFee.amount), 0)).where(
        ApplicationFee.application_id == Application.id
    )
    yield (
        "an application's total is the sum of its fees",
        select(Application.id).where(Application.fees_total != fees.scalar_subquery()),
    )


def _state_faults(session: Session) -> Iterator[Fault]:
    """The last state change in the history must lead to the state the record is in."""
    for model in EDGES:
        name = model.__name__.lower()
        last = (
            select(History.to_state)
            .where(
                History.record == name,
                History.record_id == model.id,
                History.to_state.is_not(None),
                History.verb != "overdue",
            )
            .order_by(History.id.desc())
            .limit(1)
            .correlate(model)
            .scalar_subquery()
        )
        ids = _ids(session, select(model.id).where(last.is_distinct_from(model.state)))
        if ids:
            yield Fault(f"the history leads to each {name}'s state", ids)


def _asked(session: Session) -> list[Payment]:
    statement = select(Payment).where(
        Payment.tender.in_((Tender.CARD, Tender.DIRECT_DEBIT)), Payment.gateway_id.is_not(None)
    )
    return list(session.scalars(statement.order_by(Payment.id.desc()).limit(1000)))


def _gateway_faults(payments: list[Payment]) -> Iterator[Fault]:
    missing, different = [], []
    for payment in payments:
        try:
            answer = runtime.current().gateway.find(payment.gateway_id or "")
        except GatewayError:
            yield Fault(
                "the gateway can be asked: it does not answer, so only our side is proved", []
            )
            return
        if answer is None:
            missing.append(payment.id)
        elif answer.amount != payment.amount or not _agree(payment, answer.state):
            different.append(payment.id)
    if missing:
        yield Fault("the gateway knows each payment", missing[:SHOWN])
    if different:
        yield Fault("the gateway agrees about amount and money", different[:SHOWN])


def _agree(payment: Payment, theirs: PaymentState) -> bool:
    """Whether both sides think the same about where the money is; settling takes time."""
    if payment.state is PaymentState.RETURNED or payment.refunded == payment.amount:
        return True
    return (payment.state in COLLECTED_PAYMENT_STATES) == (theirs in COLLECTED_PAYMENT_STATES)
