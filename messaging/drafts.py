"""Writing messages: create, edit, duplicate, archive."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.history import note
from billing.transitions import move
from messaging.addresses import read_addresses
from messaging.words import LONGEST_SUBJECT, check_body, check_subject
from models import Form, Message, MessageExclusion, MessageExtra, MessageRecipient
from models.states import LeftOut, MessageState, RecipientState

_COPY_OF = "Copy of "


@dataclass(frozen=True)
class Content:
    """What a message's form holds. Address lists are text as typed, one address a line."""

    subject: str
    body: str
    form_id: int | None = None
    site_id: int | None = None
    extra: str = ""
    excluded: str = ""


@dataclass(frozen=True)
class _Checked:
    subject: str
    body: str
    form_id: int | None
    site_id: int | None
    extra: list[str]
    excluded: list[str]


def create_message(content: Content, *, actor: Actor) -> int:
    """Keep a new draft and return its id.

    Raises ``Refusal`` with the field it is about: subject or text missing, too long, with a line
    break or an unknown placeholder; a malformed or repeated address by its line; a form that does
    not exist or belongs to another site.
    """
    checked = _check(content)
    with transaction() as session:
        _check_form(session, checked)
        message = Message(created_at=clock.now(), author=actor.name)
        _write(message, checked)
        move(session, message, "create", MessageState.DRAFT, actor, "Created")
        return message.id


def edit_message(
    message_id: int, content: Content, *, actor: Actor, shown_at: dt.datetime | None = None
) -> None:
    """Change a draft. Refused like ``create_message``, and once it is not a draft any more.

    shown_at -- ``updated_at`` of what the form started from; when somebody changed the draft since,
                the edit is refused (code ``changed``) instead of overwriting their work
    """
    checked = _check(content)
    with transaction() as session:
        message = lock(session, Message, message_id)
        if message.state is not MessageState.DRAFT:
            raise Refusal(
                f"This message is {message.state}. Duplicate it to change it.", "not_draft"
            )
        if shown_at is not None and message.updated_at != shown_at:
            raise Refusal(
                "Somebody else changed this message while you had it open. Look again.", "changed"
            )
        _check_form(session, checked)
        changed = _changes(message, checked)
        if changed:
            _write(message, checked)
            note(session, message, "edit", f"Changed {', '.join(changed)}", actor)


def duplicate_message(message_id: int, *, actor: Actor) -> int:
    """Copy everything staff wrote into a new draft and return its id (**Duplicate message**).

    Whoever got the first one is not copied: the draft decides anew when it is sent.
    """
    with transaction() as session:
        source = lock(session, Message, message_id)
        copy = Message(
            subject=f"{_COPY_OF}{source.subject.removeprefix(_COPY_OF)}"[:LONGEST_SUBJECT],
            body=source.body,
            form_id=source.form_id,
            site_id=source.site_id,
            author=actor.name,
            created_at=clock.now(),
            updated_at=clock.now(),
            extra=[MessageExtra(address=row.address) for row in source.extra],
            excluded=[MessageExclusion(address=row.address) for row in source.excluded],
        )
        move(
            session,
            copy,
            "duplicate",
            MessageState.DRAFT,
            actor,
            f"Copied from message {source.id}",
            details={"message_id": source.id},
        )
        return copy.id


def archive_message(message_id: int, *, actor: Actor) -> None:
    """Put a message away for good; who was still waiting is left out and shown so.

    Refused while it is being sent, and while a worker still has letters of it in hand.
    """
    with transaction() as session:
        message = lock(session, Message, message_id)
        if message.state is MessageState.SENDING:
            raise Refusal("This message is being sent. Stop it first.", "sending")
        if message.state is MessageState.ARCHIVED:
            raise Refusal("This message is archived already.", "already_archived")
        mine = MessageRecipient.message_id == message_id
        in_hand = session.scalar(
            select(func.count()).where(mine, MessageRecipient.state == RecipientState.SENDING)
        )
        if in_hand:
            raise Refusal(
                "The last letters are on their way. Try again in a few minutes.", "in_hand"
            )
        dropped = session.execute(
            update(MessageRecipient)
            .where(mine, MessageRecipient.state == RecipientState.WAITING)
            .values(state=RecipientState.SKIPPED, reason=LeftOut.STOPPED, next_try_at=None)
            .returning(MessageRecipient.id)
            .execution_options(synchronize_session=False)
        ).all()
        message.recipients -= len(dropped)
        message.skipped += len(dropped)
        move(session, message, "archive", MessageState.ARCHIVED, actor, "Archived")


def _check(content: Content) -> _Checked:
    has_form = content.form_id is not None
    return _Checked(
        subject=check_subject(content.subject, has_form=has_form),
        body=check_body(content.body, has_form=has_form),
        form_id=content.form_id,
        site_id=content.site_id,
        extra=read_addresses(content.extra, "extra"),
        excluded=read_addresses(content.excluded, "excluded"),
    )


def _check_form(session: Session, checked: _Checked) -> None:
    if checked.form_id is None:
        return
    form = session.get(Form, checked.form_id)
    if form is None:
        raise Refusal("Choose a form from the list.", "no_form", "form")
    if None not in (checked.site_id, form.site_id) and form.site_id != checked.site_id:
        raise Refusal("This form belongs to another site.", "other_site", "form")


def _write(message: Message, checked: _Checked) -> None:
    message.subject, message.body = checked.subject, checked.body
    message.form_id, message.site_id = checked.form_id, checked.site_id
    message.updated_at = clock.now()
    if _typed(message.extra) != checked.extra:
        message.extra = [MessageExtra(address=address) for address in checked.extra]
    if _typed(message.excluded) != checked.excluded:
        message.excluded = [MessageExclusion(address=address) for address in checked.excluded]


def _changes(message: Message, checked: _Checked) -> list[str]:
    """Name what is different, for the history; the addresses themselves stay out of it."""
    pairs = {
        "subject": (message.subject, checked.subject),
        "text": (message.body, checked.body),
        "form": (message.form_id, checked.form_id),
        "site": (message.site_id, checked.site_id),
        "extra recipients": (_typed(message.extra), checked.extra),
        "excluded recipients": (_typed(message.excluded), checked.excluded),
    }
    return [name for name, (before, after) in pairs.items() if before != after]


def _typed(rows: list[MessageExtra] | list[MessageExclusion]) -> list[str]:
    return [row.address for row in rows]
