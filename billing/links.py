"""The signed link that opens one invoice without signing in.

A token is ``id, version, day`` with an HMAC-SHA256 over it (the whole digest, so 256 bits to
guess). Raising ``invoices.link_version`` kills every link given out before. Forged, rotated and
expired are one answer, ``LinkDead``: a stranger learns nothing from the difference.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.orm import Session

from billing import clock, runtime
from billing.mailing import queue_email
from billing.office import get_settings
from models import Invoice

_EPOCH = dt.date(2020, 1, 1)


class LinkDead(Exception):
    """The link does not open anything (any more)."""


def _serializer() -> URLSafeSerializer:
    secret = runtime.current().link_secret
    return URLSafeSerializer(
        secret, salt="invoice-link", signer_kwargs={"digest_method": hashlib.sha256}
    )


def _day() -> int:
    return (clock.now().date() - _EPOCH).days


def invoice_token(invoice: Invoice) -> str:
    """Return a token that opens ``invoice`` for as long as the settings say."""
    return str(_serializer().dumps([invoice.id, invoice.link_version, _day()]))


def invoice_url(invoice: Invoice) -> str:
    """Return the address of the customer's page for ``invoice``."""
    return f"{runtime.current().public_url}/i/{invoice_token(invoice)}"


def read_invoice_token(session: Session, token: str) -> Invoice:
    """Return the invoice that ``token`` opens; raises ``LinkDead``."""
    invoice, version, day = _read(session, token)
    age = _day() - day
    if version != invoice.link_version or not 0 <= age <= get_settings(session).link_days:
        raise LinkDead
    return invoice


def fresh_link(session: Session, token: str) -> bool:
    """Queue a mail with a fresh link to the invoice's own customer, if ``token`` was ever ours.

    At most one an hour and invoice. The caller must answer the same either way; the return value
    (whether a mail was queued) is for the log.
    """
    try:
        invoice, _version, _issued = _read(session, token)
    except LinkDead:
        return False
    hour = clock.now().strftime("%Y%m%d%H")
    queued = queue_email(
        session, "fresh_link", f"fresh-link:{invoice.id}:{hour}", invoice.user, invoice=invoice
    )
    return queued is not None


def _read(session: Session, token: str) -> tuple[Invoice, int, int]:
    try:
        invoice_id, version, day = _serializer().loads(token[:300])
        invoice = session.get(Invoice, int(invoice_id))
    except (BadData, ValueError, TypeError):
        raise LinkDead from None
    if invoice is None:
        raise LinkDead
    return invoice, int(version), int(day)
