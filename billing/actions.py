"""What staff can do with a record, and why not: the buttons of an Eye page.

The sentence beside a greyed button is the guard's own, so page and verb never disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from billing import guards
from billing.errors import Refusal
from models import Application, Invoice, OutgoingEmail
from models.states import ApplicationState, EmailState, InvoiceState


@dataclass(frozen=True)
class Action:
    """One button. ``why_not`` is None when it can be pressed, else the reason in a sentence."""

    name: str
    label: str
    permission: str
    why_not: str | None = None


def _action(name: str, label: str, permission: str, refusal: Refusal | None) -> Action:
    return Action(name, label, permission, refusal.sentence if refusal else None)


def invoice_actions(session: Session, invoice: Invoice) -> list[Action]:
    """Return the buttons of an invoice's page, in order."""
    send = "Send" if invoice.state is InvoiceState.DRAFT else "Resend"
    rows: list[tuple[str, str, str, Callable[[Session, Invoice], Refusal | None]]] = [
        ("send", send, "invoices.send", guards.why_not_send),
        ("redraft", "Set back to draft", "invoices.redraft", guards.why_not_redraft),
        ("delete", "Delete", "invoices.delete", guards.why_not_delete),
    ]
    actions = [
        _action(name, label, who, guard(session, invoice)) for name, label, who, guard in rows
    ]
    dead = invoice.state is InvoiceState.DELETED
    refusal = Refusal("This invoice is deleted.") if dead else None
    actions.insert(1, _action("rotate_link", "Replace the link", "invoices.send", refusal))
    return actions


def application_actions(session: Session, application: Application) -> list[Action]:
    """Return the buttons of an application's page.

    A pending application has no Generate Invoice at all: its balance is handled otherwise.
    """
    if application.state is ApplicationState.PENDING:
        return []
    why_not = guards.why_not_generate(session, application)
    return [_action("generate_invoice", "Generate Invoice", "invoices.create", why_not)]


def email_actions(email: OutgoingEmail) -> list[Action]:
    """Return the buttons of an outgoing e-mail's page."""
    why_not = None
    if email.state is not EmailState.FAILED:
        why_not = Refusal("Only an e-mail that failed can be sent again.")
    return [_action("retry", "Send again", "emails.send", why_not)]
