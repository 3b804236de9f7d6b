"""Fields for one of a few alternatives, answered in a sentence when none of them was chosen."""

from __future__ import annotations

from typing import Any

from wtforms import RadioField, SelectField, ValidationError


class ListField(SelectField):
    """One of a list. ``unknown`` is said for what is not among the choices, set late or early."""

    def __init__(self, *args: Any, unknown: str, **kwargs: Any) -> None:
        super().__init__(*args, coerce=str, validate_choice=False, **kwargs)
        self.unknown = unknown

    def pre_validate(self, form: Any) -> None:
        """Refuse what is not among the choices."""
        if self.data not in {value for value, _label in self.choices}:
            raise ValidationError(self.unknown)


class OneOfField(ListField):
    """Alternatives side by side."""

    widget = RadioField.widget
    option_widget = RadioField.option_widget
