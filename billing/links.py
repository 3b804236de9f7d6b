"""The signed link that opens one invoice without signing in.

Forged, rotated and expired are one answer, ``LinkDead``: a stranger learns nothing from the
difference.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing import clock, runtime
from billing.mailing import queue_email
from billing.office import get_settings
from billing.signed import LinkDead, Token, make_token, read_token
from models import Invoice

_SALT = "invoice-link"


def invoice_token(invoice: Invoice) -> str:
    """Return a token that opens ``invoice`` for as long as the settings say."""
    return make_token(_SALT, invoice.id, invoice.link_version)


def invoice_url(invoice: Invoice) -> str:
    """Return the address of the customer's page for ``invoice``."""
    return f"{runtime.current().public_url}/i/{invoice_token(invoice)}"


def read_invoice_token(session: Session, token: str) -> Invoice:
    """Return the invoice that ``token`` opens; raises ``LinkDead``."""
    invoice, read = _read(session, token)
    fresh = 0 <= read.age <= get_settings(session).link_days
    if read.version != invoice.link_version or not fresh:
        raise LinkDead
    return invoice


def fresh_link(session: Session, token: str) -> bool:
    """Queue a mail with a fresh link to the invoice's own customer, if ``token`` was ever ours.

    At most one an hour and invoice. The caller must answer the same either way; the return value
    (whether a mail was queued) is for the log.
    """
    try:
        invoice, _token = _read(session, token)
    except LinkDead:
        return False
    hour = clock.now().strftime("%Y%m%d%H")
    queued = queue_email(
        session, "fresh_link", f"fresh-link:{invoice.id}:{hour}", invoice.user, invoice=invoice
    )
    return queued is not None


def _read(session: Session, token: str) -> tuple[Invoice, Token]:
    read = read_token(_SALT, token)
    invoice = session.get(Invoice, read.record_id)
    if invoice is None:
        raise LinkDead
    return invoice, read
