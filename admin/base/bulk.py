"""Verbs on many rows of a grid: the buttons in the bar under it, and what they are for.

A view lists them as ``bulk_actions``. A button opens its page with the rows that were ticked
(``id``), or with ``all=1`` and the grid's own filters, which the page reads as the grid does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from admin.base.access import holds

# What the bar adds to the address; all else in it is the grid's.
TICKED, ALL = "id", "all"


@dataclass(frozen=True)
class BulkAction:
    """One button of the bar: shown with its permission only, leading to ``endpoint`` by GET."""

    label: str
    icon: str
    permission: str
    endpoint: str


def allowed(actions: Iterable[BulkAction]) -> list[BulkAction]:
    """Return the buttons the person signed in may press."""
    return [each for each in actions if holds(each.permission)]
