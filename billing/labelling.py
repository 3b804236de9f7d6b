"""Labels on users, units and invoices: put on and taken off, one record or many.

A label says nothing about money, so an invoice can have one in every state; a deleted one is only
there to be looked at and keeps those it has. The rows in between have no verb of their own; what
happened is told in the record's history.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Select, Table, delete, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import NotFound, Refusal
from billing.guards import require, why_not_mark
from billing.history import note
from billing.history_rows import note_each
from billing.saving import check_label
from models import Invoice, Label, Settings, Unit, User
from models.label import invoice_labels, unit_labels, user_labels
from models.states import InvoiceState

# What can have labels, with the table in between; its first column is the record's id.
TABLES: dict[type[Any], Table] = {User: user_labels, Unit: unit_labels, Invoice: invoice_labels}
LABELLED = tuple(TABLES)
MOST = 20
# Ids in one statement; SQLite takes no more than some 32,000.
CHUNK = 5_000
_NOT_DELETED = Invoice.state != InvoiceState.DELETED


def set_labels(
    model: type[Any],
    record_id: int,
    label_ids: Collection[int],
    *,
    actor: Actor,
    shown: Collection[int] | None = None,
    new: str = "",
) -> bool:
    """Give a user, unit or invoice these labels and no others; return whether that changed any.

    shown -- the labels it had on the page this was chosen from: what somebody else put on or took
             off since then stays as it is now
    new   -- the name of one label more, made if there is none of that name

    Raises ``Refusal`` for a deleted invoice, an unknown label, a name that can't be one, or more
    than 20 labels.
    """
    if model not in LABELLED:
        raise RuntimeError(f"{model.__name__} has no labels")
    with transaction() as session:
        # Made first: whoever adds a label locks the settings, which come before any record.
        made = _label_named(session, new, actor) if new.strip() else None
        record = lock(session, model, record_id)
        require(why_not_mark(record))
        wanted = set(label_ids) | ({made.id} if made else set())
        held = _held_labels(session, TABLES[model], record_id, wanted)
        before = _labels_on(session, TABLES[model], record_id)
        if shown is not None:
            wanted = (set(before) - set(shown)) | (wanted - (set(shown) - set(before)))
        if wanted == set(before):
            return False
        if len(wanted) > MOST:
            raise Refusal(f"At most {MOST} labels, please.", "too_many", "labels")
        if not wanted <= set(held):
            raise Refusal("Choose from the list only.", "unknown_label", "labels")
        after = {key: held[key] for key in wanted}
        _write(session, TABLES[model], record_id, set(before) - wanted, wanted - set(before))
        _note(session, record, before, after, actor)
        return True


def add_label(invoice_ids: Sequence[int], label_id: int, *, actor: Actor) -> list[int]:
    """Put a label on many invoices; return the ids of those that did not have it yet.

    Set-based: one statement for the labels and one for their history rows, per 5,000 invoices.
    Unknown ids and deleted invoices are passed over. Raises ``NotFound`` for an unknown label.
    """
    with transaction() as session:
        label = _one_label(session, label_id)
        return [
            key
            for ids in _chunks(invoice_ids)
            for key in _logged(session, _put_on(session, ids, label), label, "put on", actor)
        ]


def remove_label(invoice_ids: Sequence[int], label_id: int, *, actor: Actor) -> list[int]:
    """Take a label off many invoices; return the ids of those that had it. See ``add_label``."""
    with transaction() as session:
        label = _one_label(session, label_id)
        return [
            key
            for ids in _chunks(invoice_ids)
            for key in _logged(session, _take_off(session, ids, label), label, "taken off", actor)
        ]


def _chunks(ids: Sequence[int]) -> list[list[int]]:
    unique = sorted(set(ids))
    return [unique[at : at + CHUNK] for at in range(0, len(unique), CHUNK)]


def _one_label(session: Session, label_id: int) -> Label:
    """Return a label that is put on or taken off, held so that it can't end meanwhile."""
    held = select(Label).where(Label.id == label_id).with_for_update(read=True, key_share=True)
    label = session.scalar(held)
    if label is None:
        raise NotFound("label")
    return label


def _held_labels(
    session: Session, table: Table, record_id: int, wanted: Collection[int]
) -> dict[int, Label]:
    """Return the labels on a record and those wanted for it, held so that none can end meanwhile.

    Read by their keys alone: whoever renames one is not in the way.
    """
    owner = table.columns[0]
    on_it = select(table.c.label_id).where(owner == record_id)
    statement = (
        select(Label)
        .where(or_(Label.id.in_(wanted), Label.id.in_(on_it)))
        .order_by(Label.id)
        .with_for_update(read=True, key_share=True)
    )
    return {label.id: label for label in session.scalars(statement)}


def _labels_on(session: Session, table: Table, record_id: int) -> dict[int, Label]:
    on_it = select(table.c.label_id).where(table.columns[0] == record_id)
    return {label.id: label for label in session.scalars(select(Label).where(Label.id.in_(on_it)))}


def _write(
    session: Session, table: Table, record_id: int, taken_off: set[int], put_on: set[int]
) -> None:
    """Change the rows in between; one that a colleague has written meanwhile is no error."""
    owner = table.columns[0]
    if taken_off:
        gone = table.c.label_id.in_(taken_off)
        session.execute(delete(table).where(owner == record_id, gone))
    if put_on:
        record = literal(record_id, owner.type)
        rows = select(record, Label.id).where(Label.id.in_(put_on))
        session.execute(insert_missing(session, table, rows))


def _label_named(session: Session, name: str, actor: Actor) -> Label:
    """Return the label of this name, made when there is none; two at once make one."""
    lock(session, Settings, 1)
    wanted = " ".join(name.split()).casefold()
    for label in session.scalars(select(Label)):
        if label.name.casefold() == wanted:
            return label
    label = Label(name=name, note="")
    try:
        check_label(session, label, True)
    except Refusal as refusal:
        raise Refusal(refusal.sentence, refusal.code, "new") from None
    session.add(label)
    note(session, label, "create", "Created", actor)
    return label


def _note(
    session: Session, record: Any, before: dict[int, Label], after: dict[int, Label], actor: Actor
) -> None:
    put_on = sorted(after[key].name for key in set(after) - set(before))
    taken_off = sorted(before[key].name for key in set(before) - set(after))
    parts = [
        f"{_named(names)} {what}"
        for names, what in ((put_on, "put on"), (taken_off, "taken off"))
        if names
    ]
    details = {"put_on": put_on, "taken_off": taken_off}
    note(session, record, "label", "; ".join(parts), actor, details=details)


def _named(names: list[str]) -> str:
    quoted = ", ".join(f"“{name}”" for name in names)
    return f"Label {quoted}" if len(names) == 1 else f"Labels {quoted}"


def _put_on(session: Session, ids: list[int], label: Label) -> list[int]:
    table: Table = invoice_labels
    labelled = literal(label.id, table.c.label_id.type)
    rows = select(Invoice.id, labelled).where(Invoice.id.in_(ids), _NOT_DELETED)
    statement = insert_missing(session, table, rows).returning(table.c.invoice_id)
    return sorted(session.scalars(statement))


def _take_off(session: Session, ids: list[int], label: Label) -> list[int]:
    table: Table = invoice_labels
    statement = (
        delete(table)
        .where(
            table.c.label_id == label.id,
            table.c.invoice_id.in_(select(Invoice.id).where(Invoice.id.in_(ids), _NOT_DELETED)),
        )
        .returning(table.c.invoice_id)
    )
    return sorted(session.scalars(statement))


def insert_missing(session: Session, table: Table, rows: Select[Any]) -> Any:
    """Return the INSERT of ``rows`` (record's id, label's id) that passes over what is there."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    names = [column.name for column in table.columns]
    return dialect.insert(table).from_select(names, rows).on_conflict_do_nothing()


def _logged(session: Session, ids: list[int], label: Label, what: str, actor: Actor) -> list[int]:
    """Write a history row for each of these invoices, in one statement, and return the ids."""
    if ids:
        details = {what.replace(" ", "_"): [label.name]}
        sentence = f"{_named([label.name])} {what}"
        chosen = select(Invoice.id).where(Invoice.id.in_(ids))
        note_each(session, Invoice, chosen, "label", sentence, actor, details)
    return ids
