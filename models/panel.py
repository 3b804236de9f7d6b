"""What the staff panel may know about a table, declared on the model itself.

The panel's grids, pages, forms, filters, CSV, scope and access are generated from these. Everything
has a default, so a new record type needs only its columns; any single thing can be overridden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement


@dataclass(frozen=True)
class Panel:
    """How one record type appears to staff.

    label, plural -- its name, singular and plural, in sentence case
    area          -- prefix of its permissions: ``<area>.view``, ``<area>.edit``
    icon          -- name of its icon in the menu
    group         -- heading of the menu group it stands under
    columns       -- attributes shown in the grid, in order; a dotted name crosses one relation
    filters       -- attributes offered as filters
    form          -- attributes staff may edit; empty: the record is written by verbs only
    sections      -- (heading, attributes) blocks of the Eye page
    related       -- (heading, relationship) tables of the Eye page
    site_path     -- dotted path from the record to its site id; None: not bound to a site
    within        -- given site ids, the condition that a record belongs to one of them, where the
                     path alone does not say it
    title         -- attribute that names a record
    beside        -- relation whose title is said with it where one is chosen among many
    hidden        -- states the grid leaves out until they are asked for
    export        -- whether the filtered grid can be exported as CSV
    """

    label: str
    plural: str
    area: str
    icon: str = "file"
    group: str = ""
    columns: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    form: tuple[str, ...] = ()
    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()
    related: tuple[tuple[str, str], ...] = ()
    site_path: str | None = None
    within: Callable[[Sequence[int]], ColumnElement[bool]] | None = None
    title: str = "id"
    beside: str = ""
    hidden: tuple[str, ...] = ()
    export: bool = True


@dataclass(frozen=True)
class Caption:
    """A column's words for people.

    text -- the label, in sentence case
    kind -- how to show it: text, money, state, date, datetime, email, phone, multiline, yes_no,
            percent, link or json
    hint -- one short sentence under the field of a form
    """

    text: str
    kind: str = "text"
    hint: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def labelled(text: str, kind: str = "text", hint: str = "") -> dict[str, Any]:
    """Return a column's ``info`` with its label, kind (see ``Caption``) and form hint."""
    return {"label": Caption(text, kind, hint)}
