"""What an application costs: its form's rules, the user's address and the number of items.

Fees follow the address and the answers as long as the form is open. What was invoiced already is
never rewritten: it shows as a difference, which staff invoice or credit.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from applications import guards
from applications.letters import outstanding_balance
from billing import clock, ledger
from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import NotFound, Refusal
from billing.history import note
from billing.invoicing import Issued, generate_invoice
from billing.locks import lock_application, read_sums
from billing.money import MAX_AMOUNT
from billing.office import in_words
from billing.proof import FEES_CHANGED
from billing.transitions import move
from models import Application, ApplicationFee, Form, FormFee, Invoice, User
from models.states import OPEN_INVOICE_STATES, ApplicationState, FeeRule, InvoiceState

ITEMS = "items"
MAX_ITEMS = 1000
MAX_REASON = 4000


@dataclass(frozen=True)
class Fee:
    """One fee as the rules make it; ``amount`` is minor units for all of ``quantity``."""

    label: str
    quantity: int
    amount: int


def is_resident(form: Form, user: User) -> bool:
    """Whether the form counts this address as a resident's.

    A line of ``form.resident_places`` is a postal code or a town; letter case and the add-on of a
    ZIP+4 don't matter. Without any line everybody is a resident.
    """
    places = {_plain(place) for place in form.resident_places if _plain(place)}
    postal_code = _plain(user.postal_code)
    here = {postal_code, postal_code.partition("-")[0], _plain(user.city)} - {""}
    return not places or bool(places & here)


def count_items(form: Form, answers: dict[str, Any]) -> int:
    """Return how many items the answers name: ``answers["items"]``, 1 when the form counts none.

    Raises ``Refusal`` (field ``items``) for anything but a whole number from 1 to 1,000.
    """
    if not form.item_name:
        return 1
    items = answers.get(ITEMS, 1)
    if isinstance(items, bool) or not isinstance(items, int) or not 1 <= items <= MAX_ITEMS:
        raise Refusal(f"Enter a whole number from 1 to {MAX_ITEMS:,}.", "items", ITEMS)
    return items


def fees_for(form: Form, user: User, answers: dict[str, Any]) -> list[Fee]:
    """Return the fees that apply, in the form's order."""
    wanted = {
        FeeRule.EVERYONE,
        FeeRule.RESIDENT if is_resident(form, user) else FeeRule.NON_RESIDENT,
    }
    items = count_items(form, answers)
    fees = []
    for fee in form.fees:
        if fee.rule in wanted:
            quantity = items if fee.per_item else 1
            fees.append(Fee(fee.label, quantity, fee.amount * quantity))
    if sum(fee.amount for fee in fees) > MAX_AMOUNT:
        raise Refusal("These fees come to too large an amount.", "amount_too_large", ITEMS)
    return fees


def recompute(session: Session, application: Application, actor: Actor, why: str) -> int:
    """Replace the fees by what the rules make now and return the difference in minor units.

    Part of the caller's transaction, which holds the locks of user and application. Nothing is
    written when nothing changes. Raises ``Refusal`` (code ``no_fees``) when the fees of the form
    are gone although the application has some.
    """
    form = session.get_one(Form, application.form_id)
    user = session.get_one(User, application.user_id)
    if application.fees_total and not session.scalar(
        select(FormFee.id).where(FormFee.form_id == form.id).limit(1)
    ):
        raise Refusal(
            f"The form “{form.name}” has no fees any more, so they can't be worked out. "
            "The office has to put them back first.",
            "no_fees",
        )
    fees = fees_for(form, user, application.answers)
    before, after = application.fees_total, sum(fee.amount for fee in fees)
    old = [Fee(fee.label, fee.quantity, fee.amount) for fee in application.fees]
    if old == fees and before == after:
        return 0
    _replace(session, application, fees)
    application.fees_total = after
    read_sums(session, application)
    if before != after and (application.state is not ApplicationState.DRAFT or before):
        sentence = f"Fees changed from {in_words(session, before)} to {in_words(session, after)}"
        details = {"before": before, "after": after, "difference": after - before}
        row = note(session, application, FEES_CHANGED, sentence, actor, reason=why, details=details)
        session.flush()
        if after > before and application.state is not ApplicationState.DRAFT:
            outstanding_balance(session, application, row.id)
    return after - before


def _replace(session: Session, application: Application, fees: list[Fee]) -> None:
    for old in application.fees:
        session.delete(old)
    session.flush()
    for fee in fees:
        session.add(
            ApplicationFee(
                application_id=application.id,
                label=fee.label,
                quantity=fee.quantity,
                amount=fee.amount,
            )
        )
    session.flush()
    session.expire(application, ["fees"])


def lock_with_user(session: Session, application_id: int) -> Application:
    """Lock the user, then the application, and return it with its sums read anew."""
    found = session.get(Application, application_id)
    if found is None:
        raise NotFound("application")
    lock(session, User, found.user_id)
    return lock_application(session, application_id)


def difference_description(application: Application) -> str:
    """Return what the description field of Invoice the difference starts with."""
    return f"Difference in fees for {application.form.name} ({application.reference})"


def invoice_difference(
    application_id: int, *, description: str, due_on: dt.date | None, actor: Actor
) -> Issued:
    """Invoice what the fees rose by since the last invoice, and send it.

    The same as Generate Invoice for the part that no invoice carries; refused without an earlier
    invoice, without a difference, and while the application is not approved.
    """
    with transaction() as session:
        application = lock_application(session, application_id)
        guards.require(guards.why_not_invoice_difference(session, application))
    # Generating asks again under its own lock, so what changed in between is refused there.
    return generate_invoice(application_id, description=description, due_on=due_on, actor=actor)


def credit_difference(application_id: int, *, reason: str, actor: Actor) -> int:
    """Credit what the fees fell by on the open invoices, the newest first; return minor units.

    Credits at most what is unpaid: what was paid already is paid back by a refund. An invoice that
    nothing is left to pay on is closed. Refused without a reason or an open invoice, and while a
    payment is in flight.
    """
    why = checked_reason(reason)
    with transaction() as session:
        application = lock_application(session, application_id)
        unpaid = [invoice.id for invoice in guards.carriers_of(session, application)]
        invoices = [lock(session, Invoice, number) for number in sorted(unpaid)]
        guards.require(guards.why_not_credit_difference(session, application))
        left = -application.difference
        for invoice in reversed(invoices):
            if invoice.state in OPEN_INVOICE_STATES:
                left -= _credit(session, application, invoice, left, why, actor)
        credited = -application.difference - left
        sentence = f"{in_words(session, credited)} credited because the fees fell"
        note(session, application, "credit_difference", sentence, actor, reason=why)
        return credited


def _credit(
    session: Session,
    application: Application,
    invoice: Invoice,
    most: int,
    reason: str,
    actor: Actor,
) -> int:
    amount = min(most, invoice.balance_now)
    if amount <= 0:
        return 0
    ledger.give_credit(session, invoice, amount, reason, application=application)
    words = in_words(session, amount)
    if invoice.balance_now == 0:
        invoice.paid_at = clock.now()
        sentence = f"{words} credited; nothing is left to pay"
        move(session, invoice, "close", InvoiceState.PAID, actor, sentence, reason=reason)
    else:
        note(session, invoice, "credit", f"{words} credited", actor, reason=reason)
    return amount


def checked_reason(reason: str, field: str = "reason") -> str:
    """Return a tidy reason; ``Refusal`` without one."""
    plain = reason.replace("\x00", "").strip()
    if not plain:
        raise Refusal("Say why.", "no_reason", field)
    if len(plain) > MAX_REASON:
        raise Refusal(f"At most {MAX_REASON:,} characters, please.", "too_long", field)
    return plain


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
