"""Verbs that make, send, take back and delete invoices. None of them touches money."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from sqlalchemy.orm import Session

from billing import clock, drafts, guards
from billing.actor import Actor
from billing.content import content_of
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.history import note
from billing.issuing import Issued, announce, issue, send
from billing.items import Line, set_items
from billing.left_alone import why_set_back_since
from billing.locks import lock_application, lock_applications_of, lock_invoice
from billing.office import get_settings, in_words, local_today
from billing.transitions import move
from models import Application, Invoice, User
from models.states import InvoiceState

__all__ = ["Issued", "content_of", "issue", "lock_application"]

MAX_DESCRIPTION = 1000
ITEM_OF_APPLICATION = "Outstanding application balance"


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
        issue(session, invoice)
        move(
            session,
            invoice,
            "generate",
            InvoiceState.SENT,
            actor,
            f"Invoice #{invoice.number} of {in_words(session, owed)} generated from application "
            f"{application.reference}",
        )
        note(
            session,
            application,
            "generate_invoice",
            f"Invoice #{invoice.number} of {in_words(session, owed)} generated",
            actor,
        )
        return announce(session, invoice, user, actor)


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
    sentence = f"Silent invoice of {in_words(session, amount)} for {application.reference}"
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
    within: Collection[int] = (),
    actor: Actor,
) -> int:
    """Make a draft and return its id. A draft may be empty; sending it may not.

    site_id     -- the invoice's site, else the user's; with a rental: the site its unit was shown
                   at, and the unit decides
    rental_id   -- the rental it is about; its unit's site and billable are the invoice's
    billable_id -- a unit or an application it is about
    within      -- the sites of the person who asks; empty: every site

    Refused for an erased user, a site outside ``within``, a rental that is another user's, has not
    begun, ended more than 12 months ago or whose unit was moved meanwhile, and for an application
    that ``generate_invoice`` would refuse or that owes less than the lines come to.
    """
    with transaction() as session:
        user = lock(session, User, user_id)
        guards.require(drafts.why_not_invoice_user(user))
        invoice = _new_invoice(session, user, _checked_description(description), due_on)
        application = drafts.place(
            session,
            invoice,
            user,
            site_id=site_id,
            rental_id=rental_id,
            billable_id=billable_id,
            within=within,
        )
        set_items(invoice, lines)
        move(session, invoice, "create", InvoiceState.DRAFT, actor, "Draft created")
        if application is not None:
            drafts.require_within_debt(session, application)
        return invoice.id


def edit_draft(
    invoice_id: int,
    *,
    description: str,
    due_on: dt.date | None,
    lines: Sequence[Line],
    shown: str | None = None,
    actor: Actor,
) -> None:
    """Replace what a draft says; refused once it is issued and not set back to draft.

    shown -- ``drafts.mark_of`` what the page was opened with: refused (code ``changed``) when
             somebody changed the draft since

    Refused too when the total would be less than what was paid, or more than the application that
    the invoice is about still owes. Saving what it says already leaves no trace.
    """
    with transaction() as session:
        applications = lock_applications_of(session, [invoice_id])
        over = {each.id: drafts.overcharged(session, each) for each in applications}
        invoice = lock(session, Invoice, invoice_id)
        guards.require(guards.why_not_edit(session, invoice))
        drafts.require_unchanged(invoice, shown)
        before = drafts.said_by(session, invoice)
        if due_on != invoice.due_on:
            _check_due(session, due_on)
        invoice.description, invoice.due_on = _checked_description(description), due_on
        set_items(invoice, lines)
        for application in applications:
            drafts.require_within_debt(session, application, over[application.id])
        after = drafts.said_by(session, invoice)
        changes = {key: [before[key], after[key]] for key in after if before[key] != after[key]}
        if changes:
            note(session, invoice, "edit", "Draft edited", actor, details={"changes": changes})


def send_invoice(invoice_id: int, *, decided_at: dt.datetime | None = None, actor: Actor) -> Issued:
    """Issue a draft, or send an open invoice again; a draft without balance closes as paid.

    decided_at -- when staff asked for it, where it was queued since: refused (code ``set_back``)
                  when somebody set the invoice back to draft after that
    """
    with transaction() as session:
        invoice = lock_invoice(session, invoice_id)
        guards.require(why_set_back_since(session, invoice, decided_at))
        return send(session, invoice, actor)


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
