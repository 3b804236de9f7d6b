"""Fee rules: what a form costs, for whom, and what is counted."""

from __future__ import annotations

import json
from typing import Any

from flask import request
from flask_admin import expose
from flask_admin.form import BaseForm
from sqlalchemy.orm import Session
from wtforms import (
    BooleanField,
    FieldList,
    FormField,
    StringField,
    TextAreaField,
    ValidationError,
    validators,
)

from admin.base.access import actor, requires
from admin.base.actions import eye_action
from admin.base.fields import MoneyField
from admin.base.words import words
from admin.pages.choosing import OneOfField
from admin.pages.verbs import VerbPage, clean
from applications.forms import FeeLine, set_rules
from billing.actions import Action
from billing.errors import Refusal
from billing.typed_numbers import example_amount
from models import Form
from models.states import FeeRule

CHOICES = (
    (FeeRule.EVERYONE.value, "Everyone"),
    (FeeRule.RESIDENT.value, "Residents"),
    (FeeRule.NON_RESIDENT.value, "Non-residents"),
)
# Empty rows below the fees there are; whoever needs more saves and finds as many again.
BLANK_ROWS = 3


class FeeRow(BaseForm):
    label = StringField(
        "Fee", [validators.Length(max=160, message="Use at most 160 characters.")], [clean]
    )
    amount = MoneyField("Amount")
    rule = OneOfField(
        "For", choices=CHOICES, default=FeeRule.EVERYONE.value, unknown="Choose one of the list."
    )
    per_item = BooleanField("For each one counted")

    @property
    def named(self) -> str:
        """The fee's name; a row without one and without an amount is no fee."""
        return " ".join((self.label.data or "").split())

    def validate_label(self, _field: Any) -> None:
        if not self.named and self.amount.data is not None:
            raise ValidationError("Name this fee, or empty its amount, too.")

    def validate_amount(self, field: Any) -> None:
        if self.named and field.data is None and not field.process_errors:
            spoken = words()
            example = example_amount(spoken.currency, spoken.locale)
            raise ValidationError(f"Enter an amount such as {example}.")


class FeeRulesForm(BaseForm):
    item_name = StringField(
        "What is counted",
        [validators.Length(max=80, message="Use at most 80 characters.")],
        [clean],
        description="Such as “dog”. Empty: nothing is.",
    )
    resident_places = TextAreaField(
        "Where residents live",
        filters=[clean],
        description="Postal codes and towns, one a line. Empty: everyone is a resident.",
    )
    fees = FieldList(FormField(FeeRow))


def form_actions(_session: Session, _form: Form) -> list[Action]:
    """Return the buttons of a form's page."""
    return [Action("fee_rules", "Fee rules", "applications.edit")]


def rows_of(form: Form) -> list[dict[str, Any]]:
    """Return the form's fees as the page starts out with them, and empty rows for more."""
    fees: list[dict[str, Any]] = [
        {"label": fee.label, "amount": fee.amount, "rule": fee.rule, "per_item": fee.per_item}
        for fee in form.fees
    ]
    return fees + [{} for _ in range(BLANK_ROWS)]


def mark_of(form: Form) -> str:
    """Return what tells later whether somebody changed the rules meanwhile."""
    return json.dumps([form.item_name, form.resident_places, rows_of(form)])


class FeeRules(VerbPage):
    """The page behind a form's button."""

    label = "Form"
    permission = "applications.view"
    slug = "fee_rules"
    path = "/admin/form/fees"

    @expose("/rules/", methods=("GET", "POST"))
    @requires("applications.edit")
    def rules(self) -> Any:
        """Replace the fees of a form and what they depend on."""
        record = self.record(Form)
        places = "\n".join(record.resident_places)
        form: Any = self.form(
            FeeRulesForm, item_name=record.item_name, resident_places=places, fees=rows_of(record)
        )
        newest = mark_of(record)

        def keep() -> str:
            if request.form.get("seen") != newest:
                raise Refusal("Somebody else changed these rules meanwhile. Look again.", "changed")
            set_rules(
                record.id,
                fees=[
                    FeeLine(row.named, row.amount.data, FeeRule(row.rule.data), row.per_item.data)
                    for row in (entry.form for entry in form.fees)
                    if row.named
                ],
                item_name=form.item_name.data,
                resident_places=form.resident_places.data.split("\n"),
                actor=actor(),
            )
            return "The fee rules are saved."

        return self.answer(
            "admin/pages/fee_rules.html",
            form,
            record,
            keep,
            heading="Fee rules",
            button="Save",
            consequences=[
                "They hold for what is handed in from now on. An application that is handed in "
                "already keeps its fees until its address or answers change."
            ],
            mark=newest,
        )


eye_action(Form, "fee_rules", "fee_rules.rules")
