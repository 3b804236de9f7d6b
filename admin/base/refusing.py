"""A refused form: the answer's status, and the sentence where it belongs."""

from __future__ import annotations

from flask_admin.form import BaseForm

from billing.errors import Refusal

REFUSED = 422


def show_refusal(form: BaseForm, refusal: Refusal) -> None:
    """Put the sentence at the field it is about, or above the form when it is about none."""
    if refusal.field and refusal.field in form:
        field = form[refusal.field]
        field.errors = [*field.errors, refusal.sentence]
    else:
        form.form_errors = [*form.form_errors, refusal.sentence]
