"""A field for one of a few alternatives, answered in a sentence when none of them was chosen."""

from __future__ import annotations

from typing import Any

from wtforms import SelectField, ValidationError


class OneOfField(SelectField):
    """One of ``choices`` as (value, label), which may be set after the form was made.

    unknown -- what is said for a value that is not among them

    Shown as a list, or by a template's own radio buttons.
    """

    def __init__(self, *args: Any, unknown: str, **kwargs: Any) -> None:
        kwargs = {"coerce": str, "validate_choice": False, **kwargs}
        super().__init__(*args, **kwargs)
        self.unknown = unknown

    def pre_validate(self, form: Any) -> None:
        """Refuse what is not among the choices."""
        choices: Any = self.choices or ()
        if self.data not in {value for value, _label in choices}:
            raise ValidationError(self.unknown)
