"""The two ways a label ends: deleted, or merged into another one.

Both reach every record that has it, deleted invoices included: a label says nothing about money,
and a record can't keep a word that is gone. Set-based, a few statements however many there are,
and told in the history of each of them. Its id is never used again, so whatever else still names it
(an old address, a filter) finds nothing instead of another label.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import Table, delete, func, literal, or_, select
from sqlalchemy.orm import Session

from billing.actor import Actor
from billing.database import transaction
from billing.errors import NotFound, Refusal
from billing.guards import require
from billing.history import note
from billing.history_rows import note_each
from billing.labelling import TABLES, insert_missing
from models import Label, SavedFilter

# The name of the filter by labels in a grid's address, and the grids that have it.
_PARAM = "labels"
_GRIDS = tuple(model.__name__.lower() for model in TABLES)
_CHANGED = Refusal(
    "This label was put on or taken off somewhere meanwhile. Look at the numbers again.", "changed"
)


@dataclass(frozen=True)
class LabelUse:
    """On how many records a label is, and in how many saved filters, whoever keeps them."""

    users: int
    units: int
    invoices: int
    filters: int

    @property
    def mark(self) -> str:
        """What tells later whether it went onto or off any record meanwhile."""
        return f"{self.users}-{self.units}-{self.invoices}"

    @property
    def in_words(self) -> str:
        """ "1 user and 12 invoices"; empty when it is on nothing."""
        parts = [
            counted(getattr(self, each.name), each.name.removesuffix("s"))
            for each in fields(self)
            if each.name != "filters" and getattr(self, each.name)
        ]
        return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def counted(number: int, what: str) -> str:
    """Return "1 unit", "1,200 units"."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def label_use(session: Session, label_id: int) -> LabelUse:
    """Count what has a label, at every site."""
    counts = [
        select(func.count()).where(table.c.label_id == label_id).scalar_subquery()
        for table in TABLES.values()
    ]
    users, units, invoices = session.execute(select(*counts)).one()
    return LabelUse(users, units, invoices, len(_filters_with(session, label_id)))


def why_not_end(session: Session, label: Label, within: Collection[int]) -> Refusal | None:
    """Delete or merge a label: not by staff of some sites while records of others have it.

    within -- the sites of the person who asks; empty: every site
    """
    if within and any(_is_outside(session, model, label.id, within) for model in TABLES):
        return Refusal(
            "This label is on records of other sites, too. Ask somebody who works for all sites.",
            "other_site",
        )
    return None


def why_not_merge(session: Session, label: Label, within: Collection[int]) -> Refusal | None:
    """Merge into…, as ``why_not_end``; and there has to be another label."""
    if session.scalar(select(Label.id).where(Label.id != label.id).limit(1)) is None:
        return Refusal("There is no other label.", "no_other")
    return why_not_end(session, label, within)


def delete_label(
    label_id: int, *, shown: str | None = None, within: Collection[int] = (), actor: Actor
) -> str:
    """Delete a label, take it off everything that has it, and return its name.

    shown  -- ``LabelUse.mark`` of what was shown: refused (code ``changed``) when it is on other
              numbers of records since; None was not shown any
    within -- see ``why_not_end``

    Raises ``NotFound`` when it is gone already.
    """
    with transaction() as session:
        label = _one_of(_locked(session, label_id), label_id)
        require(why_not_end(session, label, within))
        use = _unchanged(session, label_id, shown)
        for model, table in TABLES.items():
            sentence = f"Label “{label.name}” taken off: it was deleted"
            _tell(session, model, table, label, sentence, actor)
            session.execute(delete(table).where(table.c.label_id == label_id))
        note(session, label, "delete", f"Deleted the label “{label.name}”{_was_on(use)}", actor)
        session.delete(label)
        return label.name


def merge_labels(
    label_id: int,
    into_id: int,
    *,
    shown: str | None = None,
    within: Collection[int] = (),
    actor: Actor,
) -> str:
    """Give everything that has one label another instead, and return that one's name.

    The first label is gone then; saved filters that named it name the other. What has both keeps
    the one. ``shown`` and ``within`` as for ``delete_label``.

    Raises ``NotFound`` when the first is gone already, ``Refusal`` (field ``into``) when both are
    the same or the other one is gone.
    """
    if label_id == into_id:
        raise Refusal("A label can't be merged into itself. Choose another.", "same", "into")
    with transaction() as session:
        both = _locked(session, label_id, into_id)
        label, into = _one_of(both, label_id), both.get(into_id)
        if into is None:
            raise Refusal("This label is gone. Choose another.", "no_label", "into")
        require(why_not_end(session, label, within))
        use = _unchanged(session, label_id, shown)
        for model, table in TABLES.items():
            sentence = f"Label “{label.name}” became “{into.name}”: they were merged"
            _tell(session, model, table, label, sentence, actor, into)
            _hand_over(session, table, label_id, into_id)
        for saved in _filters_with(session, label_id):
            saved.query = _renamed(saved.query, label_id, into_id)
        was_on = _was_on(use)
        note(session, label, "merge", f"Merged “{label.name}” into “{into.name}”{was_on}", actor)
        note(session, into, "merge", f"“{label.name}” was merged into it{was_on}", actor)
        session.delete(label)
        return into.name


def _locked(session: Session, *ids: int) -> dict[int, Label]:
    """Return these labels, locked whole: nobody puts one on or takes it off meanwhile."""
    wanted = select(Label).where(Label.id.in_(ids)).order_by(Label.id).with_for_update()
    return {label.id: label for label in session.scalars(wanted)}


def _one_of(found: dict[int, Label], label_id: int) -> Label:
    if label_id not in found:
        raise NotFound("label")
    return found[label_id]


def _unchanged(session: Session, label_id: int, shown: str | None) -> LabelUse:
    use = label_use(session, label_id)
    if shown is not None and shown != use.mark:
        raise _CHANGED
    return use


def _was_on(use: LabelUse) -> str:
    return f"; it was on {use.in_words}" if use.in_words else ""


def _is_outside(session: Session, model: type[Any], label_id: int, within: Collection[int]) -> bool:
    table = TABLES[model]
    elsewhere = or_(model.site_id.is_(None), model.site_id.not_in(sorted(within)))
    found = (
        select(literal(1))
        .join_from(table, model, model.id == table.columns[0])
        .where(table.c.label_id == label_id, elsewhere)
    )
    return session.scalar(found.limit(1)) is not None


def _tell(
    session: Session,
    model: type[Any],
    table: Table,
    label: Label,
    sentence: str,
    actor: Actor,
    into: Label | None = None,
) -> None:
    details = {"taken_off": [label.name]} | ({"put_on": [into.name]} if into else {})
    having = select(table.columns[0]).where(table.c.label_id == label.id)
    note_each(session, model, having, "label", sentence, actor, details)


def _hand_over(session: Session, table: Table, label_id: int, into_id: int) -> None:
    other = literal(into_id, table.c.label_id.type)
    having = select(table.columns[0], other).where(table.c.label_id == label_id)
    session.execute(insert_missing(session, table, having))
    session.execute(delete(table).where(table.c.label_id == label_id))


def _filters_with(session: Session, label_id: int) -> list[SavedFilter]:
    """Return the saved filters that name a label; there are few of them in any office."""
    rows = select(SavedFilter).where(
        SavedFilter.grid.in_(_GRIDS), SavedFilter.query.contains(f"{_PARAM}=")
    )
    return [saved for saved in session.scalars(rows) if str(label_id) in _named_by(saved.query)]


def _named_by(query: str) -> list[str]:
    return _split(value for name, value in parse_qsl(query) if name == _PARAM)


def _split(values: Iterable[str]) -> list[str]:
    return [part.strip().lstrip("0") for value in values for part in value.split(",")]


def _renamed(query: str, label_id: int, into_id: int) -> str:
    """Return a grid's address with one label in the place of another, none twice, in order."""
    pairs = parse_qsl(query, keep_blank_values=True)
    old, new = str(label_id), str(into_id)
    ids = {new if part == old else part for part in _named_by(query)}
    in_order = ",".join(sorted(ids, key=lambda part: (len(part), part)))
    first = next(at for at, (name, _value) in enumerate(pairs) if name == _PARAM)
    others = [pair for pair in pairs[first:] if pair[0] != _PARAM]
    return urlencode([*pairs[:first], (_PARAM, in_order), *others], safe=",")
