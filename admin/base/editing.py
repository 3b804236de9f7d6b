"""The form pages of a record type: adding one and editing one, saved through the one door."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_admin import expose

from admin.base import forms
from admin.base.access import actor, holds, not_found
from admin.base.scope import read_id, site_ids
from billing.errors import Refusal
from billing.saving import save_record
from models.panel import Panel


class FormPages:
    """The part of a ``RecordView`` that writes."""

    model: Any
    panel: Panel
    can_create: bool
    can_edit: bool
    _create_form_class: Any
    _edit_form_class: Any

    render: Any
    title_of: Any
    _record: Any

    def may_create(self) -> bool:
        """Whether this person can add one. One bound to sites can't make themselves another."""
        unbound = self.panel.site_path != "id" or not site_ids()
        return self.can_create and unbound and holds(f"{self.panel.area}.edit")

    def may_edit(self) -> bool:
        return self.can_edit and holds(f"{self.panel.area}.edit")

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        if not self.may_create():
            not_found()
        form = self._create_form_class(
            request.form if request.method == "POST" else None, data=self._preset()
        )
        if request.method == "POST":
            record_id = self._save(None, form)
            if record_id is not None:
                flash(f"{self.panel.label} added.", "success")
                return redirect(url_for(".details_view", id=record_id))
        return self.render("admin/model/create.html", form=form, mark="")

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        if not self.can_edit:
            not_found()
        record = self._record()
        title = self.title_of(record)
        stored = self._edit_form_class(obj=record)
        elsewhere = forms.out_of_sight(stored)
        forms.leave_out(stored, elsewhere)
        form, record_id = stored, record.id
        if request.method == "POST":
            form = self._edit_form_class(request.form, obj=record)
            forms.leave_out(form, elsewhere)
            if self._unseen(form, stored):
                record_id = None
            elif self._save(record.id, form, stored) is not None:
                flash("Saved.", "success")
                return redirect(url_for(".details_view", id=record_id))
        return self.render(
            "admin/model/edit.html",
            form=form,
            title=title,
            mark=forms.seen(stored),
            back=url_for(".details_view", id=request.args["id"]),
        )

    def _preset(self) -> dict[str, Any]:
        """Return what the address already chose for a new record, such as ``?site=3``."""
        relations = self.model.__mapper__.relationships
        return {
            name: read_id(request.args.get(name))
            for name in self.panel.form
            if name in relations and name in request.args
        }

    def _unseen(self, form: Any, stored: Any) -> bool:
        """Whether somebody else saved this record meanwhile; says so at the fields they changed."""
        changed = forms.changed_since(forms.read_seen(request.form.get("seen", "")), stored)
        if not changed:
            return False
        form.validate()
        for name in changed:
            form[name].errors = [*form[name].errors, "Somebody else has just changed this."]
        flash(
            "Somebody else saved this record while you were editing it. What you typed is still "
            "here: compare it with the record's page, then save again.",
            "warning",
        )
        return True

    def _save(self, record_id: int | None, form: Any, stored: Any = None) -> int | None:
        """Save through the one door and return the id; None with the reasons at the fields.

        stored -- the form as the record is stored; None for a new one
        """
        if not form.validate() or not self._stays_in_scope(form, stored):
            return None
        try:
            values = forms.saved_values(self.model, form)
            shown = forms.read_seen(request.form.get("seen", ""))
            return save_record(self.model, record_id, values, actor(), shown=shown)
        except Refusal as refusal:
            field = refusal.field
            if field in form:
                form[field].errors = [*form[field].errors, refusal.sentence]
            else:
                flash(refusal.sentence, "error")
        return None

    def _stays_in_scope(self, form: Any, stored: Any) -> bool:
        """Whether somebody bound to sites keeps the record where they can see it.

        One of no site that they see for another reason may stay as it is.
        """
        path = (self.panel.site_path or "").split(".")[0].removesuffix("_id")
        if not site_ids() or path not in form or form[path].data is not None:
            return True
        if stored is not None and stored[path].data is None:
            return True
        form[path].errors = [*form[path].errors, "Choose one of your sites."]
        return False
