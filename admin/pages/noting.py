"""Notes of staff on users and applications: added on the Eye page, listed there newest first."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import TextAreaField, validators

from admin.base.access import actor, holds, requires
from admin.base.words import words
from admin.pages.verbs import VerbPage, clean
from applications.notes import MAX_TEXT, add_note, notes_of
from models import Application, Note, User, db

PERMISSIONS = {"user": "users.edit", "application": "applications.edit"}


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
    """Return the newest notes about a user or an application, each with its time in words."""
    found = notes_of(db.session(), type(about).__name__.lower(), about.id)
    return [(each, words().moment(each.at)) for each in found]


def note_url(about: Any) -> str | None:
    """Return where a note about a record is added; None for those who may not."""
    kind = type(about).__name__.lower()
    return url_for(f"notes.{kind}", id=about.id) if holds(PERMISSIONS[kind]) else None
