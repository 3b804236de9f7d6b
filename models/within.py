"""Who and what belongs to some sites, where one path from the record to its site can't say it.

``Panel.within`` names these. They are conditions on the record alone (EXISTS, never a join), so a
statement that takes one in keeps its rows as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select


def users_within(sites: Sequence[Any]) -> ColumnElement[bool]:
    """Return the condition that a user has to do with one of ``sites``: ids, or columns of them.

    They live there, have rented a unit there at some time, applied there or were invoiced there:
    whoever works at the site deals with them, wherever else they are known.
    """
    from models.application import Application
    from models.invoice import Invoice
    from models.places import Rental, Unit
    from models.user import User

    return or_(
        User.site_id.in_(sites),
        User.rentals.any(Rental.unit.has(Unit.site_id.in_(sites))),
        User.invoices.any(Invoice.site_id.in_(sites)),
        User.applications.any(Application.site_id.in_(sites)),
    )


def letters_within(sites: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition that a letter tells of nothing but ``sites``.

    It belongs where its invoice does, else where its payment does (one for invoices of several
    sites belongs to none), else where its application does, else to its user. A statement lists
    what is owed at every site, unless it was made for some of them.
    """
    from models.application import Application
    from models.email import OutgoingEmail
    from models.invoice import Invoice
    from models.payment import Payment

    paid_here = select(Payment.id).where(Payment.site_id.in_(sites))
    application = OutgoingEmail.params["application_id"].as_integer()
    applied_here = select(Application.id).where(Application.site_id.in_(sites))
    made_for = OutgoingEmail.params["sites"].as_string()
    own = {written(sites), *(written([site]) for site in sites)}
    return or_(
        OutgoingEmail.invoice.has(Invoice.site_id.in_(sites)),
        and_(OutgoingEmail.invoice_id.is_(None), OutgoingEmail.payment_id.in_(paid_here)),
        and_(
            OutgoingEmail.invoice_id.is_(None),
            OutgoingEmail.payment_id.is_(None),
            OutgoingEmail.user.has(users_within(sites)),
            or_(application.is_(None), application.in_(applied_here)),
            or_(OutgoingEmail.kind != "statement", made_for.in_(sorted(own))),
        ),
    )


def written(sites: Sequence[int]) -> str:
    """Return ``sites`` the way a letter's parameters name them: always in the same order."""
    return ",".join(str(site) for site in sorted(sites))


def read(text: str) -> list[int]:
    """Return the sites that ``written`` wrote down."""
    return [int(site) for site in text.split(",") if site]
