"""The one save behind every form of the panel: check, write, log what changed, commit.

Only attributes named in the model's ``Panel.form`` can be written here, so no form can ever reach a
state or an amount of money.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.history import note
from billing.items import Line, build_item
from billing.method_links import end_links_of
from models import (
    Base,
    Billable,
    Label,
    PredefinedCharge,
    Rental,
    Role,
    Settings,
    Staff,
    Unit,
    User,
)
from models.permissions import PERMISSIONS

MAX_LABEL = 40
EMAIL = re.compile(r"[^@\s<>,;:\"\\]+@[^@\s<>,;:\"\\]+\.[^@\s<>,;:\"\\.]{2,}")


def save_record(
    model: type[Any],
    record_id: int | None,
    values: dict[str, Any],
    actor: Actor,
    *,
    shown: dict[str, Any] | None = None,
) -> int:
    """Create (``record_id`` None) or change a record and return its id.

    values -- attribute → value, only attributes of ``model.__panel__.form``
    shown  -- attribute → value the form started from; when somebody changed one of them since,
              the save is refused (code ``changed``) instead of overwriting their work

    Raises ``Refusal`` with the field it is about; nothing is changed then.
    """
    allowed = set(model.__panel__.form)
    strangers = set(values) - allowed
    if strangers:
        raise RuntimeError(f"{model.__name__}.{strangers} can't be saved from a form")
    try:
        with transaction() as session:
            record = lock(session, model, record_id) if record_id is not None else model()
            return _save(session, record, values, actor, shown or {})
    except IntegrityError as error:
        raise Refusal(_in_words(model, str(error.orig)), "not_unique") from error


def _save(
    session: Session, record: Any, values: dict[str, Any], actor: Actor, shown: dict[str, Any]
) -> int:
    is_new = record.id is None
    before = {} if is_new else {name: _plain(getattr(record, name)) for name in values}
    _refuse_if_changed(before, shown)
    with session.no_autoflush:
        for name, value in values.items():
            setattr(record, name, _attached(session, value))
        for check in CHECKS.get(type(record), ()):
            check(session, record, is_new)
        session.add(record)
    session.flush()
    after = {name: _plain(getattr(record, name)) for name in values}
    changes = {
        name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]
    }
    if is_new or changes:
        verb = "create" if is_new else "edit"
        word = "Created" if is_new else f"Changed {', '.join(sorted(changes)).replace('_', ' ')}"
        # A customer's own data stay out of the log, so that they can be erased without touching it.
        details = {} if isinstance(record, User) else {"changes": changes}
        note(session, record, verb, word, actor, details=details)
    return int(record.id)


def _refuse_if_changed(before: dict[str, Any], shown: dict[str, Any]) -> None:
    for name, value in shown.items():
        if name in before and before[name] != _plain(value):
            raise Refusal(
                "Somebody else changed this record while you had it open. Look again.", "changed"
            )


def _attached(session: Session, value: Any) -> Any:
    if isinstance(value, Base):
        return session.get(type(value), value.id)  # type: ignore[attr-defined]
    if isinstance(value, list):
        return [_attached(session, item) for item in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Base):
        return value.id  # type: ignore[attr-defined]
    if isinstance(value, list):
        return sorted(_plain(item) for item in value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def _in_words(model: type[Any], error: str) -> str:
    name = model.__name__.lower()
    if "unique" in error.lower() or "duplicate" in error.lower():
        return f"There is another {name} with the same name or address already."
    return "These values don't fit together."


def check_email(text: str | None, field: str = "email") -> str | None:
    """Return a tidy address or None for an empty one; ``Refusal`` when it can't be one."""
    plain = (text or "").strip()
    if not plain:
        return None
    if len(plain) > 254 or not EMAIL.fullmatch(plain):
        raise Refusal("That is not an e-mail address.", "email", field)
    return plain


def _check_user(_session: Session, user: User, is_new: bool) -> None:
    user.name = _required(user.name, "name", "Enter a name.")
    user.email = check_email(user.email)
    if user.no_email and user.email:
        raise Refusal("Leave the address empty, or untick “No e-mail”.", "email", "email")
    if is_new:
        user.created_at = clock.now()
    elif inspect(user).attrs.email.history.has_changes():
        end_links_of(user)


def _check_unit(session: Session, unit: Unit, is_new: bool) -> None:
    unit.name = _required(unit.name, "name", "Enter a name.")
    if unit.site is None:
        raise Refusal("Choose a site.", "required", "site")
    if is_new:
        unit.billable = Billable(kind="unit", site_id=unit.site.id, label=unit.name)
    else:
        unit.billable.label = unit.name
        unit.billable.site_id = unit.site.id


def _check_rental(_session: Session, rental: Rental, is_new: bool) -> None:
    if rental.ended_on and rental.started_on and rental.ended_on < rental.started_on:
        raise Refusal("It can't end before it starts.", "dates", "ended_on")


def _check_staff(_session: Session, staff: Staff, is_new: bool) -> None:
    staff.name = _required(staff.name, "name", "Enter a name.")
    staff.email = (check_email(staff.email) or "").lower()
    _required(staff.email, "email", "Enter an e-mail address.")
    staff.update_datetime = clock.now()
    if is_new:
        staff.create_datetime = clock.now()
        staff.fs_uniquifier = secrets.token_hex(16)


def _check_role(_session: Session, role: Role, is_new: bool) -> None:
    role.name = _required(role.name, "name", "Enter a name.")
    unknown = set(role.permissions or ()) - set(PERMISSIONS)
    if unknown:
        raise Refusal("Choose from the list.", "permissions", "permissions")


def check_label(session: Session, label: Label, _is_new: bool) -> None:
    """Refuse a label without a name, with a long one, or with another's but for small letters."""
    plain = (label.name or "").replace("\0", " ")
    label.name = " ".join(_required(plain, "name", "Enter a name.").split())
    if len(label.name) > MAX_LABEL:
        sentence = f"Use at most {MAX_LABEL} characters; this has {len(label.name)}."
        raise Refusal(sentence, "too_long", "name")
    # Whoever adds or renames a label waits here, so that two at once can't make the same.
    lock(session, Settings, 1)
    for other in session.scalars(select(Label)):
        if other.id != label.id and other.name.casefold() == label.name.casefold():
            raise Refusal(f"There is a label “{other.name}” already.", "not_unique", "name")


def _check_charge(_session: Session, charge: PredefinedCharge, _is_new: bool) -> None:
    """Refuse what could not stand on an invoice as it is."""
    charge.name = " ".join(_required(charge.name, "name", "Enter a name.").split())
    try:
        build_item(
            Line(
                charge.name,
                charge.unit_amount,
                tax_rate=charge.tax_rate,
                tax_inclusive=bool(charge.tax_inclusive),
            ),
            1,
        )
    except Refusal as refusal:
        field = "name" if refusal.field == "description" else refusal.field
        raise Refusal(refusal.sentence, refusal.code, field) from refusal


def _required(value: str | None, field: str, sentence: str) -> str:
    plain = (value or "").strip()
    if not plain:
        raise Refusal(sentence, "required", field)
    return plain


Check = Callable[[Session, Any, bool], None]
CHECKS: dict[type[Any], tuple[Check, ...]] = {
    User: (_check_user,),
    Unit: (_check_unit,),
    Rental: (_check_rental,),
    Staff: (_check_staff,),
    Role: (_check_role,),
    PredefinedCharge: (_check_charge,),
    Label: (check_label,),
}


def register_check(model: type[Any], check: Check) -> None:
    """Add a rule that every save of ``model`` must pass (for record types an office adds)."""
    CHECKS[model] = (*CHECKS.get(model, ()), check)
