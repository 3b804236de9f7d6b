"""What staff can do with a record, and why not: the buttons of an Eye page.

The sentence beside a greyed button is the guard's own, so page and verb never disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from billing import (
    credit_use,
    crediting,
    drafts,
    guards,
    label_ends,
    receipts,
    refunds,
    reminding,
    spreading,
    voids,
)
from billing.errors import Refusal
from models import Application, Invoice, Label, OutgoingEmail, Payment, Unit, User
from models.states import (
    ApplicationState,
    EmailState,
    InvoiceState,
    PaymentKind,
    PaymentState,
)

_CREATE_INVOICE = ("create_invoice", "Create invoice", "invoices.create")
# What may still change at the gateway without our doing.
_CHECKED = (
    PaymentState.STARTED,
    PaymentState.AUTHORISED,
    PaymentState.PENDING,
    PaymentState.SUBMITTED,
)


@dataclass(frozen=True)
class Action:
    """One button. ``why_not`` is None when it can be pressed, else the reason in a sentence."""

    name: str
    label: str
    permission: str
    why_not: str | None = None


def action(name: str, label: str, permission: str, refusal: Refusal | None) -> Action:
    """Return the button with the guard's sentence when it said no."""
    return Action(name, label, permission, refusal.sentence if refusal else None)


def invoice_actions(
    session: Session, invoice: Invoice, within: Collection[int] = ()
) -> list[Action]:
    """Return the buttons of an invoice's page, in order.

    within -- the sites whoever looks is bound to; empty: none
    """

    def why_not_use_credit(session: Session, invoice: Invoice) -> Refusal | None:
        return credit_use.why_not_use_credit(session, invoice, within)

    send = "Send" if invoice.state is InvoiceState.DRAFT else "Resend"
    rows: list[tuple[str, str, str, Callable[[Session, Invoice], Refusal | None]]] = [
        ("send", send, "invoices.send", guards.why_not_send),
        ("charge", "Charge customer", "invoices.charge", guards.why_not_charge),
        ("remind", "Remind", "invoices.send", reminding.why_not_remind),
        ("process", "Process Invoice In-Person", "payments.process", guards.why_not_take),
        ("edit_items", "Edit items", "invoices.edit", guards.why_not_edit),
        ("use_credit", "Use credit", "payments.process", why_not_use_credit),
        ("credit", "Write off / credit", "credits.give", crediting.why_not_credit),
        ("redraft", "Set back to draft", "invoices.redraft", guards.why_not_redraft),
        ("delete", "Delete", "invoices.delete", guards.why_not_delete),
    ]
    actions = [
        action(name, label, who, guard(session, invoice)) for name, label, who, guard in rows
    ]
    dead = invoice.state is InvoiceState.DELETED
    refusal = Refusal("This invoice is deleted.") if dead else None
    actions.insert(3, action("rotate_link", "Replace the link", "invoices.send", refusal))
    return actions


def payment_actions(session: Session, payment: Payment) -> list[Action]:
    """Return the buttons of a payment's page; what makes no sense for its kind is left out."""
    by_gateway = payment.tender in refunds.GATEWAY_TENDERS
    actions = []
    if payment.kind is PaymentKind.CHARGE:
        why_not = refunds.why_not_refund(payment)
        actions.append(action("refund", "Refund", "payments.refund", why_not))
        if not by_gateway:
            why_not = refunds.why_not_reverse(payment)
            actions.append(action("reverse", "Reverse", "payments.refund", why_not))
        why_not = refunds.why_not_apply(session, payment)
        actions.append(action("apply", "Apply to an invoice", "payments.process", why_not))
        why_not = receipts.why_not_resend(session, payment)
        actions.append(action("resend_receipt", "Resend receipt", "invoices.send", why_not))
    if by_gateway and payment.state in _CHECKED and not voids.was_voided(payment):
        label = "Check with the gateway now"
        actions.append(action("check", label, "payments.process", None))
    return actions


Source = Callable[[Session, Application], list[Action]]

_of_applications: list[Source] = []


def add_application_actions(source: Source) -> None:
    """Have ``source(session, application)`` asked for further buttons; once, however often said."""
    if source not in _of_applications:
        _of_applications.append(source)


def application_actions(session: Session, application: Application) -> list[Action]:
    """Return the buttons of an application's page, those of the room above included.

    A pending application has no Generate Invoice at all: its balance is handled otherwise.
    """
    actions = [action for source in _of_applications for action in source(session, application)]
    if application.state is not ApplicationState.PENDING:
        why_not = guards.why_not_generate(session, application)
        actions.append(action("generate_invoice", "Generate Invoice", "invoices.create", why_not))
        why_not = drafts.why_not_invoice_application(session, application)
        actions.append(action(*_CREATE_INVOICE, why_not))
    return actions


def user_actions(session: Session, user: User, within: Collection[int] = ()) -> list[Action]:
    """Return the buttons of a user's page; ``within``: the sites whoever looks is bound to."""
    why_not = spreading.why_not_spread(session, user, within)
    return [
        action(*_CREATE_INVOICE, drafts.why_not_invoice_user(user)),
        action("record_payment", "Record payment", "payments.process", why_not),
        action("statement", "Statement", "invoices.view", None),
        action("end_links", "End links", "users.edit", None),
    ]


def unit_actions(session: Session, unit: Unit) -> list[Action]:
    """Return the buttons of a unit's page."""
    return [
        action(*_CREATE_INVOICE, drafts.why_not_invoice_unit(session, unit)),
        action("statement", "Statement", "invoices.view", None),
    ]


def label_actions(session: Session, label: Label, within: Collection[int] = ()) -> list[Action]:
    """Return the buttons of a label's page; ``within``: the sites of whoever looks, empty: all."""
    merge = label_ends.why_not_merge(session, label, within)
    delete = label_ends.why_not_end(session, label, within)
    return [
        action("merge_label", "Merge into…", "labels.edit", merge),
        action("delete_label", "Delete label", "labels.edit", delete),
    ]


def email_actions(email: OutgoingEmail) -> list[Action]:
    """Return the buttons of an outgoing e-mail's page."""
    why_not = None
    if email.state is not EmailState.FAILED:
        why_not = Refusal("Only an e-mail that failed can be sent again.")
    return [action("retry", "Send again", "emails.send", why_not)]
