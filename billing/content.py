"""What a customer sees of an invoice, frozen at each send.

The page, the PDF and the receipt show the latest frozen version, so a later change of the office's
address or the customer's name does not rewrite what was sent.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from billing import clock
from billing.office import get_settings
from models import Invoice, InvoiceVersion, Item, Settings, User


def content_of(session: Session, invoice: Invoice) -> dict[str, Any]:
    """Return the latest frozen content, or what would be frozen now for a draft.

    Dates are ISO strings, amounts minor units. What was paid is not in it: that is live.
    """
    version = session.scalar(
        select(InvoiceVersion)
        .where(InvoiceVersion.invoice_id == invoice.id)
        .order_by(InvoiceVersion.version.desc())
        .limit(1)
    )
    return version.content if version else build_content(session, invoice)


def freeze(session: Session, invoice: Invoice) -> int:
    """Keep what the invoice says now as its next version and return that version's number."""
    session.flush()
    last = session.scalar(
        select(func.max(InvoiceVersion.version)).where(InvoiceVersion.invoice_id == invoice.id)
    )
    version = (last or 0) + 1
    session.add(
        InvoiceVersion(
            invoice_id=invoice.id,
            version=version,
            frozen_at=clock.now(),
            total=invoice.total,
            content=build_content(session, invoice),
        )
    )
    return version


def unfreeze(session: Session, invoice: Invoice, since: dt.datetime) -> None:
    """Forget versions made at ``since`` or later: the charge they were made for never took place.

    Nobody was sent them, and the draft they are of may still be edited.
    """
    session.execute(
        delete(InvoiceVersion)
        .where(InvoiceVersion.invoice_id == invoice.id, InvoiceVersion.frozen_at >= since)
        .execution_options(synchronize_session=False)
    )


def build_content(session: Session, invoice: Invoice) -> dict[str, Any]:
    """Return what the invoice says at this moment, as plain JSON."""
    settings = get_settings(session)
    user = session.get_one(User, invoice.user_id)
    items = session.scalars(
        select(Item).where(Item.invoice_id == invoice.id).order_by(Item.position)
    ).all()
    return {
        "number": invoice.number,
        "description": invoice.description,
        "issued_on": invoice.issued_on.isoformat() if invoice.issued_on else None,
        "sent_on": invoice.sent_on.isoformat() if invoice.sent_on else None,
        "due_on": invoice.due_on.isoformat() if invoice.due_on else None,
        "currency": invoice.currency,
        "total": invoice.total,
        "net": sum(item.net for item in items),
        "tax": sum(item.tax for item in items),
        **letterhead(settings, user),
        "items": [_item(item) for item in items],
    }


def letterhead(settings: Settings, user: User) -> dict[str, Any]:
    """Return what every paper begins with: from whom, to whom, in which language's ways."""
    return {
        "locale": settings.locale,
        "organisation": _organisation(settings),
        "bill_to": {"name": user.name, "email": user.email, "address": user.address},
    }


def _organisation(settings: Settings) -> dict[str, str]:
    return {
        "name": settings.organisation,
        "tagline": settings.tagline,
        "address": settings.address,
        "phone": settings.phone,
        "email": settings.email,
        "website": settings.website,
        "accent": settings.accent,
        "footer": settings.invoice_footer,
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "description": item.description,
        "quantity": f"{item.quantity.normalize():f}",
        "unit_amount": item.unit_amount,
        "discount": item.discount,
        "tax_rate": f"{item.tax_rate.normalize():f}",
        "net": item.net,
        "tax": item.tax,
        "gross": item.gross,
    }
