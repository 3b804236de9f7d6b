"""A mail server that does as it is told, and what tests of messages say again and again."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections import Counter
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from sqlalchemy import insert, select

from billing import clock
from billing.database import reading, transaction
from jobs import messages as jobs
from messaging.audience import Audience, audience
from messaging.drafts import Content, create_message
from messaging.sending import Progress, progress, send_message
from models import Application, Billable, Message, MessageRecipient, User
from models.states import MessageState
from tests.ports import free_block
from tests.support import STAFF, Factory

Answer = Callable[[str], str | None]


class Sink:
    """An SMTP server on a free port.

    rcpt    -- answers RCPT TO per address; None: accept
    data    -- answers a letter per address; None: accept, "drop": close instead of answering
    sender  -- answers MAIL FROM; None: accept
    pause   -- seconds it thinks about each letter
    """

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.addresses: list[str] = []
        self.raw: list[bytes] = []
        self.connections = 0
        self.keep_content = True
        self.rcpt: Answer = lambda _address: None
        self.data: Answer = lambda _address: None
        self.sender: Callable[[], str | None] = lambda: None
        self.on_letter: Callable[[int], None] = lambda _count: None
        self.pause = 0.0
        sink = self

        class Counting(SMTP):
            def connection_made(self, transport: Any) -> None:
                sink.connections += 1
                super().connection_made(transport)

        class Server(Controller):
            def factory(self) -> SMTP:
                return Counting(self.handler, enable_SMTPUTF8=False)

        self.port = free_block()
        self._controller = Server(self, hostname=self.host, port=self.port, ready_timeout=30)

    def __enter__(self) -> Sink:
        self._controller.start()
        # Starting has called on the server once to see that it answers.
        self.connections = 0
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_MAIL(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        envelope.mail_from = address
        return self.sender() or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        answer = self.rcpt(address)
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        address = envelope.rcpt_tos[0]
        answer = self.data(address)
        if answer and answer != "drop":
            return answer
        if self.pause:
            await asyncio.sleep(self.pause)
        self.addresses.append(address)
        if self.keep_content:
            self.raw.append(envelope.original_content)
        self.on_letter(len(self.addresses))
        if answer == "drop":
            server.transport.abort()
        return "250 OK"

    def letters(self) -> list[EmailMessage]:
        return [email.message_from_bytes(raw, policy=email.policy.default) for raw in self.raw]

    def letter_to(self, address: str) -> EmailMessage:
        [found] = [letter for letter in self.letters() if letter["To"] == address]
        return found

    def twice(self) -> list[str]:
        """Addresses that were written to more than once."""
        return [address for address, count in Counter(self.addresses).items() if count > 1]


def draft(subject: str = "News", body: str = "Hello {name}.", **more: Any) -> int:
    return create_message(Content(subject, body, **more), actor=STAFF)


def applicants(make: Factory, form_id: int, count: int, state: str = "approved") -> list[int]:
    """Users with an application each; their addresses are user1@…, user2@…"""
    users = [make.user(f"Person {number}") for number in range(count)]
    for user in users:
        make.application(user, form_id=form_id, state=state)
    return users


def crowd(form_id: int, count: int, start: int = 0) -> None:
    """Very many approved applicants, straight into the tables."""
    numbers = range(start, start + count)
    with transaction() as session:
        users = session.scalars(
            insert(User).returning(User.id, sort_by_parameter_order=True),
            [
                {
                    "name": f"Person {number}",
                    "email": f"crowd{number}@example.org",
                    "created_at": clock.now(),
                }
                for number in numbers
            ],
        ).all()
        billables = session.scalars(
            insert(Billable).returning(Billable.id, sort_by_parameter_order=True),
            [{"kind": "application", "label": f"C-{number}"} for number in numbers],
        ).all()
        session.execute(
            insert(Application),
            [
                {
                    "reference": f"C-{number}",
                    "user_id": user,
                    "billable_id": billable,
                    "form_id": form_id,
                    "state": "approved",
                    "fees_total": 0,
                }
                for number, user, billable in zip(numbers, users, billables, strict=True)
            ],
        )


def typed(count: int) -> str:
    return "\n".join(f"typed{number}@example.org" for number in range(count))


def sending(count: int = 3, **more: Any) -> int:
    """A message to ``count`` typed addresses whose sending has begun."""
    message = draft(extra=typed(count), **more)
    send_message(message, actor=STAFF)
    return message


def look(message_id: int) -> Audience:
    with reading() as session:
        return audience(session, session.get_one(Message, message_id))


def how_far(message_id: int) -> Progress:
    with reading() as session:
        return progress(session, message_id)


def reasons(message_id: int) -> dict[str, str]:
    """Name or address → why, of everybody left out."""
    return {person.name or person.address: person.reason for person in look(message_id).people}


def rows(message_id: int) -> list[MessageRecipient]:
    with reading() as session:
        found = select(MessageRecipient).where(MessageRecipient.message_id == message_id)
        return list(session.scalars(found.order_by(MessageRecipient.id)))


def states(message_id: int) -> Counter[str]:
    return Counter(str(row.state) for row in rows(message_id))


def state_of(message_id: int) -> MessageState:
    return how_far(message_id).state


def addresses_of(message_id: int, state: str) -> list[str]:
    return [row.address or "" for row in rows(message_id) if row.state == state]


def work(message_id: int, turns: int = 20) -> None:
    """Send as the queue would: turn after turn until a turn sends nothing."""
    for _ in range(turns):
        if jobs.send([message_id]) == "0 letters sent":
            return


def counts_agree(message_id: int) -> None:
    """The counts beside the message must be those of its recipients."""
    seen, progress_ = states(message_id), how_far(message_id)
    assert (progress_.sent, progress_.failed, progress_.unknown, progress_.skipped) == (
        seen["sent"],
        seen["failed"],
        seen["unknown"],
        seen["skipped"],
    )
    assert progress_.recipients == sum(seen.values()) - seen["skipped"]
    assert progress_.waiting == seen["waiting"] + seen["sending"]
