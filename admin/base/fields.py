"""Form fields for what no library has a field for: our money, and records of other types."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import select
from wtforms import Field, StringField, ValidationError

from admin.base.columns import choice_title, title_name, title_text
from admin.base.scope import find, in_scope, read_id
from admin.base.words import words
from billing.errors import Refusal
from billing.typed_numbers import parse_amount, read_number
from models import db

SHORT_LIST = 200


class MoneyField(StringField):
    """An amount typed the way the office's locale writes it ("1250,50"), shown that way, too.

    Its data are minor units of the office's currency.
    """

    data: Any

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else shown_amount(int(self.data))

    def process_formdata(self, valuelist: list[Any]) -> None:
        if not valuelist:
            return
        self.data = None
        text = str(valuelist[0]).strip()
        if not text:
            return
        spoken = words()
        try:
            self.data = parse_amount(
                text, spoken.currency, spoken.locale, field=self.short_name, zero=True
            )
        except Refusal as refusal:
            raise ValueError(refusal.sentence) from None


class NumberField(StringField):
    """A number with decimals, written the way the office's locale does; its data are a Decimal.

    example -- what is suggested when it can't be read

    A number below zero is read, so that the rule it breaks can be named.
    """

    data: Any

    def __init__(self, *args: Any, example: Decimal = Decimal("1.5"), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = example

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else shown_number(self.data)

    def process_formdata(self, valuelist: list[Any]) -> None:
        if not valuelist:
            return
        self.data = None
        text = str(valuelist[0]).strip().removesuffix("%").rstrip().replace("−", "-")
        if not text:
            return
        number = read_number(text.removeprefix("-"), words().locale)
        if number is None:
            raise ValueError(f"Enter a number such as {shown_number(self.example)}.")
        self.data = -number if text.startswith("-") else number


def shown_number(number: Decimal) -> str:
    """Return a number the way the office's locale writes it, without groups."""
    return words().number(number)


def shown_amount(minor: int) -> str:
    """Return minor units the way the office's locale writes them, without groups and currency."""
    return words().typed(minor)


class RelationField(Field):
    """One record of another type, chosen from a short list or looked up while typing.

    Only records inside the person's sites can be chosen; its data are the id.
    """

    def __init__(self, *args: Any, target: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.target = target

    def process_data(self, value: Any) -> None:
        self.data = getattr(value, "id", value)

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = read_id(text)
        if text and self.data is None:
            raise ValueError("Choose one from the list.")

    def pre_validate(self, form: Any) -> None:
        if self.data is not None and find(self.target, self.data) is None:
            raise ValidationError("Choose one from the list.")

    @property
    def required(self) -> bool:
        return bool(self.flags.required)

    def options(self) -> list[tuple[int, str]] | None:
        """Return all that can be chosen, or None when they are too many for a list."""
        title = choice_title(self.target)
        rows = db.session.execute(
            select(self.target.id, title)
            .where(*in_scope(self.target))
            .order_by(title, self.target.id)
            .limit(SHORT_LIST + 1)
        ).all()
        if len(rows) > SHORT_LIST:
            return None
        return [(key, title_text(self.target, text, key)) for key, text in rows]

    def chosen(self) -> str:
        """Return the title of what is chosen."""
        if self.data is None:
            return ""
        named = select(choice_title(self.target))
        rows = db.session.execute(
            named.where(self.target.id == self.data, *in_scope(self.target))
        ).all()
        return title_text(self.target, rows[0][0], self.data) if rows else ""


class ManyField(Field):
    """Several records of another type, ticked; its data are ids."""

    def __init__(self, *args: Any, target: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.target = target

    def process_data(self, value: Any) -> None:
        self.data = [record.id for record in value or ()]

    def process_formdata(self, valuelist: list[Any]) -> None:
        ids = {read_id(str(text)) for text in valuelist}
        self.data = sorted(record_id for record_id in ids if record_id is not None)

    def pre_validate(self, form: Any) -> None:
        known = {key for key, _text in self.options()}
        if not known.issuperset(self.data or ()):
            raise ValidationError("Choose from the list only.")

    def options(self) -> list[tuple[int, str]]:
        title = getattr(self.target, title_name(self.target))
        rows = db.session.execute(
            select(self.target.id, title).where(*in_scope(self.target)).order_by(title)
        )
        return [(key, str(text)) for key, text in rows]


class TickedWordsField(Field):
    """Several words of a fixed table, ticked; its data are the words."""

    def __init__(self, *args: Any, table: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = [word for word in self.table if word in set(valuelist)]
        if set(valuelist) - set(self.table):
            raise ValueError("Choose from the list only.")

    def groups(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return the words by what stands before their dot."""
        found: dict[str, list[tuple[str, str]]] = {}
        for word, meaning in self.table.items():
            found.setdefault(word.partition(".")[0].capitalize(), []).append((word, meaning))
        return list(found.items())
