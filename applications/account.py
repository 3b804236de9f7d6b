"""What signed-in customers see and change of their own. ``user_ids``: all who share the address."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from applications.following import recompute_of
from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.history import note
from models import Application, Form, Invoice, User
from models.states import ApplicationState, InvoiceState

_SHOWN = (InvoiceState.SENT, InvoiceState.FAILED, InvoiceState.PENDING, InvoiceState.PAID)


def applications_of(
    session: Session, user_ids: Collection[int], *, limit: int = 200
) -> list[Application]:
    """Return these users' applications with their forms, the newest first."""
    rows = select(Application).where(Application.user_id.in_(list(user_ids)))
    rows = rows.options(joinedload(Application.form), joinedload(Application.user))
    return list(session.scalars(rows.order_by(Application.id.desc()).limit(limit)))


def invoices_of(session: Session, user_ids: Collection[int], *, limit: int = 200) -> list[Invoice]:
    """Return the invoices these users may see, the newest first: no drafts, nothing deleted."""
    rows = select(Invoice).where(Invoice.user_id.in_(list(user_ids)), Invoice.state.in_(_SHOWN))
    rows = rows.options(joinedload(Invoice.user))
    return list(session.scalars(rows.order_by(Invoice.id.desc()).limit(limit)))


def open_forms(session: Session, user: User, *, limit: int = 50) -> list[Form]:
    """Return the forms ``user`` can apply on, by name: open ones, and none of another site."""
    rows = select(Form).where(Form.active)
    if user.site_id is not None:
        rows = rows.where(or_(Form.site_id.is_(None), Form.site_id == user.site_id))
    return list(session.scalars(rows.order_by(Form.name, Form.id).limit(limit)))


def draft_on(session: Session, user: User, form: Form) -> int | None:
    """Return the id of the user's newest draft on ``form``, if there is one to go on with."""
    rows = select(Application.id).where(
        Application.user_id == user.id,
        Application.form_id == form.id,
        Application.state == ApplicationState.DRAFT,
    )
    return session.scalar(rows.order_by(Application.id.desc()).limit(1))


def change_address(
    user_id: int,
    *,
    street: str,
    city: str,
    region: str = "",
    postal_code: str = "",
    country: str = "",
    actor: Actor,
) -> dict[int, int]:
    """Correct a user's address; the fees of open applications follow it.

    Returns application id → minor units by which its fees changed. A rejected application goes back
    to pending when its user corrects the address. Raises ``Refusal`` at the field, and (code
    ``no_fees``) when a form's fees are gone; nothing is changed then.
    """
    address = {
        "street": _checked(street, "street", 200, "Enter the street."),
        "city": _checked(city, "city", 120, "Enter the town."),
        "region": _checked(region, "region", 120),
        "postal_code": _checked(postal_code, "postal_code", 20),
        "country": _checked(country, "country", 80),
    }
    with transaction() as session:
        user = lock(session, User, user_id)
        if all(getattr(user, name) == value for name, value in address.items()):
            return {}
        for name, value in address.items():
            setattr(user, name, value)
        # The address itself stays out of the history: a user can be erased without touching it.
        note(session, user, "change_address", "Address changed", actor)
        return recompute_of(session, user, actor)


def _checked(text: str, field: str, longest: int, missing: str = "") -> str:
    plain = " ".join(text.replace("\x00", "").split())
    if missing and not plain:
        raise Refusal(missing, "required", field)
    if len(plain) > longest:
        raise Refusal(f"At most {longest} characters, please.", "too_long", field)
    return plain
