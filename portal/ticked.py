"""The invoices a form of the account names, as far as they are this customer's."""

from __future__ import annotations

from collections.abc import Sequence

from flask import abort
from sqlalchemy import select

from models import Invoice, db
from portal.paying import MAX_ID

MOST = 100


def ticked(user_ids: Sequence[int], numbers: Sequence[str]) -> list[Invoice]:
    """Return the invoices with these ids; anything that is not of these users is not found."""
    if len(numbers) > MOST or any(not _is_id(number) for number in numbers):
        abort(404)
    wanted = {int(number) for number in numbers}
    found = select(Invoice).where(Invoice.id.in_(wanted), Invoice.user_id.in_(user_ids))
    invoices = list(db.session.scalars(found.order_by(Invoice.id)))
    if len(invoices) != len(wanted):
        abort(404)
    return invoices


def _is_id(number: str) -> bool:
    return number.isascii() and number.isdigit() and len(number) <= 16 and int(number) <= MAX_ID
