"""What every page that carries out a verb shares: ask on GET, do on POST, say what happened.

A refusal is shown at its field with everything typed still there (status 422); nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import DateField, TextAreaField, validators

from admin.base.access import not_found
from admin.base.page import PanelPage
from admin.base.refusing import REFUSED, show_refusal
from admin.base.registry import record_url
from admin.base.scope import find, read_id
from billing.errors import NotFound, Refusal


def clean(text: str | None) -> str:
    """Return typed text with plain line ends and without zero bytes, which PostgreSQL refuses."""
    return (text or "").replace("\0", "").replace("\r\n", "\n")


class DayField(DateField):
    """A local date; what can't be one is answered in a sentence people understand."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("That is not a date. Write it as year-month-day.") from None


def reason_field(label: str, hint: str) -> TextAreaField:
    """Return the field for a reason that has to be given and is kept in the history."""
    return TextAreaField(label, [validators.InputRequired("Say why.")], [clean], description=hint)


class VerbPage(PanelPage):
    """Base of the pages behind the buttons of an Eye page; reached from there only."""

    in_menu = False

    @expose("/")
    def index(self) -> Any:
        """Answer an address that names no verb; Flask-Admin wants one."""
        not_found()

    def record(self, model: Any) -> Any:
        """Return the record the address names, if this person may see it; else not found."""
        found = find(model, read_id(request.args.get("id")))
        return found if found is not None else not_found()

    def form(self, kind: type[BaseForm], **data: Any) -> BaseForm:
        """Return the form as typed, or on GET as it starts out with ``data``."""
        return kind(request.form if request.method == "POST" else None, data=data)

    def answer(
        self,
        template: str,
        form: BaseForm,
        record: Any,
        verb: Callable[[], str],
        *,
        to: Callable[[], str | None] = lambda: None,
        **context: Any,
    ) -> Any:
        """Carry ``verb`` out on POST and go to the record's page; else show the page.

        verb    -- does it and returns the sentence that says what happened
        to      -- asked once it is done: where to go instead of the record's page, if anywhere
        context -- for the template; functions are called for it only when the page is shown
        """
        back = record_url(record) or url_for("admin.index")
        if request.method == "POST" and self._done(form, verb):
            return redirect(to() or back, 303)
        shown = {name: each() if callable(each) else each for name, each in context.items()}
        page = self.render(template, form=form, record=record, back=back, **shown)
        return make_response(page, REFUSED if form.errors else 200)

    def refused(self, record: Any, heading: str, why_not: Refusal) -> Any:
        """Show why this can't be done at all at the moment."""
        back = record_url(record) or url_for("admin.index")
        page = self.render(
            "admin/pages/not_now.html", record=record, heading=heading, why_not=why_not, back=back
        )
        return make_response(page, REFUSED)

    def _done(self, form: BaseForm, verb: Callable[[], str]) -> bool:
        if not form.validate():
            return False
        try:
            flash(verb(), "success")
        except NotFound:
            not_found()
        except Refusal as refusal:
            show_refusal(form, refusal)
            return False
        return True


def read_shown(text: str | None) -> int:
    """Return the minor units the page showed; ``Refusal`` when they did not come along."""
    plain = (text or "").strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 15):
        raise Refusal("The page was not complete. Please look again.", "incomplete")
    return int(plain)
