"""How a message looks to one recipient, on the page and by e-mail."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import NotFound, Refusal
from billing.history import note
from billing.mailing import queue_email
from billing.office import get_settings
from billing.placeholders import fill, paragraphs
from messaging.addresses import read_addresses
from messaging.words import personal
from models import Application, Message, User
from models.states import ApplicationState

MOST_PREVIEWS = 20
_SAMPLE = ("Jane Example", "A-0000")


@dataclass(frozen=True)
class Preview:
    """A message as ``name`` would get it; ``paragraphs`` are plain text."""

    name: str
    subject: str
    paragraphs: list[str]


def preview_message(session: Session, message_id: int) -> Preview:
    """Return the message as the latest approved applicant would get it, else an invented one."""
    message = session.get(Message, message_id)
    if message is None:
        raise NotFound("message")
    return _preview(session, message)


def send_preview(message_id: int, addresses: str, *, actor: Actor) -> int:
    """Mail the message as it stands to ``addresses``, one a line (**Send message preview**).

    Returns how many. Nobody becomes a recipient by it. Raises ``Refusal`` (field ``addresses``):
    none, malformed or repeated by its line, or more than ``MOST_PREVIEWS``.
    """
    wanted = read_addresses(addresses, "addresses", most=MOST_PREVIEWS)
    if not wanted:
        raise Refusal("Enter at least one address.", "required", "addresses")
    with transaction() as session:
        message = lock(session, Message, message_id)
        shown = _preview(session, message)
        occasion = f"message-preview:{message.id}:{secrets.token_hex(8)}"
        for place, address in enumerate(wanted):
            queue_email(
                session,
                "message_preview",
                f"{occasion}:{place}",
                None,
                params={"subject": shown.subject, "paragraphs": shown.paragraphs},
                to_address=address,
            )
        count = len(wanted)
        words = "address" if count == 1 else "addresses"
        note(session, message, "preview", f"Sent a preview to {count} {words}", actor)
        return count


def _preview(session: Session, message: Message) -> Preview:
    found = None
    if message.form_id is not None:
        wanted = (
            select(User.name, Application.reference)
            .join(Application, Application.user_id == User.id)
            .where(
                Application.form_id == message.form_id,
                Application.state == ApplicationState.APPROVED,
            )
        )
        if message.site_id is not None:
            wanted = wanted.where(Application.site_id == message.site_id)
        found = session.execute(wanted.order_by(Application.id.desc()).limit(1)).one_or_none()
    name, application = found or _SAMPLE
    who = personal(
        name=name,
        application=application,
        form=message.form.name if message.form else "",
        organisation=get_settings(session).organisation,
        address="",
    )
    return Preview(
        name=name,
        subject=fill(message.subject, who),
        paragraphs=[fill(part, who) for part in paragraphs(message.body)],
    )
