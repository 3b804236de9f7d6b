"""What a statement's letter says and brings with it, read when it is written."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from billing.links import invoice_url
from billing.statements import Statement, statement_of
from documents import statement_pdf
from models import OutgoingEmail, Unit, User
from models.within import read


def statement_context(email: OutgoingEmail, session: Session) -> dict[str, Any]:
    """Return the statement, and each of its rows with the address that opens the invoice."""
    statement = _read(email, session)
    rows = [(row, invoice_url(row.invoice)) for row in statement.rows]
    return {"statement": statement, "statement_rows": rows}


def statement_file(email: OutgoingEmail, session: Session) -> tuple[str, bytes]:
    """Return the name and the content of the PDF that goes with it."""
    statement = _read(email, session)
    return f"statement-{statement.on.isoformat()}.pdf", statement_pdf(session, statement)


def _read(email: OutgoingEmail, session: Session) -> Statement:
    unit_id = email.params.get("unit_id")
    unit = session.get_one(Unit, unit_id) if unit_id else None
    user = session.get_one(User, email.user_id)
    return statement_of(session, user, unit, site_ids=read(email.params.get("sites", "")))
