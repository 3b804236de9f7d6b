"""The buttons of an application's page, greyed with the guards' own sentences."""

from __future__ import annotations

from sqlalchemy.orm import Session

from applications import guards
from applications.settling import hold_of
from billing.actions import Action, action
from billing.errors import Refusal
from models import Application
from models.states import ApplicationState

A = ApplicationState


def application_buttons(session: Session, application: Application) -> list[Action]:
    """Return the buttons in order; what makes no sense in this state at all is left out."""
    ask = {
        "approve": guards.why_not_approve(session, application, with_balance=True),
        "reject": guards.why_not_reject(session, application),
        "settle": _why_not_take(session, application),
        "invoice_difference": guards.why_not_invoice_difference(session, application),
        "credit_difference": guards.why_not_credit_difference(session, application),
        "deactivate": guards.why_not_deactivate(session, application),
        "activate": guards.why_not_activate(session, application),
    }
    return [
        action(name, label, permission, ask[name])
        for name, label, permission in _shown(application)
    ]


def _why_not_take(session: Session, application: Application) -> Refusal | None:
    """The page of Settle: a hold that waits there keeps it open to everybody of the staff."""
    if hold_of(session, application) is not None:
        return None
    return guards.why_not_settle(session, application)


def _shown(application: Application) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    if application.state is A.PENDING:
        rows.append(("approve", "Approve", "applications.edit"))
        rows.append(("reject", "Reject", "applications.edit"))
    if application.state in (A.PENDING, A.REJECTED, A.APPROVED):
        rows.append(("settle", "Settle Outstanding Balance", "payments.process"))
    if application.invoiced > 0 and application.difference > 0:
        rows.append(("invoice_difference", "Invoice the difference", "invoices.create"))
    if application.invoiced > 0 and application.difference < 0:
        rows.append(("credit_difference", "Credit the difference", "credits.give"))
    if application.state is A.INACTIVE:
        rows.append(("activate", "Mark Active", "applications.edit"))
    elif application.state is not A.DRAFT:
        rows.append(("deactivate", "Mark Inactive", "applications.edit"))
    return rows
