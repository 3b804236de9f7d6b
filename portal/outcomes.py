"""How a payment for several invoices, or for an application, ended."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from billing.errors import NotFound
from billing.links import invoice_token
from documents.papers import method_words, surplus_of
from models import Allocation, Application, Invoice, User
from portal.sheets import outcome_of


@dataclass(frozen=True)
class Share:
    """What one invoice got of it, in minor units."""

    invoice: Invoice
    amount: int

    @property
    def token(self) -> str:
        """What opens the invoice's own page."""
        return invoice_token(self.invoice)


@dataclass(frozen=True)
class Ending:
    """How an attempt stands now; ``outcome`` names its words, ``amount`` is minor units.

    registered -- whether it was made with a registered payment method, not a typed card
    surplus    -- minor units of it that no invoice uses: the user's credit
    """

    payment_id: int
    outcome: str
    amount: int
    method: str
    user: User
    shares: tuple[Share, ...]
    registered: bool = False
    surplus: int = 0

    @property
    def waiting(self) -> bool:
        """Whether the page should look again by itself soon."""
        return self.outcome == "unknown"


def ending_of(session: Session, user_ids: tuple[int, ...], payment_id: int) -> Ending:
    """Read how a payment of these users ended; ``NotFound`` for anybody else's."""
    return _ending(session, payment_id, Invoice.user_id.in_(user_ids))


def ending_for(session: Session, application: Application, payment_id: int) -> Ending:
    """Read how a payment for this application ended; ``NotFound`` for any other payment.

    What the same payment brought for something else is left out: the application's link opens
    nothing but the application.
    """
    return _ending(session, payment_id, Invoice.billable_id == application.billable_id)


def _ending(session: Session, payment_id: int, allowed: ColumnElement[bool]) -> Ending:
    rows = session.scalars(
        select(Allocation)
        .join(Invoice, Invoice.id == Allocation.invoice_id)
        .where(Allocation.payment_id == payment_id, Allocation.refund_id.is_(None), allowed)
        .options(joinedload(Allocation.invoice), joinedload(Allocation.payment))
        .order_by(Allocation.invoice_id)
    ).all()
    if not rows:
        raise NotFound("payment")
    payment = rows[0].payment
    shares = {row.invoice_id: Share(row.invoice, row.amount) for row in rows}
    return Ending(
        payment_id=payment.id,
        outcome=outcome_of(payment),
        amount=sum(share.amount for share in shares.values()),
        method=method_words(payment),
        user=payment.user,
        shares=tuple(shares.values()),
        registered=payment.payment_method_id is not None,
        surplus=surplus_of(payment),
    )
