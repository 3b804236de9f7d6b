"""The link at the foot of every message: whoever has it may stop messages to that one address.

The token is the recipient row's number with an HMAC-SHA256 over it, so the address is not in the
link. It works for ever: an old letter must still let its reader out (RFC 8058).
"""

from __future__ import annotations

from typing import Any

from itsdangerous import BadData
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from billing import clock, runtime
from billing.database import transaction
from billing.signed import LinkDead, serializer
from models import Message, MessageRecipient, Unsubscribe
from models.states import LeftOut, MessageState, RecipientState

_UNFINISHED = (MessageState.SENDING, MessageState.PAUSED)
_SALT = "unsubscribe"
_LONGEST_TOKEN = 300


def unsubscribe_url(recipient_id: int) -> str:
    """Return the address where this recipient can stop messages."""
    return f"{runtime.current().public_url}/unsubscribe/{serializer(_SALT).dumps(recipient_id)}"


def unsubscribe_headers(url: str) -> dict[str, str]:
    """Return the headers that give mail programs their own button (RFC 2369, RFC 8058)."""
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def address_of(session: Session, token: str) -> str:
    """Return the address ``token`` is about, changing nothing; raises ``LinkDead``."""
    address = session.scalar(
        select(MessageRecipient.address).where(MessageRecipient.id == _read(token))
    )
    if not address:
        raise LinkDead
    return address


def unsubscribe(token: str) -> str:
    """Send no more messages to the address ``token`` is about; returns the address.

    Letters of unfinished messages that still wait for this address are taken out at once. Doing it
    twice changes nothing. Invoices and receipts still arrive. Raises ``LinkDead``.
    """
    recipient_id = _read(token)
    with transaction() as session:
        row = session.get(MessageRecipient, recipient_id)
        if row is None or row.address is None or row.address_key is None:
            raise LinkDead
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(
            dialect.insert(Unsubscribe)
            .values(address=row.address_key, at=clock.now())
            .on_conflict_do_nothing(index_elements=["address"])
        )
        _take_out(session, row.address_key)
        return row.address


def _take_out(session: Session, key: str) -> None:
    """Leave the address out of messages that are not through yet; messages are locked first."""
    unfinished = select(Message.id).where(Message.state.in_(_UNFINISHED)).order_by(Message.id)
    locked = session.scalars(unfinished.with_for_update(of=Message, key_share=True)).all()
    if not locked:
        return
    waiting = session.scalars(
        update(MessageRecipient)
        .where(
            MessageRecipient.message_id.in_(locked),
            MessageRecipient.address_key == key,
            MessageRecipient.state == RecipientState.WAITING,
        )
        .values(state=RecipientState.SKIPPED, reason=LeftOut.UNSUBSCRIBED, next_try_at=None)
        .returning(MessageRecipient.message_id)
        .execution_options(synchronize_session=False)
    ).all()
    if waiting:
        session.execute(
            update(Message)
            .where(Message.id.in_(waiting))
            .values(recipients=Message.recipients - 1, skipped=Message.skipped + 1)
            .execution_options(synchronize_session=False)
        )


def _read(token: str) -> int:
    try:
        found: Any = serializer(_SALT).loads(token[:_LONGEST_TOKEN])
        return int(found)
    except (BadData, ValueError, TypeError):
        raise LinkDead from None
