"""Which filters a record type has, from its ``__panel__`` and the types of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Boolean, Date, Enum

from admin.base.columns import label_of
from admin.base.filters import (
    ChoiceFilter,
    DateFilter,
    Filter,
    TextFilter,
    choices_of,
)
from admin.base.filters_related import LabelFilter, RelationFilter
from admin.base.scope import is_single, relation
from models import UtcDateTime
from models.search import Searchable

YES_NO = (("yes", "Yes"), ("no", "No"))
# Tables that grow without end: their records are looked up while typing.
MANY = {"users", "applications", "invoices", "payments"}


def filters_of(
    model: Any, choices: Mapping[str, Sequence[tuple[str, str]]]
) -> tuple[str | None, list[Filter]]:
    """Return the attribute whose states become pills (if any) and the other filters.

    choices -- the words a free text attribute can hold, by attribute
    """
    pills: str | None = None
    found: list[Filter] = []
    for path in model.__panel__.filters:
        owner, name = _owner(model, path)
        if label_of(owner, name).kind == "state" and path == name and pills is None:
            pills = name
        else:
            found.append(_filter(owner, name, path, choices))
    taken = {param for each in found for param in each.params}
    for prop in model.__mapper__.relationships:
        if is_single(prop) and prop.key not in taken and hasattr(prop.mapper.class_, "__panel__"):
            label = label_of(model, prop.key).text
            target = prop.mapper.class_
            found.append(RelationFilter(prop.key, label, prop.key, target, quiet=True))
    return pills, found


def _owner(model: Any, path: str) -> tuple[Any, str]:
    *relations, name = path.split(".")
    for part in relations:
        found = relation(model, part)
        if found is None:
            raise ValueError(f"{model.__name__}.{path}: {part} is not a relation")
        model = found.mapper.class_
    return model, name


def _filter(
    owner: Any, name: str, path: str, choices: Mapping[str, Sequence[tuple[str, str]]]
) -> Filter:
    label = label_of(owner, name).text
    found = relation(owner, name)
    if found is not None and not is_single(found):
        return LabelFilter(name, label, path, found.mapper.class_)
    if found is not None:
        # A list of everybody would take longer to read than the page.
        return RelationFilter(name, label, path, found.mapper.class_, lookup=_many(owner, name))
    kind = owner.__mapper__.column_attrs[name].columns[0].type
    if isinstance(kind, Enum):
        states = kind.enum_class
        assert states is not None
        values = {member.value: member for member in states}
        return ChoiceFilter(name, label, path, values, options=choices_of(states))
    if isinstance(kind, Boolean):
        return ChoiceFilter(name, label, path, {"yes": True, "no": False}, options=YES_NO)
    if isinstance(kind, (Date, UtcDateTime)):
        return DateFilter(name, label, path, isinstance(kind, UtcDateTime))
    if name in choices:
        options = tuple(choices[name])
        words = {value: value for value, _ in options}
        return ChoiceFilter(name, label, path, words, options=options)
    return TextFilter(name, label, path)


def searched_relations(model: Any) -> list[str]:
    """Return the relations whose records a search looks in too: those people see in the grid.

    One that is a filter with a list is left out: "Main Street" should not find every record of that
    site. Where people are looked up, both find them.
    Where the grid has none and the type is not searchable itself, those of the Eye page count.
    """
    panel = model.__panel__
    names = [name for name in panel.columns if _searchable(model, name)]
    if not names and not issubclass(model, Searchable):
        shown = [name for _heading, attributes in panel.sections for name in attributes]
        names = [name for name in shown if _searchable(model, name)]
    return [name for name in names if name not in panel.filters or _many(model, name)]


def _many(model: Any, name: str) -> bool:
    """Whether a relation leads to one of too many records for a list."""
    found = relation(model, name)
    assert found is not None
    return found.mapper.class_.__tablename__ in MANY


def _searchable(model: Any, name: str) -> bool:
    found = relation(model, name)
    if found is None or not is_single(found):
        return False
    return issubclass(found.mapper.class_, Searchable)
