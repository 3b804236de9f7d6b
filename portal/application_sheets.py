"""What an application's page and its line in the account say, decided in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from applications import guards
from applications.fees import ITEMS
from models import Application, Invoice
from models.states import ApplicationState, InvoiceState
from portal.account_rows import InvoiceRow, rows_of
from portal.sheets import BUSY, CHECKING, DEBIT, PAID, PAYABLE, standings_of

A = ApplicationState
INVOICED, CLOSED = "invoiced", "closed"
COMMENT = "comment"
_LIVE = (CHECKING, BUSY, DEBIT)
_SHOWN = (InvoiceState.SENT, InvoiceState.FAILED, InvoiceState.PENDING, InvoiceState.PAID)


@dataclass(frozen=True)
class ApplicationRow:
    """One line of the list.

    standing -- "payable", "checking", "busy" or "debit" as for invoices, "paid" when nothing is
                outstanding, "invoiced" when it is paid by an invoice, "closed" when not at all
    """

    application: Application
    standing: str

    @property
    def balance(self) -> int:
        """Minor units that are outstanding; never less than nothing."""
        return max(0, self.application.outstanding_balance)

    @property
    def payable(self) -> bool:
        return self.standing == PAYABLE


@dataclass(frozen=True)
class ApplicationSheet(ApplicationRow):
    """An application as its page shows it; ``editable``: whether its customer may change it."""

    invoices: list[InvoiceRow]
    editable: bool

    @property
    def waiting(self) -> bool:
        """Whether the page should look again by itself soon."""
        return self.standing in (CHECKING, BUSY)

    @property
    def paid(self) -> int:
        """Minor units of the fees that are paid for."""
        return self.application.fees_total - self.balance

    @property
    def items(self) -> int:
        """How many items the fees count."""
        return int(self.application.answers.get(ITEMS) or 1)

    @property
    def comment(self) -> str:
        """What the customer last wrote to the office."""
        return str(self.application.answers.get(COMMENT) or "")

    @property
    def other_answers(self) -> list[tuple[str, str]]:
        """Everything else that was answered, in words."""
        return [
            (name.replace("_", " ").capitalize(), _in_words(value))
            for name, value in self.application.answers.items()
            if name not in (ITEMS, COMMENT) and value not in (None, "")
        ]


def application_rows(session: Session, applications: Sequence[Application]) -> list[ApplicationRow]:
    """Return the rows, what is to pay first."""
    rows = [ApplicationRow(one, application_standing(session, one)) for one in applications]
    return sorted(rows, key=lambda row: (not row.payable, -row.application.id))


def sheet_of(session: Session, application: Application) -> ApplicationSheet:
    """Read everything the page of ``application`` shows."""
    shown = [one for one in application.invoices if one.state in _SHOWN]
    return ApplicationSheet(
        application=application,
        standing=application_standing(session, application),
        invoices=rows_of(session, shown),
        editable=guards.why_not_change(application, by_staff=False) is None,
    )


def application_standing(session: Session, application: Application) -> str:
    """Say how its outstanding balance stands. A live attempt goes before everything else."""
    if application.outstanding_balance <= 0:
        return PAID
    carriers = guards.carriers_of(session, application)
    live = [standing for standing in _standings(session, carriers) if standing in _LIVE]
    if live:
        return live[0]
    if guards.why_not_pay_balance(session, application) is None:
        return PAYABLE
    return CLOSED if application.state in (A.DRAFT, A.INACTIVE) else INVOICED


def _standings(session: Session, carriers: Sequence[Invoice]) -> list[str]:
    return list(standings_of(session, carriers).values()) if carriers else []


def _in_words(value: Any) -> str:
    return {True: "Yes", False: "No"}[value] if isinstance(value, bool) else str(value)
