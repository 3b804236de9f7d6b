"""Letters that may have been sent: a worker or the mail server never said, so staff decide."""

from __future__ import annotations

from typing import Any

from flask_admin import expose
from flask_admin.form import BaseForm
from sqlalchemy import select
from wtforms import SelectMultipleField

from admin.base.access import actor, requires
from admin.base.scope import read_id
from admin.base.words import words
from admin.pages.choosing import OneOfField
from admin.pages.messages_sending import counted
from admin.pages.verbs import VerbPage
from billing.errors import Refusal
from messaging.sending import count_as_sent, resend_failed
from models import Message, MessageRecipient, db
from models.states import RecipientState

# As many as one page shows; whoever decides about those sees the next.
SHOWN = 200
CHOICES = (("sent", "Count as sent"), ("again", "Send again"))


class DoubtsForm(BaseForm):
    what = OneOfField("What to do", choices=CHOICES, unknown="Choose what to do.")
    recipients = SelectMultipleField(
        "Recipients", coerce=lambda value: read_id(str(value)), validate_choice=False
    )


def doubts_of(message: Message) -> list[MessageRecipient]:
    """Return the message's first letters that may have been sent."""
    found = (
        select(MessageRecipient)
        .where(
            MessageRecipient.message_id == message.id,
            MessageRecipient.state == RecipientState.UNKNOWN,
        )
        .order_by(MessageRecipient.id)
        .limit(SHOWN)
    )
    return list(db.session.scalars(found))


class MessageDoubts(VerbPage):
    """Where staff decide about letters nobody reported about."""

    label = "Message"
    permission = "messages.send"
    slug = "message_doubts"
    path = "/admin/message/doubts"

    @expose("/decide/", methods=("GET", "POST"))
    @requires("messages.send")
    def decide(self) -> Any:
        """Take letters as sent, or send them again at the risk of a second one."""
        message = self.record(Message)
        doubts = doubts_of(message)
        heading = "Decide about “may have been sent”"
        if not doubts:
            why = Refusal("No letter of this message is in doubt.", "nothing_unknown")
            return self.refused(message, heading, why)
        known = [row.id for row in doubts]
        form: Any = self.form(DoubtsForm, recipients=known)
        form.what.choices = CHOICES if message.state != "archived" else CHOICES[:1]

        def carry_out() -> str:
            ticked = [each for each in known if each in (form.recipients.data or ())]
            if not ticked:
                raise Refusal("Tick at least one.", "required", "recipients")
            if form.what.data == "sent":
                count = count_as_sent(message.id, actor=actor(), recipient_ids=ticked)
                return f"{counted(count, 'letter counts', 'letters count')} as sent."
            count = resend_failed(
                message.id, actor=actor(), recipient_ids=ticked, also_unknown=True
            )
            return f"{counted(count, 'letter is', 'letters are')} being sent again."

        return self.answer(
            "admin/pages/messages/doubts.html",
            form,
            message,
            carry_out,
            heading=heading,
            doubts=lambda: doubts_of(message),
            spoken=words,
        )
