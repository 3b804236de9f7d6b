"""What an invoice's page says in each of its states, decided in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import overdue
from billing.errors import NotFound
from billing.office import local_today
from documents.papers import InvoicePaper, invoice_paper, method_words, surplus_of
from models import Allocation, Invoice, Payment
from models.states import AllocationState, InvoiceState, PaymentState

PAYABLE, CHECKING, DEBIT, BUSY, PAID, DRAFT, DELETED = (
    "payable",
    "checking",
    "debit",
    "busy",
    "paid",
    "draft",
    "deleted",
)
_BY_LIVE_PAYMENT = {
    PaymentState.STARTED: CHECKING,
    PaymentState.PENDING: DEBIT,
    PaymentState.AUTHORISED: BUSY,
}
_BY_STATE = {
    InvoiceState.PAID: PAID,
    InvoiceState.DRAFT: DRAFT,
    InvoiceState.DELETED: DELETED,
    InvoiceState.PENDING: CHECKING,
}


@dataclass(frozen=True)
class Sheet:
    """An invoice as its page shows it.

    standing -- one of the words above: which page it is
    failed   -- whether the last attempt came to nothing
    overdue  -- whether it is late, by the one rule everybody uses
    """

    paper: InvoicePaper
    standing: str
    failed: bool
    overdue: bool
    user_id: int
    street: str
    postal_code: str
    holder: str

    @property
    def content(self) -> Mapping[str, Any]:
        return self.paper.content

    @property
    def balance(self) -> int:
        return self.paper.balance

    @property
    def waiting(self) -> bool:
        """Whether the page should look again by itself soon."""
        return self.standing in (CHECKING, BUSY)


def sheet_of(session: Session, invoice: Invoice) -> Sheet:
    """Read everything the page of ``invoice`` shows."""
    return Sheet(
        paper=invoice_paper(session, invoice),
        standing=standing_of(session, invoice),
        failed=invoice.state == InvoiceState.FAILED,
        overdue=overdue.is_overdue(invoice, local_today(session)),
        user_id=invoice.user_id,
        street=invoice.user.street,
        postal_code=invoice.user.postal_code,
        holder=invoice.user.name,
    )


def standing_of(session: Session, invoice: Invoice) -> str:
    """Say which page an invoice has now. A live attempt goes before the invoice's own state."""
    return standings_of(session, [invoice])[invoice.id]


def standings_of(session: Session, invoices: Sequence[Invoice]) -> dict[int, str]:
    """Say the same for several invoices at once; by their ids."""
    claims = session.execute(
        select(Allocation.invoice_id, Payment.state)
        .join(Payment, Payment.id == Allocation.payment_id)
        .where(
            Allocation.invoice_id.in_([invoice.id for invoice in invoices]),
            Allocation.state == AllocationState.CLAIMED,
        )
    )
    live = {claim.invoice_id: claim.state for claim in claims}
    return {invoice.id: _standing(invoice, live.get(invoice.id)) for invoice in invoices}


def _standing(invoice: Invoice, live: PaymentState | None) -> str:
    if live is not None:
        return _BY_LIVE_PAYMENT.get(live, CHECKING)
    if invoice.state not in _BY_STATE and invoice.balance == 0:
        return PAID
    return _BY_STATE.get(invoice.state, PAYABLE)


@dataclass(frozen=True)
class Attempt:
    """How one attempt to pay stands now; ``outcome`` names its page.

    amount  -- minor units that went to this invoice
    surplus -- minor units of the payment that no invoice uses: the user's credit
    """

    payment_id: int
    outcome: str
    amount: int
    method: str
    surplus: int = 0


_OUTCOMES = {
    PaymentState.SUBMITTED: "paid",
    PaymentState.SETTLED: "paid",
    PaymentState.DECLINED: "declined",
    PaymentState.STARTED: "unknown",
    PaymentState.AUTHORISED: "unknown",
    PaymentState.PENDING: "pending",
    PaymentState.FAILED: "failed",
}


def attempt_of(session: Session, invoice: Invoice, payment_id: int) -> Attempt:
    """Read how an attempt on this invoice stands.

    It is read from the ledger each time, so a page that said "we are checking" tells the end of
    the story when it is opened again. Raises ``NotFound`` for another invoice's payment.
    """
    share = session.scalars(
        select(Allocation)
        .where(Allocation.invoice_id == invoice.id, Allocation.payment_id == payment_id)
        .order_by(Allocation.id)
    ).first()
    if share is None:
        raise NotFound("payment")
    payment = share.payment
    return Attempt(
        payment.id,
        outcome_of(payment),
        abs(share.amount),
        method_words(payment),
        surplus_of(payment),
    )


def outcome_of(payment: Payment) -> str:
    """Name how an attempt stands now, for the page that tells it."""
    return _OUTCOMES.get(payment.state, "undone")
