"""Writing messages: the form, the rendered letter, copies, and putting one away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import StringField, TextAreaField, ValidationError

from admin.base.access import actor, requires
from admin.base.fields import RelationField
from admin.base.scope import site_ids
from admin.base.words import office_settings
from admin.pages.letters import LETTER_HEADERS
from admin.pages.verbs import VerbPage
from billing.errors import Refusal
from documents.colours import accent
from messaging.addresses import read_addresses
from messaging.drafts import (
    Content,
    archive_message,
    create_message,
    duplicate_message,
    edit_message,
)
from messaging.previews import preview_message
from messaging.words import LONGEST_SUBJECT, PLACEHOLDERS, check_body, check_subject
from models import Form, Message, Site, db
from models.states import MessageState

CHANGED = Refusal(
    "Somebody else changed this message while you had it open. Look again.", "changed"
)


def _by(check: Callable[[Any, Any], Any]) -> Callable[[Any, Any], None]:
    """Return the validator that says at the field what the verb would refuse.

    The verb stops at the first mistake; here every field is checked, so people see all at once.
    """

    def validate(form: Any, field: Any) -> None:
        try:
            check(form, field)
        except Refusal as refusal:
            raise ValidationError(refusal.sentence) from None

    return validate


def _addresses(_form: Any, field: Any) -> None:
    read_addresses(field.data, field.short_name)


def _own_site(_form: Any, field: Any) -> None:
    if site_ids() and field.data is None:
        raise ValidationError("Choose one of your sites.")


class MessageForm(BaseForm):
    subject = StringField(
        "Subject",
        [_by(lambda form, field: check_subject(field.data, has_form=form.form.data is not None))],
        render_kw={"maxlength": LONGEST_SUBJECT},
    )
    body = TextAreaField(
        "Text",
        [_by(lambda form, field: check_body(field.data, has_form=form.form.data is not None))],
        description="Plain text. An empty line begins a new paragraph; addresses become links.",
    )
    form = RelationField(
        "Form", target=Form, description="Everybody with an approved application of it gets it."
    )
    site = RelationField(
        "Site",
        [_own_site],
        target=Site,
        description="Only applications of this site. None: of every site.",
    )
    extra = TextAreaField(
        "Extra recipients",
        [_by(_addresses)],
        description="E-mail addresses, one a line. They get it besides the form’s applicants.",
    )
    excluded = TextAreaField(
        "Excluded recipients",
        [_by(_addresses)],
        description="E-mail addresses, one a line. They don’t get it, whatever else holds.",
    )


def content_of(form: Any) -> Content:
    """Return what the form holds the way the verbs take it."""
    return Content(
        subject=form.subject.data or "",
        body=form.body.data or "",
        form_id=form.form.data,
        site_id=form.site.data,
        extra=form.extra.data or "",
        excluded=form.excluded.data or "",
    )


def mark_of(message: Message) -> str:
    """Return what tells later whether somebody changed the message meanwhile."""
    return message.updated_at.isoformat()


def seen_at() -> dt.datetime:
    """Return which version of the message the form showed; ``Refusal`` when it does not say."""
    try:
        return dt.datetime.fromisoformat(request.form.get("seen", ""))
    except ValueError:
        raise CHANGED from None


def page_of(message_id: int) -> str:
    """Return the address of a message's Eye page."""
    return url_for("message.details_view", id=message_id)


class MessagePages(VerbPage):
    """What staff do with a message before it is sent, and after it has done its work."""

    label = "Message"
    permission = "messages.view"
    slug = "message_pages"
    path = "/admin/message/do"

    @expose("/write/", methods=("GET", "POST"))
    @requires("messages.edit")
    def write(self) -> Any:
        """Write a new message."""
        sites = site_ids()
        form = self.form(MessageForm, site=next(iter(sites)) if len(sites) == 1 else None)
        done: list[int] = []

        def keep() -> str:
            done.append(create_message(content_of(form), actor=actor()))
            return "The draft is kept. Nothing was sent yet."

        answer = self._form_page(form, None, keep, lambda: "")
        if done:
            answer.location = page_of(done[0])
        return answer

    @expose("/edit/", methods=("GET", "POST"))
    @requires("messages.edit")
    def edit(self) -> Any:
        """Change a draft."""
        message = self.record(Message)
        if message.state is not MessageState.DRAFT:
            why = f"This message is {message.state}. Duplicate it to change it."
            return self.refused(message, "Edit message", Refusal(why, "not_draft"))
        form = self.form(
            MessageForm,
            subject=message.subject,
            body=message.body,
            form=message.form_id,
            site=message.site_id,
            extra="\n".join(row.address for row in message.extra),
            excluded="\n".join(row.address for row in message.excluded),
        )
        newest = mark_of(message)
        shown = request.form.get("seen", newest)

        def keep() -> str:
            nonlocal shown
            try:
                edit_message(message.id, content_of(form), actor=actor(), shown_at=seen_at())
            except Refusal as refusal:
                # Told once, whoever saves again has looked.
                shown = newest if refusal.code == "changed" else shown
                raise
            return "Saved."

        return self._form_page(form, message, keep, lambda: shown)

    @expose("/duplicate/", methods=("POST",))
    @requires("messages.edit")
    def duplicate(self) -> Any:
        """Copy all that was written into a new draft."""
        message = self.record(Message)
        copy = duplicate_message(message.id, actor=actor())
        flash("This is the copy: a new draft. Nothing was sent yet.", "success")
        return redirect(page_of(copy), 303)

    @expose("/archive/", methods=("GET", "POST"))
    @requires("messages.edit")
    def archive(self) -> Any:
        """Put a message away for good."""
        message = self.record(Message)

        def put_away() -> str:
            archive_message(message.id, actor=actor())
            return "Archived. The message stays here to be read and duplicated."

        return self.answer(
            "admin/pages/verb.html",
            self.form(BaseForm),
            message,
            put_away,
            heading="Archive message",
            button="Archive",
            danger=True,
            consequences=[
                "It leaves the list of messages and can’t be edited or sent any more.",
                "Whoever is still waiting for it is left out.",
                "It can still be read, and duplicated into a new draft.",
            ],
        )

    @expose("/letter/")
    def letter(self) -> Any:
        """The message as one recipient gets it, shown in a frame of its Eye page."""
        shown = preview_message(db.session(), self.record(Message).id)
        office = office_settings()
        page = render_template(
            "email/message_preview.html",
            office=office,
            colours=accent(office.accent),
            # No greeting of the office's own: staff write theirs.
            name="",
            params={"subject": shown.subject, "paragraphs": shown.paragraphs},
            link="",
        )
        answer = Response(page, mimetype="text/html")
        answer.headers["Cache-Control"] = "private, no-store"
        return answer

    letter.talisman_view_options = LETTER_HEADERS

    def _form_page(
        self,
        form: BaseForm,
        message: Message | None,
        keep: Callable[[], str],
        mark: Callable[[], str],
    ) -> Any:
        return self.answer(
            "admin/pages/messages/write.html",
            form,
            message,
            keep,
            mark=mark,
            placeholders=PLACEHOLDERS,
        )
