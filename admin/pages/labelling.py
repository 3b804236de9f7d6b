"""Putting labels on users, units and invoices, and taking them off: a form on their Eye pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from sqlalchemy import exists, select
from wtforms import StringField

from admin.base.access import actor, holds, refuse_entry, requires
from admin.base.fields import ManyField
from admin.base.scope import read_id, relation
from admin.pages.verbs import VerbPage, clean
from billing.guards import why_not_mark
from billing.labelling import LABELLED, set_labels
from models import Invoice, Label, Unit, User, db


class LabelForm(BaseForm):
    labels = ManyField("Labels", target=Label)
    new = StringField("New label", filters=[clean], description="At most 40 characters.")


class LabelPages(VerbPage):
    """Where the form of an Eye page goes, and where it is shown again after a refusal."""

    label = "Labels"
    permission = "invoices.label"
    slug = "labelling"
    path = "/admin/labelling"

    @expose("/user/", methods=("GET", "POST"))
    @requires("users.view")
    def user(self) -> Any:
        """Change the labels of a user."""
        return self._change(User)

    @expose("/unit/", methods=("GET", "POST"))
    @requires("sites.view")
    def unit(self) -> Any:
        """Change the labels of a unit."""
        return self._change(Unit)

    @expose("/invoice/", methods=("GET", "POST"))
    @requires("invoices.view")
    def invoice(self) -> Any:
        """Change the labels of an invoice."""
        return self._change(Invoice)

    def _change(self, model: type[Any]) -> Any:
        refused = refuse_entry("invoices.label")
        if refused is not None:
            return refused
        record = self.record(model)
        why_not = why_not_mark(record)
        if why_not is not None:
            return self.refused(record, "Labels", why_not)
        form: Any = self.form(LabelForm, labels=record.labels)
        if not holds("labels.edit"):
            del form.new
        shown = _shown()

        def change() -> str:
            changed = set_labels(
                model,
                record.id,
                form.labels.data or (),
                shown=shown,
                new=form.new.data or "" if "new" in form else "",
                actor=actor(),
            )
            return "The labels were changed." if changed else "Nothing was changed."

        return self.answer(
            "admin/pages/labels.html",
            form,
            record,
            change,
            heading="Labels",
            button="Save",
            consequences=[],
            shown=sorted(shown) if shown is not None else [each.id for each in record.labels],
        )


def _shown() -> set[int] | None:
    """Return the labels that the record had on the page the form came from."""
    if request.method != "POST":
        return None
    return {key for key in map(read_id, request.form.getlist("shown")) if key is not None}


@dataclass(frozen=True)
class Labelling:
    """A record's labels: those on it, all there are, and where they are changed (None: not by
    this person). ``may_add``: whether this person can make a new one."""

    on: list[Any]
    all: list[Any]
    url: str | None
    may_add: bool


def labels_on(record: Any) -> Labelling | None:
    """Return the labels of a record's page, in one statement; None for what has no labels."""
    model = type(record)
    if model not in LABELLED:
        return None
    found = relation(model, "labels")
    assert found is not None
    owner, label = (remote for _local, remote in found.local_remote_pairs)
    is_on = exists().where(owner == record.id, label == Label.id)
    statement = select(Label.id, Label.name, is_on.label("is_on")).order_by(Label.name, Label.id)
    may_change = holds("invoices.label") and why_not_mark(record) is None
    if not may_change:
        statement = statement.where(is_on)
    rows: list[Any] = list(db.session.execute(statement))
    url = url_for(f"labelling.{model.__name__.lower()}", id=record.id) if may_change else None
    return Labelling([row for row in rows if row.is_on], rows, url, holds("labels.edit"))
