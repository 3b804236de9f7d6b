"""What is being paid at the counter: an invoice, or an application's outstanding balance.

The page is one and the same; a desk says what it is about and which verbs it leads to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from applications import guards as application_guards
from applications import settling
from billing import claims, guards, in_person
from billing.actor import Actor
from billing.attempts import Attempt
from billing.errors import Refusal
from billing.in_person import Manual
from models import Application, Invoice, Payment, db
from models.states import ApplicationState


class Desk(ABC):
    """One counter.

    heading -- what the page is called
    button  -- what the button says that takes the money
    partial -- whether a part of the balance may be paid
    """

    heading = ""
    button = ""
    partial = True

    def __init__(self, record: Any) -> None:
        self.record = record

    @property
    def user(self) -> Any:
        return self.record.user

    @property
    @abstractmethod
    def balance(self) -> int:
        """Minor units that are to be paid."""

    @abstractmethod
    def live(self) -> Payment | None:
        """Return the attempt that keeps everybody else from paying, if there is one."""

    @abstractmethod
    def why_not(self) -> Refusal | None:
        """Say why nothing can be taken at all at the moment."""

    @abstractmethod
    def is_about(self, invoice: Invoice) -> bool:
        """Whether a payment of ``invoice`` is one of this counter's."""

    @abstractmethod
    def authorise(self, nonce: str, amount: int, shown: int, actor: Actor) -> Attempt:
        """Place a hold on a card."""

    @abstractmethod
    def receive(self, manual: Manual, shown: int, send_receipt: bool, actor: Actor) -> Attempt:
        """Record a payment without the gateway."""

    def follows(self) -> str:
        """Say what else follows from a payment that just came in, if anything."""
        return ""

    def had(self, payment: Payment) -> bool:
        """Whether ``payment`` is or was one of this counter's."""
        return any(self.is_about(share.invoice) for share in payment.allocations)


class InvoiceDesk(Desk):
    """Process Invoice In-Person."""

    heading = "Process Invoice In-Person"
    button = "Process Invoice"
    record: Invoice

    @property
    def balance(self) -> int:
        return self.record.balance

    def live(self) -> Payment | None:
        return claims.live_payment(db.session(), self.record)

    def why_not(self) -> Refusal | None:
        return guards.why_not_process(db.session(), self.record)

    def is_about(self, invoice: Invoice) -> bool:
        return invoice.id == self.record.id

    def authorise(self, nonce: str, amount: int, shown: int, actor: Actor) -> Attempt:
        return in_person.authorise_card(
            self.record.id, nonce=nonce, amount=amount, shown_balance=shown, actor=actor
        )

    def receive(self, manual: Manual, shown: int, send_receipt: bool, actor: Actor) -> Attempt:
        return in_person.process_manual(
            self.record.id, manual, shown_balance=shown, send_receipt=send_receipt, actor=actor
        )


class ApplicationDesk(Desk):
    """Settle Outstanding Balance: always the whole of it."""

    heading = "Settle Outstanding Balance"
    button = "Settle"
    partial = False
    record: Application

    @property
    def balance(self) -> int:
        return self.record.outstanding_balance

    def live(self) -> Payment | None:
        for invoice in application_guards.carriers_of(db.session(), self.record):
            payment = claims.live_payment(db.session(), invoice)
            if payment is not None:
                return payment
        return None

    def why_not(self) -> Refusal | None:
        return application_guards.why_not_settle(db.session(), self.record)

    def is_about(self, invoice: Invoice) -> bool:
        return invoice.billable_id == self.record.billable_id

    def follows(self) -> str:
        approved = self.record.state is ApplicationState.APPROVED
        return " The application is approved." if approved else ""

    def authorise(self, nonce: str, amount: int, shown: int, actor: Actor) -> Attempt:
        return settling.authorise_settlement(
            self.record.id, nonce=nonce, shown_balance=shown, actor=actor
        )

    def receive(self, manual: Manual, shown: int, send_receipt: bool, actor: Actor) -> Attempt:
        return settling.settle_manual(
            self.record.id, manual, shown_balance=shown, send_receipt=send_receipt, actor=actor
        )
