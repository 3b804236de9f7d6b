"""The pages of a grid that keep its filters under a name, and forget them again."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import BooleanField, StringField

from admin.base.access import actor, holds, not_found
from admin.base.refusing import REFUSED, show_refusal
from admin.base.scope import read_id
from billing.errors import NotFound, Refusal
from billing.saved_filters import delete_filter, save_filter

# Of the grid's own parameters those that make sense another day.
KEEPABLE = frozenset({"q", "sort", "state"})


class SaveFilterForm(BaseForm):
    """A name for the address one looks at."""

    name = StringField("Name", description="At most 60 characters.")
    shared = BooleanField("For everybody")


class FilterPages:
    """The part of a ``RecordView`` that keeps filters. Whoever sees a grid may keep its filters."""

    endpoint: Any
    name: Any
    filters: list[Any]
    render: Any

    @expose("/filters/", methods=("GET", "POST"))
    def save_filter_view(self) -> Any:
        """Keep the filter that was shown; after a refusal ask again, with what was typed."""
        if request.method != "POST":
            return redirect(url_for(".index_view"))
        form: Any = SaveFilterForm(request.form)
        if not holds("filters.share"):
            del form.shared
        query = request.form.get("query", "").removeprefix("?")
        try:
            save_filter(
                self.endpoint,
                name=form.name.data or "",
                query=query,
                known=self._keepable(),
                shared="shared" in form and form.shared.data,
                actor=actor(),
            )
        except Refusal as refusal:
            return self._ask_again(form, query, refusal)
        flash("The filter was saved.", "success")
        return redirect(f"{url_for('.index_view')}?{query}", 303)

    @expose("/filters/remove/", methods=("POST",))
    def delete_filter_view(self) -> Any:
        """Forget a saved filter and go back to the grid as it was."""
        back = request.form.get("back", "")
        try:
            name = delete_filter(
                read_id(request.args.get("filter")) or 0,
                actor=actor(),
                may_share=holds("filters.share"),
            )
            flash(f"The filter “{name}” was removed.", "success")
        except NotFound:
            not_found()
        except Refusal as refusal:
            flash(refusal.sentence, "warning")
        # Only ever a question of this grid's own address.
        asked = back if back.startswith("?") and back.isprintable() else ""
        return redirect(url_for(".index_view") + asked, 303)

    def _keepable(self) -> set[str]:
        return {param for each in self.filters for param in each.params} | KEEPABLE

    def _ask_again(self, form: Any, query: str, refusal: Refusal) -> Any:
        show_refusal(form, refusal)
        page = self.render(
            "admin/model/save_filter.html",
            form=form,
            query=query,
            record=self.name,
            heading="Save this filter",
            button="Save",
            consequences=[],
            back=f"{url_for('.index_view')}?{query}" if query else url_for(".index_view"),
        )
        return make_response(page, REFUSED)
