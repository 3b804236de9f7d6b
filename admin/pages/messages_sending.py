"""Sending messages: the preview by e-mail, Send, how far it is, stop, resume, and once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, jsonify, redirect
from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import TextAreaField

from admin.base.access import actor, requires, signed_in
from admin.pages.messages import CHANGED, mark_of, page_of, seen_at
from admin.pages.messages_actions import can_resend
from admin.pages.verbs import VerbPage, clean
from billing.errors import Refusal
from messaging.audience import REASONS, Audience, audience
from messaging.previews import MOST_PREVIEWS, send_preview
from messaging.sending import (
    Progress,
    progress,
    resend_failed,
    resume_message,
    send_message,
    stop_message,
)
from models import Message, db
from models.states import MessageState

# Names of people left out that are shown before sending; their counts are always whole.
NAMES = 200


class PreviewForm(BaseForm):
    addresses = TextAreaField(
        "Addresses",
        filters=[clean],
        description=f"One a line, {MOST_PREVIEWS} at most. Nobody becomes a recipient by it.",
    )


def counted(number: int, one: str, more: str) -> str:
    """Return "1 recipient", "1,200 recipients"."""
    return f"{number:,} {one if number == 1 else more}"


def reasons_of(found: Audience) -> list[tuple[str, int]]:
    """Return why people are left out, the most frequent reason first."""
    rows = [(REASONS[reason], count) for reason, count in found.left_out.items()]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def progress_words(far: Progress) -> str:
    """Return how far a message is, in one line that leaves out what is none."""
    parts = [
        f"{far.sent:,} of {counted(far.recipients, 'letter', 'letters')} sent",
        f"{far.failed:,} failed" if far.failed else "",
        f"{far.unknown:,} may have been sent" if far.unknown else "",
        f"{far.waiting:,} waiting" if far.waiting else "",
    ]
    return ", ".join(part for part in parts if part)


class MessageSending(VerbPage):
    """What staff do with a message once it is written."""

    label = "Message"
    permission = "messages.view"
    slug = "message_sending"
    path = "/admin/message/sending"

    @expose("/preview/", methods=("GET", "POST"))
    @requires("messages.send")
    def preview(self) -> Any:
        """Mail the message as it stands to oneself and others."""
        message = self.record(Message)
        person = signed_in()
        form: Any = self.form(PreviewForm, addresses=person.email if person else "")

        def mail_it() -> str:
            count = send_preview(message.id, form.addresses.data, actor=actor())
            return f"The preview is on its way to {counted(count, 'address', 'addresses')}."

        return self.answer(
            "admin/pages/messages/preview.html",
            form,
            message,
            mail_it,
            heading="Send message preview",
            button="Send message preview",
            consequences=[],
        )

    @expose("/send/", methods=("GET", "POST"))
    @requires("messages.send")
    def send(self) -> Any:
        """Show who gets it and who does not, then send."""
        message = self.record(Message)
        if message.state is not MessageState.DRAFT:
            sentence = f"This message is {message.state}. Duplicate it to send it again."
            return self.refused(message, "Send", Refusal(sentence, "already_sent"))
        newest = mark_of(message)

        def begin() -> str:
            if seen_at() != message.updated_at:
                raise CHANGED
            decided = send_message(message.id, actor=actor())
            left_out = sum(decided.left_out.values())
            letters = counted(decided.letters, "recipient", "recipients")
            others = f" {left_out:,} left out." if left_out else ""
            return f"Sending to {letters} has begun.{others}"

        return self.answer(
            "admin/pages/messages/send.html",
            self.form(BaseForm),
            message,
            begin,
            mark=newest,
            found=lambda: audience(db.session(), message, limit=NAMES),
            reasons_of=lambda: reasons_of,
            names=NAMES,
        )

    @expose("/progress/")
    def progress(self) -> Any:
        """How far it is, for the bar: the same few statements however many recipients."""
        far = progress(db.session(), self.record(Message).id)
        answer = jsonify(
            state=far.state,
            done=far.recipients - far.waiting,
            all=far.recipients,
            percent=far.percent,
            words=progress_words(far),
            trouble=far.trouble,
        )
        answer.headers["Cache-Control"] = "private, no-store"
        return answer

    @expose("/stop/", methods=("POST",))
    @requires("messages.send")
    def stop(self) -> Any:
        """Pause the sending."""
        return self._press(stop_message, "Stopped. Letters already in hand may still go out.")

    @expose("/resume/", methods=("POST",))
    @requires("messages.send")
    def resume(self) -> Any:
        """Go on with a paused message."""
        return self._press(resume_message, "Sending goes on.")

    @expose("/resend/", methods=("GET", "POST"))
    @requires("messages.send")
    def resend(self) -> Any:
        """Send failed letters once more."""
        message = self.record(Message)
        far = progress(db.session(), message.id)
        if not can_resend(far):
            why = Refusal("No letter of this message can be sent again.", "nothing_failed")
            return self.refused(message, "Resend failed", why)

        def again() -> str:
            count = resend_failed(message.id, actor=actor())
            return f"{counted(count, 'letter is', 'letters are')} being sent again."

        return self.answer(
            "admin/pages/verb.html",
            self.form(BaseForm),
            message,
            again,
            heading="Resend failed",
            button="Resend failed",
            consequences=[
                f"{counted(far.failed, 'letter', 'letters')} that the mail server refused "
                f"{'is' if far.failed == 1 else 'are'} tried again.",
                "Whoever got the message does not get it again, and whoever unsubscribed "
                "meanwhile is left out.",
            ],
        )

    def _press(self, verb: Callable[..., None], done: str) -> Any:
        message = self.record(Message)
        back = page_of(message.id)
        try:
            verb(message.id, actor=actor())
        except Refusal as refusal:
            flash(refusal.sentence, "error")
        else:
            flash(done, "success")
        return redirect(back, 303)
