"""What staff can do with a message, and where each button leads."""

from __future__ import annotations

from sqlalchemy.orm import Session

from admin.base.actions import eye_action
from billing.actions import Action
from messaging.sending import Progress, progress
from models import Message
from models.states import MessageState

S = MessageState
_BEGUN = (S.SENDING, S.PAUSED, S.SENT)


def message_actions(session: Session, message: Message) -> list[Action]:
    """Return the buttons of a message's page, in order; only those its state knows."""
    far = progress(session, message.id)
    rows: list[tuple[bool, str, str, str]] = [
        (message.state is S.DRAFT, "edit", "Edit", "messages.edit"),
        (message.state is not S.ARCHIVED, "preview", "Send message preview", "messages.send"),
        (message.state is S.DRAFT, "send", "Send", "messages.send"),
        (message.state is S.SENDING, "stop", "Stop", "messages.send"),
        (message.state is S.PAUSED, "resume", "Resume", "messages.send"),
        (can_resend(far), "resend", "Resend failed", "messages.send"),
        (far.unknown > 0, "decide", "Decide about “may have been sent”", "messages.send"),
        (True, "duplicate", "Duplicate message", "messages.edit"),
    ]
    shown = [Action(name, label, who) for fits, name, label, who in rows if fits]
    if message.state is not S.ARCHIVED:
        why_not = "It is being sent. Stop it first." if message.state is S.SENDING else None
        shown.append(Action("archive", "Archive", "messages.edit", why_not))
    return shown


def can_resend(far: Progress) -> bool:
    """Whether there are failed letters of a message that is not archived."""
    return far.failed > 0 and far.state in _BEGUN


eye_action(Message, "edit", "message_pages.edit")
eye_action(Message, "preview", "message_sending.preview")
eye_action(Message, "send", "message_sending.send")
eye_action(Message, "stop", "message_sending.stop", method="POST")
eye_action(Message, "resume", "message_sending.resume", method="POST")
eye_action(Message, "resend", "message_sending.resend")
eye_action(Message, "decide", "message_doubts.decide")
eye_action(Message, "duplicate", "message_pages.duplicate", method="POST")
eye_action(Message, "archive", "message_pages.archive", danger=True)
