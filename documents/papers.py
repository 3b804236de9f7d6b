"""What an invoice or a receipt says, read from the records once and then only drawn.

The words come from the frozen content of what was sent; what was paid and what is left come live
from the ledger, so a paper printed today tells today's truth about yesterday's invoice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from billing.errors import NotFound
from billing.invoicing import content_of
from billing.links import invoice_url
from billing.office import get_settings
from billing.refund_outcomes import DISPUTE
from billing.voids import is_void
from models import Allocation, Credit, History, Invoice, Payment
from models.states import (
    COLLECTED_PAYMENT_STATES,
    AllocationState,
    InvoiceState,
    PaymentKind,
    Tender,
)

# An attempt that came to nothing leaves its allocation released: no paper is ever made for it.
_RECEIVED = (AllocationState.APPLIED, AllocationState.REVERSED)
_TAKEN_BACK_WORDS = {
    "refunded": "Refunded",
    "voided": "Voided, never charged",
    "returned": "Returned by the bank",
}
# The moves of a payment that take back what it had paid.
_TAKEN_BACK = ("return", "undo", "reverse")
_METHODS = {
    Tender.CARD: "Card",
    Tender.DIRECT_DEBIT: "Direct debit",
    Tender.CHECK: "Check",
    Tender.CASH: "Cash",
    Tender.OTHER: "Other",
}


@dataclass(frozen=True)
class TakenBack:
    """Money of a payment that left the invoice.

    kind -- ``refunded``, ``voided`` before anything was charged, or ``returned`` by the bank
    """

    kind: str
    amount: int
    on: date | None

    @property
    def words(self) -> str:
        """What became of the money, for people."""
        return _TAKEN_BACK_WORDS[self.kind]


@dataclass(frozen=True)
class PaidLine:
    """One payment's part in one invoice; amounts in minor units, days are the office's."""

    payment_id: int
    on: date
    method: str
    reference: str
    received: int
    taken_back: tuple[TakenBack, ...] = ()

    @property
    def kept(self) -> int:
        """What of it still counts."""
        return self.received - sum(part.amount for part in self.taken_back)


@dataclass(frozen=True)
class CreditLine:
    """A part of the invoice that need not be paid."""

    on: date
    amount: int


@dataclass(frozen=True)
class InvoicePaper:
    """An invoice as it is printed. ``pay_url`` is empty where nothing can be paid."""

    content: Mapping[str, Any]
    state: InvoiceState
    balance: int
    payments: tuple[PaidLine, ...] = ()
    credits: tuple[CreditLine, ...] = ()
    pay_url: str = ""

    @property
    def title(self) -> str:
        number = self.content.get("number")
        return f"Invoice #{number}" if number else "Draft invoice"


@dataclass(frozen=True)
class ReceiptPaper:
    """A receipt for one payment's part in one invoice.

    surplus -- minor units of the payment that no invoice uses: the user's credit
    """

    content: Mapping[str, Any]
    line: PaidLine
    balance: int
    surplus: int = 0

    @property
    def title(self) -> str:
        kind = "Corrected receipt" if self.line.taken_back else "Receipt"
        return f"{kind} for invoice #{self.content.get('number')}"


def invoice_paper(session: Session, invoice: Invoice) -> InvoicePaper:
    """Read what the invoice's page and its PDF show."""
    zone = _zone(session)
    payable = invoice.state in (InvoiceState.SENT, InvoiceState.FAILED) and invoice.balance > 0
    given = session.scalars(
        select(Credit).where(Credit.invoice_id == invoice.id).order_by(Credit.id)
    )
    return InvoicePaper(
        content=content_of(session, invoice),
        state=invoice.state,
        balance=invoice.balance,
        payments=paid_lines(session, invoice, zone),
        credits=tuple(CreditLine(_day(credit.given_at, zone), credit.amount) for credit in given),
        pay_url=invoice_url(invoice) if payable else "",
    )


def receipt_paper(session: Session, invoice: Invoice, payment_id: int) -> ReceiptPaper:
    """Read one receipt.

    Raises ``billing.errors.NotFound`` when no money of that payment ever reached this invoice:
    a payment's id alone opens nothing.
    """
    for line in paid_lines(session, invoice, _zone(session)):
        if line.payment_id == payment_id:
            surplus = surplus_of(session.get_one(Payment, payment_id))
            return ReceiptPaper(content_of(session, invoice), line, invoice.balance, surplus)
    raise NotFound("receipt")


def paid_lines(
    session: Session, invoice: Invoice, zone: ZoneInfo | None = None
) -> tuple[PaidLine, ...]:
    """List the payments that brought money for ``invoice``, oldest first, taken back or not."""
    zone = zone or _zone(session)
    rows = session.scalars(
        select(Allocation)
        .where(Allocation.invoice_id == invoice.id, Allocation.state.in_(_RECEIVED))
        .options(selectinload(Allocation.payment))
        .order_by(Allocation.id)
    ).all()
    by_payment: dict[int, list[Allocation]] = {}
    for row in rows:
        if row.payment.kind == PaymentKind.CHARGE:
            by_payment.setdefault(row.payment_id, []).append(row)
    kinds = _kinds_of_refunds(session, rows)
    went = _days_taken_back(session, rows, zone)
    return tuple(
        _line(shares, kinds, went.get(number), zone) for number, shares in by_payment.items()
    )


def method_words(payment: Payment) -> str:
    """Say what a payment was made with: "Visa ending in 1111", "Check 1042", "Cash"."""
    if payment.tender == Tender.CHECK and payment.check_number:
        return f"Check {payment.check_number}"
    if payment.tender == Tender.OTHER and payment.check_number:
        return f"{payment.instrument} {payment.check_number}"
    if payment.instrument:
        return payment.instrument
    return _METHODS[payment.tender]


def surplus_of(payment: Payment) -> int:
    """Return the minor units of a received payment that no invoice uses: the user's credit."""
    received = payment.kind is PaymentKind.CHARGE and payment.state in COLLECTED_PAYMENT_STATES
    return max(payment.unapplied, 0) if received else 0


def _kinds_of_refunds(session: Session, rows: Sequence[Allocation]) -> dict[int, str]:
    """Return what each refund was: given, a void, or taken by the bank after a lost dispute."""
    numbers = {row.refund_id for row in rows if row.refund_id is not None}
    if not numbers:
        return {}
    refunds = session.scalars(select(Payment).where(Payment.id.in_(numbers)))
    return {refund.id: _kind_of(refund) for refund in refunds}


def _kind_of(refund: Payment) -> str:
    if refund.returns_to == DISPUTE:
        return "returned"
    return "voided" if is_void(refund) else "refunded"


def _days_taken_back(
    session: Session, rows: Sequence[Allocation], zone: ZoneInfo
) -> dict[int, date]:
    """Return, by payment, the day all of it was taken back: the history knows it, no column."""
    taken = {row.payment_id for row in rows if row.state == AllocationState.REVERSED}
    if not taken:
        return {}
    moves = select(History.record_id, func.max(History.at)).where(
        History.record == "payment",
        History.record_id.in_(taken),
        History.verb.in_(_TAKEN_BACK),
    )
    found = session.execute(moves.group_by(History.record_id))
    return {number: _day(at, zone) for number, at in found}


def _line(
    shares: list[Allocation], kinds: Mapping[int, str], went_on: date | None, zone: ZoneInfo
) -> PaidLine:
    payment = shares[0].payment
    received = sum(share.amount for share in shares if share.amount > 0)
    taken: list[TakenBack] = []
    for share in shares:
        if share.amount < 0:
            kind = kinds.get(share.refund_id or 0, "refunded")
            taken.append(TakenBack(kind, -share.amount, _day(share.created_at, zone)))
    # What was paid back of it before the bank took all of it did not go twice.
    returned = sum(share.amount for share in shares if share.state == AllocationState.REVERSED)
    if returned > 0:
        taken.append(TakenBack("returned", returned, went_on))
    return PaidLine(
        payment_id=payment.id,
        on=_paid_on(payment, zone),
        method=method_words(payment),
        reference=payment.reference,
        received=received,
        taken_back=tuple(taken),
    )


def _paid_on(payment: Payment, zone: ZoneInfo) -> date:
    """The day the customer paid: of a transfer, the day staff read off the bank's statement."""
    if payment.tender == Tender.OTHER and payment.check_date is not None:
        return payment.check_date
    return _day(payment.collected_at or payment.started_at, zone)


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def _zone(session: Session) -> ZoneInfo:
    return ZoneInfo(get_settings(session).timezone)
