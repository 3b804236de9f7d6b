"""Verbs that make, send, take back and delete invoices. None of them touches money."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import update
from sqlalchemy.orm import Session

from billing import clock, guards
from billing.actor import SYSTEM, Actor
from billing.content import content_of, freeze
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.history import note
from billing.items import Line, set_items
from billing.locks import lock_application, lock_invoice
from billing.mailing import queue_email
from billing.office import get_settings, in_words, local_today
from billing.overdue import is_overdue, overdue_on
from billing.transitions import move
from models import Application, Counter, Invoice, User
from models.states import InvoiceState

__all__ = ["content_of", "lock_application"]

MAX_DESCRIPTION = 1000
ITEM_OF_APPLICATION = "Outstanding application balance"


@dataclass(frozen=True)
class Issued:
    """An invoice that was issued; ``emailed`` is False when its customer has no e-mail."""

    invoice_id: int
    number: int
    emailed: bool


def default_description(application: Application) -> str:
    """Return what the description field of Generate Invoice starts with."""
    return f"Outstanding balance for {application.form.name} ({application.reference})"


def generate_invoice(
    application_id: int, *, description: str, due_on: dt.date | None, actor: Actor
) -> Issued:
    """Invoice what an approved application still owes, and send it.

    description -- required, at most 1,000 characters; shown in the e-mail and on the page
    due_on      -- optional, the office's local date, today or later

    The application is locked while its debt is claimed, so one debt is collected once. Raises
    ``Refusal`` when the application is not approved, owes nothing, or is on an open invoice.
    """
    with transaction() as session:
        description = _checked_description(description)
        _check_due(session, due_on)
        found = session.get(Application, application_id)
        user = lock(session, User, found.user_id) if found else None
        application = lock_application(session, application_id)
        guards.require(guards.why_not_generate(session, application))
        assert user is not None
        invoice = _new_invoice(session, user, description, due_on)
        invoice.billable_id = application.billable_id
        invoice.site_id = application.site_id or user.site_id
        owed = application.fees_total - application.invoiced
        set_items(invoice, [Line(ITEM_OF_APPLICATION, owed)])
        _give_number(session, invoice)
        _stamp(session, invoice)
        move(
            session,
            invoice,
            "generate",
            InvoiceState.SENT,
            actor,
            f"Invoice #{invoice.number} over {in_words(session, owed)} generated from application "
            f"{application.reference}",
        )
        note(
            session,
            application,
            "generate_invoice",
            f"Invoice #{invoice.number} over {in_words(session, owed)} generated",
            actor,
        )
        return _announce(session, invoice, user, actor)


def silent_invoice(
    session: Session, application: Application, amount: int, actor: Actor
) -> Invoice:
    """Make a draft over ``amount`` minor units that collects an application's debt unannounced.

    Part of the caller's transaction, which holds the application's lock: the debt is claimed by
    the invoice's mere existence. It gets its number when money arrives, and is never e-mailed.
    """
    user = session.get_one(User, application.user_id)
    invoice = _new_invoice(session, user, default_description(application), None)
    invoice.billable_id = application.billable_id
    invoice.site_id = application.site_id or user.site_id
    invoice.silent = True
    set_items(invoice, [Line(ITEM_OF_APPLICATION, amount)])
    sentence = f"Silent invoice over {in_words(session, amount)} for {application.reference}"
    move(session, invoice, "create", InvoiceState.DRAFT, actor, sentence)
    return invoice


def create_invoice(
    user_id: int,
    *,
    description: str,
    lines: Sequence[Line] = (),
    due_on: dt.date | None = None,
    site_id: int | None = None,
    rental_id: int | None = None,
    billable_id: int | None = None,
    actor: Actor,
) -> int:
    """Make a draft and return its id. A draft may be empty; sending it may not."""
    with transaction() as session:
        user = lock(session, User, user_id)
        invoice = _new_invoice(session, user, _checked_description(description), due_on)
        invoice.site_id = site_id or user.site_id
        invoice.rental_id = rental_id
        invoice.billable_id = billable_id
        set_items(invoice, lines)
        move(session, invoice, "create", InvoiceState.DRAFT, actor, "Draft created")
        return invoice.id


def edit_draft(
    invoice_id: int,
    *,
    description: str,
    due_on: dt.date | None,
    lines: Sequence[Line],
    actor: Actor,
) -> None:
    """Replace what a draft says; refused once it is issued and not set back to draft."""
    with transaction() as session:
        invoice = lock(session, Invoice, invoice_id)
        guards.require(guards.why_not_edit(session, invoice))
        before = {"description": invoice.description, "total": invoice.total}
        invoice.description = _checked_description(description)
        invoice.due_on = due_on
        set_items(invoice, lines)
        after = {"description": invoice.description, "total": invoice.total}
        details = {"before": before, "after": after}
        note(session, invoice, "edit", "Draft edited", actor, details=details)


def send_invoice(invoice_id: int, *, actor: Actor) -> Issued:
    """Issue a draft, or send an open invoice again; a draft without balance closes as paid."""
    with transaction() as session:
        invoice = lock_invoice(session, invoice_id)
        guards.require(guards.why_not_send(session, invoice))
        if invoice.state is InvoiceState.DRAFT:
            issue(session, invoice)
            if invoice.balance_now == 0:
                invoice.paid_at = clock.now()
                sentence = "Closed as paid: nothing was left to pay"
                move(session, invoice, "close", InvoiceState.PAID, actor, sentence)
                return Issued(invoice.id, _number(invoice), emailed=False)
            sentence = f"Invoice #{invoice.number} issued"
            move(session, invoice, "send", InvoiceState.SENT, actor, sentence)
        else:
            _stamp(session, invoice)
            move(session, invoice, "resend", invoice.state, actor, "Sent again")
        return _announce(session, invoice, invoice.user, actor)


def delete_invoice(invoice_id: int, *, actor: Actor) -> None:
    """Delete a draft: it stays viewable, keeps its number and can't come back."""
    with transaction() as session:
        invoice = lock(session, Invoice, invoice_id)
        guards.require(guards.why_not_delete(session, invoice))
        move(session, invoice, "delete", InvoiceState.DELETED, actor, "Deleted")


def rotate_link(invoice_id: int, *, actor: Actor) -> None:
    """Make every link to this invoice that was given out before stop working."""
    with transaction() as session:
        invoice = lock(session, Invoice, invoice_id)
        invoice.link_version += 1
        note(session, invoice, "rotate_link", "Link replaced; older links no longer work", actor)


def record_view(invoice_id: int, *, actor: Actor) -> None:
    """Note the first time the customer opened the invoice; later times change nothing."""
    with transaction() as session:
        invoice = lock(session, Invoice, invoice_id)
        if invoice.viewed_at is None:
            invoice.viewed_at = clock.now()
            note(session, invoice, "view", "Opened by the customer", actor)


def issue(session: Session, invoice: Invoice) -> None:
    """Give a draft its number and dates. The caller moves it on in the same transaction."""
    if invoice.number is None:
        _give_number(session, invoice)
    _stamp(session, invoice)


def _stamp(session: Session, invoice: Invoice) -> None:
    """Note that the invoice is being issued now, and when that makes it overdue."""
    settings = get_settings(session)
    invoice.sent_at = clock.now()
    invoice.sent_on = clock.today(settings.timezone)
    invoice.overdue_on = overdue_on(invoice, settings)
    if not is_overdue(invoice, invoice.sent_on):
        invoice.overdue_marked_at = None


def _new_invoice(session: Session, user: User, description: str, due_on: dt.date | None) -> Invoice:
    return Invoice(
        user_id=user.id,
        currency=get_settings(session).currency,
        description=description,
        due_on=due_on,
        total=0,
        allocated=0,
        credited=0,
        link_version=1,
        silent=False,
        created_at=clock.now(),
    )


def _give_number(session: Session, invoice: Invoice) -> None:
    today = local_today(session)
    # The counter's row stays locked until the commit, so a number that is rolled back is given
    # again: no gap and no duplicate, however many issue at once.
    number = session.execute(
        update(Counter)
        .where(Counter.name == "invoice")
        .values(value=Counter.value + 1)
        .returning(Counter.value)
        .execution_options(synchronize_session=False)
    ).scalar_one()
    invoice.number, invoice.issued_on = number, today


def _announce(session: Session, invoice: Invoice, user: User, actor: Actor) -> Issued:
    """Freeze what is being sent, and queue the e-mail that says so."""
    version = freeze(session, invoice)
    kind = "invoice" if version == 1 else "invoice_again"
    email = queue_email(
        session, kind, f"invoice:{invoice.id}:version:{version}", user, invoice=invoice
    )
    if email is None:
        sentence = "Nothing was e-mailed: this user has no e-mail"
    else:
        sentence = "E-mail with the link queued"
    note(session, invoice, "announce", sentence, actor if email else SYSTEM)
    return Issued(invoice.id, _number(invoice), emailed=email is not None)


def _number(invoice: Invoice) -> int:
    if invoice.number is None:
        raise RuntimeError("An issued invoice has a number.")
    return invoice.number


def _checked_description(description: str) -> str:
    plain = description.replace("\x00", "").strip()
    if not plain:
        raise Refusal("Write a description.", "description_missing", "description")
    if len(plain) > MAX_DESCRIPTION:
        raise Refusal(
            f"The description can have {MAX_DESCRIPTION:,} characters; this one has "
            f"{len(plain):,}.",
            "description_too_long",
            "description",
        )
    return plain


def _check_due(session: Session, due_on: dt.date | None) -> None:
    today = local_today(session)
    if due_on is not None and due_on < today:
        raise Refusal("The due date is in the past.", "due_in_past", "due_on")
    if due_on is not None and due_on > today + dt.timedelta(days=3660):
        raise Refusal("The due date is more than ten years away.", "due_too_far", "due_on")
