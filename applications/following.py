"""What follows for applications when something else changed: a payment, or an address.

Both run inside the transaction of their cause, so a crash can't come between.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from applications.deciding import decide, resubmit
from applications.fees import recompute
from billing.actor import SYSTEM, Actor
from billing.claims import live_payment
from billing.history import note
from billing.hooks import Change
from billing.locks import lock_application, read_sums
from billing.office import in_words
from billing.transitions import move
from models import Application, Form, Invoice, User
from models.states import ActorKind, ApplicationState, InvoiceState, PaymentKind, PaymentState

A = ApplicationState
_CAME_TO_NOTHING = (PaymentState.DECLINED, PaymentState.FAILED, PaymentState.VOIDED)
_ADDRESS = ("street", "city", "region", "postal_code", "country")


def follow_payment(
    session: Session, change: Change, invoices: Sequence[Invoice], actor: Actor
) -> None:
    """Move the applications whose balance this payment paid; tidy up where it came to nothing."""
    for invoice in invoices:
        application = _about(session, invoice)
        if application is None:
            continue
        read_sums(session, application)
        if change.payment.kind is PaymentKind.REFUND:
            _note_what_is_owed(session, change, application, actor)
        elif change.brought_money:
            _paid(session, change, application, actor)
        elif change.lost_money:
            _note_what_is_owed(session, change, application, actor)
        elif change.after in _CAME_TO_NOTHING:
            _give_up(session, invoice, actor)


def _about(session: Session, invoice: Invoice) -> Application | None:
    if invoice.billable_id is None:
        return None
    about = select(Application).where(Application.billable_id == invoice.billable_id)
    return session.scalars(about).first()


def _paid(session: Session, change: Change, application: Application, actor: Actor) -> None:
    """Settled by staff: approved by itself. Paid online: pending (again)."""
    if application.outstanding_balance > 0 or application.fees_total == 0:
        return
    undecided = application.state in (A.PENDING, A.REJECTED)
    # Credit is money of long ago: who uses it now settles the balance, not who paid it then.
    who = actor.kind if change.applied else change.payment.initiated_by
    if undecided and who == ActorKind.STAFF:
        sentence = "Outstanding balance settled, so approved"
        decide(session, application, "settle", A.APPROVED, sentence, actor)
    elif application.state is A.REJECTED:
        sentence = "Outstanding balance paid, so pending again"
        move(session, application, "resubmit", A.PENDING, actor, sentence)
    else:
        note(session, application, "balance_paid", "Outstanding balance paid", actor)


def _note_what_is_owed(
    session: Session, change: Change, application: Application, actor: Actor
) -> None:
    """Money went away again: the application keeps its state, and its page says what is owed."""
    if not (change.brought_money or change.lost_money) or application.outstanding_balance <= 0:
        return
    owed = in_words(session, application.outstanding_balance)
    note(session, application, "balance_open", f"{owed} is outstanding again", actor)


def _give_up(session: Session, invoice: Invoice, actor: Actor) -> None:
    """Delete a silent invoice nobody paid, so that the debt can be collected another way."""
    untouched = not invoice.allocated and not invoice.credited
    if (
        invoice.silent
        and invoice.state is InvoiceState.DRAFT
        and untouched
        and live_payment(session, invoice) is None
    ):
        sentence = "Nothing was collected, so it is not needed"
        move(session, invoice, "delete", InvoiceState.DELETED, actor, sentence)


def follow_address(session: Session, user: User, is_new: bool) -> None:
    """Work the fees out anew when staff change a user's address (a check of every save)."""
    changed = any(inspect(user).attrs[name].history.has_changes() for name in _ADDRESS)
    if changed and not is_new:
        recompute_of(session, user, SYSTEM)


def recompute_of(session: Session, user: User, actor: Actor) -> dict[int, int]:
    """Let the fees of a user's applications follow the address, in the caller's transaction.

    The user's lock is held. Only forms that are still open count: moving house does not change what
    a permit of years ago cost. Returns application id → minor units by which its fees changed; what
    the user's own change left rejected goes back to pending.
    """
    session.flush()
    wanted = (
        select(Application.id)
        .join(Form, Form.id == Application.form_id)
        .where(Application.user_id == user.id, Application.state != A.INACTIVE, Form.active)
        .order_by(Application.id)
    )
    differences = {}
    for application_id in session.scalars(wanted).all():
        application = lock_application(session, application_id)
        difference = recompute(session, application, actor, "The address changed")
        resubmit(session, application, actor, "Address corrected and handed in again")
        if difference:
            differences[application_id] = difference
    return differences
