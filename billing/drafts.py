"""What a draft may say: for whom, about what, and over how much.

Checks and small steps of the verbs in ``billing.invoicing``, inside their transactions.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection
from functools import partial
from typing import Any

from babel.dates import format_date
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from billing.errors import Refusal
from billing.guards import require, why_not_generate
from billing.items import say_item
from billing.locks import lock_application, read_sums
from billing.office import get_settings, in_words, local_today, number_in_words
from models import Application, Invoice, Rental, Unit, User


def why_not_invoice_user(user: User) -> Refusal | None:
    """Create invoice, from a user's page."""
    if user.erased_at is not None:
        return Refusal("This user was erased; nothing can be invoiced to them.", "user_erased")
    return None


def why_not_invoice_unit(session: Session, unit: Unit) -> Refusal | None:
    """Create invoice, from a unit's page: somebody has to rent it, or have left not long ago."""
    if not rentals_to_invoice(session, unit_id=unit.id):
        return Refusal("Nobody has rented this unit in the last 12 months.", "not_rented")
    return None


def why_not_invoice_application(session: Session, application: Application) -> Refusal | None:
    """Create invoice, from an application's page: what Generate Invoice would send at once."""
    user = session.get_one(User, application.user_id)
    return why_not_invoice_user(user) or why_not_generate(session, application)


def rentals_to_invoice(
    session: Session, *, user_id: int | None = None, unit_id: int | None = None
) -> list[Rental]:
    """Return the rentals of a user or of a unit that a new invoice can be about.

    Those that run today come first, the oldest first; then those that ended in the last 12 months,
    the newest end first, because a final bill is written after somebody has moved out. Nothing can
    be invoiced to an erased user, so theirs are left out.
    """
    today = local_today(session)
    rows = (
        select(Rental)
        .join(Rental.user)
        .where(
            Rental.started_on <= today,
            or_(Rental.ended_on.is_(None), Rental.ended_on >= _a_year_before(today)),
            User.erased_at.is_(None),
        )
        .options(contains_eager(Rental.user), joinedload(Rental.unit).joinedload(Unit.site))
        .order_by(Rental.started_on, Rental.id)
    )
    if user_id is not None:
        rows = rows.where(Rental.user_id == user_id)
    if unit_id is not None:
        rows = rows.where(Rental.unit_id == unit_id)
    found = session.scalars(rows).all()
    running = [each for each in found if not has_ended(session, each)]
    ended = [each for each in found if has_ended(session, each)]
    return running + sorted(ended, key=lambda each: (each.ended_on, each.id), reverse=True)


def has_ended(session: Session, rental: Rental) -> bool:
    """Whether its last day is over where the office is."""
    return rental.ended_on is not None and rental.ended_on < local_today(session)


def _a_year_before(day: dt.date) -> dt.date:
    if (day.month, day.day) == (2, 29):
        day -= dt.timedelta(days=1)
    return day.replace(year=day.year - 1)


def place(
    session: Session,
    invoice: Invoice,
    user: User,
    *,
    site_id: int | None,
    rental_id: int | None,
    billable_id: int | None,
    within: Collection[int],
) -> Application | None:
    """Say what ``invoice`` is about and where; see ``create_invoice`` for what is refused.

    Returns the application it is about, locked, if it is about one.
    """
    invoice.rental_id, invoice.billable_id = rental_id, billable_id
    invoice.site_id = site_id or user.site_id
    if rental_id is not None:
        unit = _checked_rental(session, user, rental_id, site_id).unit
        invoice.site_id, invoice.billable_id = unit.site_id, unit.billable_id
    if within and invoice.site_id not in within:
        raise Refusal(
            "This would be an invoice of another site. Ask the staff there to make it.",
            "other_site",
            "rental",
        )
    return _checked_application(session, user, invoice.billable_id)


def _checked_rental(session: Session, user: User, rental_id: int, shown_site: int | None) -> Rental:
    rental = session.get(Rental, rental_id)
    if rental is None:
        raise Refusal("There is no such rental any more. Look again.", "no_rental", "rental")
    if rental.user_id != user.id:
        raise Refusal("This rental is another user's.", "rental_of_another", "rental")
    today = local_today(session)
    if rental.ended_on is not None and rental.ended_on < _a_year_before(today):
        day = _day(session, rental.ended_on)
        sentence = f"This rental ended on {day}, more than 12 months ago."
        raise Refusal(sentence, "rental_ended", "rental")
    if rental.started_on > today:
        day = _day(session, rental.started_on)
        raise Refusal(f"This rental only begins on {day}.", "rental_not_begun", "rental")
    if shown_site is not None and rental.unit.site_id != shown_site:
        raise Refusal(
            f"{rental.unit.name} was moved to {rental.unit.site.name} meanwhile. Look again.",
            "unit_moved",
            "rental",
        )
    return rental


def _checked_application(
    session: Session, user: User, billable_id: int | None
) -> Application | None:
    if billable_id is None:
        return None
    found = session.scalar(select(Application.id).where(Application.billable_id == billable_id))
    if found is None:
        return None
    application = lock_application(session, found)
    if application.user_id != user.id:
        raise Refusal("This application is another user's.", "application_of_another")
    require(why_not_generate(session, application))
    return application


def overcharged(session: Session, application: Application) -> int:
    """Return by how many minor units the application's invoices exceed its fees, at least 0."""
    read_sums(session, application)
    return max(-application.difference, 0)


def require_within_debt(session: Session, application: Application, before: int = 0) -> None:
    """Refuse when the application's invoices now come to more than its fees.

    before -- minor units they exceeded them by already, because the fees fell since
    """
    over = overcharged(session, application)
    if over > before:
        raise Refusal(
            f"That is {in_words(session, over)} more than {application.reference} owes. Put what "
            "is not about this application on an invoice of its own.",
            "more_than_owed",
            "lines",
        )


def mark_of(invoice: Invoice) -> str:
    """Return what tells later whether somebody changed the draft meanwhile."""
    said = [
        invoice.description,
        str(invoice.due_on),
        *(
            [
                item.description,
                f"{item.quantity:.3f}",
                item.unit_amount,
                item.discount,
                f"{item.tax_rate:.4f}",
                item.tax_inclusive,
            ]
            for item in invoice.items
        ),
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def require_unchanged(invoice: Invoice, shown: str | None) -> None:
    """Refuse when the draft is not the one whose mark was shown; None was not shown any."""
    if shown is not None and shown != mark_of(invoice):
        raise Refusal("Somebody else changed this draft while you had it open.", "changed")


def said_by(session: Session, invoice: Invoice) -> dict[str, Any]:
    """Return what a draft says as plain JSON, for the before and after in the history."""
    money, number = partial(in_words, session), partial(number_in_words, session)
    return {
        "description": invoice.description,
        "due_on": invoice.due_on.isoformat() if invoice.due_on else None,
        "total": invoice.total,
        "items": [say_item(item, money, number) for item in invoice.items],
    }


def _day(session: Session, day: dt.date) -> str:
    return format_date(day, "medium", locale=get_settings(session).locale)
