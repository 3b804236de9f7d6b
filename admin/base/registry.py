"""What is registered with this application: record types and pages, found by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import current_app, url_for

if TYPE_CHECKING:
    from admin.base.page import GuardedView
    from admin.base.view import RecordView

EXTENSION = "counterfoil_panel"


@dataclass
class Registry:
    """views: of record types by name, such as ``invoice``; entries: everything, in menu order."""

    views: dict[str, RecordView] = field(default_factory=dict)
    entries: list[GuardedView] = field(default_factory=list)


def registry() -> Registry:
    """Return what this application's panel consists of."""
    found: Registry = current_app.extensions[EXTENSION]
    return found


def view_of(model: Any) -> RecordView | None:
    """Return the view that shows records of ``model``, if it is registered."""
    return registry().views.get(model.__name__.lower())


def eye_prefix(name: str) -> str | None:
    """Return the Eye page's address of record type ``name`` up to the id, or None.

    None when there is no such type, or when the person signed in may not see its records.
    """
    view = registry().views.get(name)
    if view is None or not view.is_accessible():
        return None
    return url_for(f"{view.endpoint}.details_view", id="")


def record_url(record: Any) -> str | None:
    """Return the address of a record's Eye page; None without one or without the permission."""
    prefix = eye_prefix(type(record).__name__.lower())
    return None if prefix is None else f"{prefix}{record.id}"


def lookup_url(model: Any) -> str:
    """Return where a field looks up records of ``model``; empty for an unregistered type."""
    view = view_of(model)
    return "" if view is None else url_for(f"{view.endpoint}.lookup")


@dataclass(frozen=True)
class MenuItem:
    label: str
    url: str
    icon: str
    current: bool


def menu(here: Any) -> list[tuple[str, list[MenuItem]]]:
    """Return the left panel: groups with the entries this person may open, in order."""
    groups: dict[str, list[MenuItem]] = {}
    for entry in registry().entries:
        if entry.is_visible() and entry.is_accessible():
            item = MenuItem(
                str(entry.name),
                url_for(f"{entry.endpoint}.{entry._default_view}"),
                entry.icon,
                here is entry,
            )
            groups.setdefault(entry.group, []).append(item)
    return list(groups.items())
