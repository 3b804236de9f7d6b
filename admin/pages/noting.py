"""Notes of staff: added on the Eye page of what they are about, listed there newest first."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import TextAreaField, validators

from admin.base.access import actor, holds, requires
from admin.base.words import words
from admin.pages.verbs import VerbPage, clean
from billing.guards import why_not_mark
from billing.notes import MAX_TEXT, add_note, notes_of
from models import Application, Invoice, Note, Unit, User, db

PERMISSIONS = {
    "user": "users.edit",
    "unit": "sites.edit",
    "application": "applications.edit",
    "invoice": "invoices.send",
}


class NoteForm(BaseForm):
    text = TextAreaField(
        "Note",
        [
            validators.InputRequired("Write a note first."),
            validators.Length(max=MAX_TEXT, message=f"At most {MAX_TEXT:,} characters, please."),
        ],
        [clean],
        description="Only staff see it. It can't be changed or removed afterwards.",
    )


class NotePages(VerbPage):
    """Where the form of an Eye page goes, and where it is shown again after a refusal."""

    label = "Notes"
    permission = "dashboard.view"
    slug = "notes"
    path = "/admin/notes"

    @expose("/user/", methods=("GET", "POST"))
    @requires("users.edit")
    def user(self) -> Any:
        """Add a note about a user."""
        return self._add("user", self.record(User))

    @expose("/application/", methods=("GET", "POST"))
    @requires("applications.edit")
    def application(self) -> Any:
        """Add a note about an application."""
        return self._add("application", self.record(Application))

    @expose("/unit/", methods=("GET", "POST"))
    @requires("sites.edit")
    def unit(self) -> Any:
        """Add a note about a unit."""
        return self._add("unit", self.record(Unit))

    @expose("/invoice/", methods=("GET", "POST"))
    @requires("invoices.send")
    def invoice(self) -> Any:
        """Add a note about an invoice."""
        return self._add("invoice", self.record(Invoice))

    def _add(self, record: str, about: Any) -> Any:
        form: Any = self.form(NoteForm)

        def add() -> str:
            add_note(record, about.id, text=form.text.data, actor=actor())
            return "The note was added."

        return self.answer(
            "admin/pages/verb.html",
            form,
            about,
            add,
            heading="Add a note",
            button="Add note",
            consequences=[],
        )


def notes_on(about: Any) -> list[tuple[Note, str]]:
    """Return the newest notes about a record, each with its time in words."""
    found = notes_of(db.session(), type(about).__name__.lower(), about.id)
    return [(each, words().moment(each.at)) for each in found]


def note_url(about: Any) -> str | None:
    """Return where a note about a record is added; None where that may not be."""
    kind = type(about).__name__.lower()
    may = holds(PERMISSIONS[kind]) and why_not_mark(about) is None
    return url_for(f"notes.{kind}", id=about.id) if may else None
