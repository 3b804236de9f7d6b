"""Delete label and Merge into…, from the page of a label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from sqlalchemy import select
from wtforms import SelectField

from admin.base.access import actor, not_found, requires
from admin.base.actions import eye_action
from admin.base.registry import eye_prefix, view_of
from admin.base.scope import find, read_id, site_ids
from admin.pages.verbs import VerbPage
from billing.errors import Refusal
from billing.label_ends import (
    LabelUse,
    delete_label,
    label_use,
    merge_labels,
    why_not_end,
    why_not_merge,
)
from models import Label, db


class MergeForm(BaseForm):
    into = SelectField("Merge into", validate_choice=False)


class LabelEndPages(VerbPage):
    """The pages behind the buttons of a label."""

    label = "Label"
    permission = "labels.edit"
    slug = "label_ending"
    path = "/admin/label/end"

    @expose("/delete/", methods=("GET", "POST"))
    @requires("labels.edit")
    def delete(self) -> Any:
        """Say what has the label, then delete it."""
        label = self._label()
        if label is None:
            return _gone()
        heading = "Delete label"
        why_not = why_not_end(db.session(), label, site_ids())
        if why_not is not None:
            return self.refused(label, heading, why_not)

        def delete_it() -> str:
            name = delete_label(label.id, shown=_shown(), within=site_ids(), actor=actor())
            return f"The label “{name}” was deleted."

        return self._ended(
            label,
            self.form(BaseForm),
            delete_it,
            to=_list,
            heading=heading,
            button=heading,
            consequences=lambda: _deleting(label),
        )

    @expose("/merge/", methods=("GET", "POST"))
    @requires("labels.edit")
    def merge(self) -> Any:
        """Ask which label its records get instead, then give it to them."""
        label = self._label()
        if label is None:
            return _gone()
        heading = "Merge into another label"
        why_not = why_not_merge(db.session(), label, site_ids())
        if why_not is not None:
            return self.refused(label, heading, why_not)
        form: Any = self.form(MergeForm)
        form.into.choices = _others(label)

        def merge_them() -> str:
            into_id, name = read_id(form.into.data), label.name
            if into_id is None:
                raise Refusal("Choose a label.", "no_label", "into")
            asked: dict[str, Any] = {"shown": _shown(), "within": site_ids()}
            try:
                into = merge_labels(label.id, into_id, actor=actor(), **asked)
            except Refusal:
                # One that is gone is not offered again.
                form.into.choices = _others(label)
                raise
            return f"“{name}” was merged into “{into}”."

        return self._ended(
            label,
            form,
            merge_them,
            to=lambda: _page_of(read_id(form.into.data)),
            heading=heading,
            button="Merge",
            consequences=lambda: _merging(label),
        )

    def _label(self) -> Any:
        """Return the label; None for one that may have been there when a form was opened."""
        found = find(Label, read_id(request.args.get("id")))
        late = request.method == "POST" and read_id(request.args.get("id")) is not None
        return found if found is not None or late else not_found()

    def _ended(
        self,
        label: Label,
        form: BaseForm,
        verb: Callable[[], str],
        **context: Any,
    ) -> Any:
        """Carry ``verb`` out and go where there is something to see: the label's page is gone."""
        return self.answer(
            "admin/pages/label_end.html",
            form,
            label,
            verb,
            danger=True,
            use=lambda: label_use(db.session(), label.id),
            **context,
        )


def _gone() -> Any:
    flash("This label is gone already. Nothing was changed.", "warning")
    return redirect(_list(), 303)


def _page_of(label_id: int | None) -> str:
    """Return the page of the label that is left, or the list for whoever may not open it."""
    prefix = eye_prefix("label")
    return f"{prefix}{label_id}" if label_id and prefix else _list()


def _list() -> str:
    view = view_of(Label)
    if view is None or not view.is_accessible():
        return url_for("admin.index")
    return url_for(f"{view.endpoint}.index_view")


def _shown() -> str:
    """Return the numbers that stood on the page the form came from."""
    return request.form.get("shown", "")


def _others(label: Label) -> list[tuple[str, str]]:
    rows = select(Label.id, Label.name).where(Label.id != label.id).order_by(Label.name, Label.id)
    return [("", "Choose …"), *((str(key), name) for key, name in db.session.execute(rows))]


def _deleting(label: Label) -> list[str]:
    use = label_use(db.session(), label.id)
    sentences = [_is_on(label, use, "They lose it; nothing else about them changes.")]
    if use.filters:
        sentences.append(
            f"Saved filters that name it ({use.filters}) still open; they leave it out and say so."
        )
    return [*sentences, "This can’t be undone."]


def _merging(label: Label) -> list[str]:
    use = label_use(db.session(), label.id)
    follows = "They get the other label instead; what has both keeps that one."
    sentences = [_is_on(label, use, follows)]
    if use.filters:
        sentences.append(f"Saved filters that name it ({use.filters}) will name the other.")
    return [*sentences, f"“{label.name}” itself is deleted. This can’t be undone."]


def _is_on(label: Label, use: LabelUse, follows: str) -> str:
    if not use.in_words:
        return f"“{label.name}” is on no user, unit or invoice."
    return f"“{label.name}” is on {use.in_words}. {follows}"


eye_action(Label, "merge_label", "label_ending.merge")
eye_action(Label, "delete_label", "label_ending.delete", danger=True)
