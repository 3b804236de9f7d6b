"""Forms made from the columns: one field each, of the column's own type, checked where typed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import Enum
from typing import Any

from flask_admin.form import BaseForm
from sqlalchemy import Boolean, Date, Integer, Numeric, String, Text
from sqlalchemy import Enum as EnumType
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    IntegerField,
    SelectField,
    StringField,
    TelField,
    TextAreaField,
    validators,
)

from admin.base.cells import word
from admin.base.columns import label_of
from admin.base.fields import (
    ManyField,
    MoneyField,
    NumberField,
    RelationField,
    TickedWordsField,
)
from admin.base.scope import find, is_single, key_column, relation
from models import db
from models.permissions import PERMISSIONS

LONGEST = 10_000


def form_class(model: Any, names: tuple[str, ...]) -> type[BaseForm]:
    """Return the form that edits attributes ``names`` of ``model``."""
    fields = {name: field_for(model, name) for name in names}
    made: type[BaseForm] = type(f"{model.__name__}Form", (BaseForm,), fields)
    return made


def field_for(model: Any, name: str) -> Any:
    """Return the field for one attribute, from its type, its label and whether it can be empty."""
    label = label_of(model, name)
    kwargs: dict[str, Any] = {"label": label.text, "description": label.hint}
    found = relation(model, name)
    if found is not None:
        target = found.mapper.class_
        if not is_single(found):
            return ManyField(target=target, **kwargs)
        column = key_column(model, name).property.columns[0]
        return RelationField(target=target, validators=_presence(column), **kwargs)
    return _own_field(model.__mapper__.column_attrs[name].columns[0], label.kind, kwargs)


def _own_field(column: Any, kind: str, kwargs: dict[str, Any]) -> Any:
    """Return the field for a value that the record holds itself."""
    if kind == "permissions":
        return TickedWordsField(table=PERMISSIONS, **kwargs)
    if isinstance(column.type, Boolean):
        return BooleanField(default=bool(column.default and column.default.arg), **kwargs)
    kwargs["validators"] = _presence(column)
    if kind == "money":
        return MoneyField(**kwargs)
    if isinstance(column.type, EnumType):
        return _choice(column, kwargs)
    if isinstance(column.type, Numeric):
        kwargs["label"] += " in %" if kind == "percent" else ""
        return NumberField(default=column.default and column.default.arg, **kwargs)
    if isinstance(column.type, Date):
        return DateField(**kwargs)
    if isinstance(column.type, Integer):
        return IntegerField(**kwargs)
    return _text(column, kind, kwargs)


def _presence(column: Any) -> list[Any]:
    default = column.default.arg if column.default is not None else None
    if column.nullable or default == "":
        return [validators.Optional()]
    return [validators.InputRequired("This can't be empty.")]


def _choice(column: Any, kwargs: dict[str, Any]) -> SelectField:
    states = column.type.enum_class
    choices = [(member.value, word(member)) for member in states]
    return SelectField(
        choices=choices,
        coerce=lambda value: value if isinstance(value, states) else states(value),
        **kwargs,
    )


def _text(column: Any, kind: str, kwargs: dict[str, Any]) -> StringField:
    nullable = column.nullable
    longest = getattr(column.type, "length", None) or LONGEST
    sentence = f"Use at most {longest:,} characters."
    checks = [*kwargs.pop("validators"), validators.Length(max=longest, message=sentence)]
    if kind == "email":
        checks.append(validators.Email("Enter an address such as name@example.com."))

    def clean(value: str | None) -> str | None:
        text = (value or "").replace("\0", "").replace("\r\n", "\n").strip()
        return text or (None if nullable else "")

    kwargs.update(validators=checks, filters=[clean])
    if kind == "multiline" or isinstance(column.type, Text):
        return TextAreaField(**kwargs)
    shapes: dict[str, Callable[..., StringField]] = {"email": EmailField, "phone": TelField}
    assert isinstance(column.type, String)
    return shapes.get(kind, StringField)(render_kw={"maxlength": longest}, **kwargs)


def out_of_sight(stored: Any) -> list[str]:
    """Return the fields of a stored record that name something this person may not see."""
    return [
        field.short_name
        for field in stored
        if isinstance(field, RelationField)
        and field.data is not None
        and find(field.target, field.data) is None
    ]


def leave_out(form: Any, names: Iterable[str]) -> None:
    """Take fields out of a form: what they hold is neither shown nor changed."""
    for name in names:
        del form[name]


def saved_values(model: Any, form: Any) -> dict[str, Any]:
    """Return what the form holds as ``billing.saving`` takes it: relations as records."""
    values: dict[str, Any] = {}
    for field in form:
        value = field.data
        if isinstance(field, RelationField):
            value = _detached(field.target, field.data)
        elif isinstance(field, ManyField):
            value = [_detached(field.target, record_id) for record_id in field.data]
        values[field.short_name] = value
    return values


def _detached(target: Any, record_id: int | None) -> Any:
    """Return a record as a mere name for the verb, so that asking its id never reads again."""
    record = find(target, record_id)
    if record is not None:
        db.session.expunge(record)
    return record


def seen(form: Any) -> str:
    """Return the values a form shows, to tell later whether somebody changed them meanwhile."""
    return json.dumps({field.short_name: _plain(field.data) for field in form})


def read_seen(mark: str) -> dict[str, Any]:
    """Return the values that ``seen`` wrote; nothing for a mark that can't be read."""
    try:
        shown = json.loads(mark)
    except ValueError:
        return {}
    return shown if isinstance(shown, dict) else {}


def changed_since(shown: dict[str, Any], form: Any) -> list[str]:
    """Return the fields whose stored values (in ``form``) are not those that were shown."""
    return [
        field.short_name
        for field in form
        if field.short_name not in shown or shown[field.short_name] != _plain(field.data)
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list):
        return sorted(value)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value.isoformat() if isinstance(value, dt.date) else value
