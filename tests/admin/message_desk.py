"""What tests of the pages of messages say again and again."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import update

from billing.database import transaction
from models import Message, MessageRecipient
from tests.support import all_of, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]
DO, SENDING, DOUBTS = "/admin/message/do", "/admin/message/sending", "/admin/message/doubts"
NEW = f"{DO}/write/"
FILLED = {
    "subject": "News for {name}",
    "body": "Dear {name},\n\nthe park is open.",
    "form": "",
    "site": "",
    "extra": "ann@example.org\nBen@example.org",
    "excluded": "cy@example.org",
}


def text_of(answer: Any) -> str:
    return html.unescape(answer.get_data(as_text=True))


def eye_of(client: FlaskClient, message: int, more: str = "") -> str:
    answer = client.get(f"/admin/message/details/?id={message}{more}")
    assert answer.status_code == 200
    return text_of(answer)


def mark(message: int) -> str:
    return str(fetch(Message, message).updated_at.isoformat())


def send(client: FlaskClient, post: Post, message: int) -> Any:
    return post(client, f"{SENDING}/send/?id={message}", {"seen": mark(message)})


def settle(message: int, **states: str) -> None:
    """Give the letters to these local parts an end, as a worker's reports would."""
    with transaction() as session:
        for name, state in states.items():
            error = "550 No such mailbox" if state == "failed" else ""
            session.execute(
                update(MessageRecipient)
                .where(
                    MessageRecipient.message_id == message,
                    MessageRecipient.address_key == f"{name}@example.org",
                )
                .values(state=state, error=error)
            )
        row = session.get_one(Message, message)
        row.failed = sum(state == "failed" for state in states.values())
        row.sent = sum(state == "sent" for state in states.values())


def states(message: int) -> dict[str, str]:
    found = [row for row in all_of(MessageRecipient) if row.message_id == message]
    return {str(row.address): str(row.state) for row in found}
