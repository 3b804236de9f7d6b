"""Changing what the office decided about itself: one checked form, logged with before and after.

Every value is checked here, however it arrives: as typed text or as what it means already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.history import note
from billing.logo import store_logo
from billing.office import get_settings
from billing.overdue import Effect, effect_of, recompute
from billing.setting_values import READERS
from models import Invoice, Settings

# What an invoice's ``overdue_on`` follows from, besides its own dates, and what its history says
# when that was changed; the first one changed is told.
_WHY = {
    "overdue_age": "the overdue age was changed",
    "overdue_basis": "what the overdue age counts from was changed",
    "timezone": "the office's time zone was changed",
}
DATING = frozenset(_WHY)


@dataclass(frozen=True)
class Changed:
    """names: the settings that have another value now; redated: the invoices that become overdue
    on another day because of it."""

    names: tuple[str, ...]
    redated: int = 0


def problems(values: dict[str, Any]) -> list[Refusal]:
    """Return what is wrong with ``values``, each with its field: for a form, all at once."""
    found = []
    for name, value in values.items():
        try:
            READERS[name](name, value)
        except Refusal as refusal:
            found.append(refusal)
    return found


def preview_settings(session: Session, values: dict[str, Any]) -> Effect:
    """Return what saving ``values`` would do to the unpaid invoices; nothing is changed.

    values -- setting → value, as for ``change_settings``; raises its ``Refusal``
    """
    settings = get_settings(session)
    then = {name: getattr(settings, name) for name in DATING}
    then.update({name: READERS[name](name, values[name]) for name in DATING & set(values)})
    if all(getattr(settings, name) == value for name, value in then.items()):
        return Effect()
    return effect_of(session, settings, Settings(**then))


def change_settings(
    values: dict[str, Any],
    actor: Actor,
    *,
    shown: dict[str, Any] | None = None,
    logo: bytes | None = None,
) -> Changed:
    """Change the settings named in ``values`` and return what that changed.

    values -- setting → value, as typed or as it is meant (see ``billing.setting_values``)
    shown  -- setting → value the form started from, in the same two ways; when somebody changed
              one of them since, nothing is saved (code ``changed``)
    logo   -- the picture to show from now on, empty for none; None: as it is

    Unpaid invoices get the day on which the new overdue age, basis and zone make them overdue, in
    the same transaction. Raises ``Refusal`` with the field it is about; the currency can't change
    once there are invoices, because their amounts are in it.
    """
    read = {name: READERS[name](name, value) for name, value in values.items()}
    with transaction() as session:
        settings = lock(session, Settings, 1)
        before = {name: getattr(settings, name) for name in read}
        _refuse_if_changed(before, shown or {})
        changes = {name: value for name, value in read.items() if value != before[name]}
        if logo is not None:
            store_logo(session, settings, logo, actor)
        if not changes:
            return Changed(())
        if "currency" in changes:
            _refuse_other_currency(session, settings)
        for name, value in changes.items():
            setattr(settings, name, value)
        settings.updated_at = clock.now()
        why = next((why for name, why in _WHY.items() if name in changes), "")
        redated = recompute(session, settings, actor, why) if why else 0
        _log(session, settings, before, changes, redated, actor)
        return Changed(tuple(sorted(changes)), redated)


def _refuse_if_changed(before: dict[str, Any], shown: dict[str, Any]) -> None:
    for name, value in shown.items():
        if name in before and READERS[name](name, value) != before[name]:
            raise Refusal(
                "Somebody else has just changed this. Compare, then save again.", "changed", name
            )


def _refuse_other_currency(session: Session, settings: Settings) -> None:
    if session.scalar(select(Invoice.id).limit(1)) is not None:
        raise Refusal(
            f"There are invoices in {settings.currency} already, so the currency stays.",
            "currency_in_use",
            "currency",
        )


def _log(
    session: Session,
    settings: Settings,
    before: dict[str, Any],
    changes: dict[str, Any],
    redated: int,
    actor: Actor,
) -> None:
    sentence = f"Changed {', '.join(sorted(changes)).replace('_', ' ')}"
    if redated:
        who = "invoice becomes" if redated == 1 else "invoices become"
        sentence += f"; {redated} {who} overdue on another day"
    details = {
        "changes": {name: [before[name], value] for name, value in sorted(changes.items())},
        "redated": redated,
    }
    note(session, settings, "change_settings", sentence, actor, details=details)
