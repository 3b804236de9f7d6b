"""Who gets a message and who does not: one query, asked for the preview and at the sending alike.

Source of the rules: the city guide's row "Messages". Recipients are the users with an approved
application of the form, and the typed addresses. Left out are users whose applications of it are
inactive, who have no e-mail, are excluded, owe something, or want no more messages. Unpaid means
an invoice that is sent, failed or pending, so a part payment still leaves somebody out, payment in
full brings them back, and a returned debit leaves them out again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    case,
    cast,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from billing import clock
from models import (
    Application,
    Invoice,
    Message,
    MessageExclusion,
    MessageExtra,
    MessageRecipient,
    Unsubscribe,
    User,
)
from models.states import (
    OWED_INVOICE_STATES,
    ApplicationState,
    LeftOut,
    MessageState,
    RecipientState,
)

REASONS: dict[LeftOut, str] = {
    LeftOut.INACTIVE: "Inactive application",
    LeftOut.NO_EMAIL: "No e-mail",
    LeftOut.EXCLUDED: "Excluded",
    LeftOut.UNPAID: "Unpaid invoice",
    LeftOut.UNSUBSCRIBED: "Unsubscribed",
    LeftOut.SAME_ADDRESS: "Shares the address of another recipient",
    LeftOut.STOPPED: "Archived before it was sent",
}
_GETS_IT = ""


@dataclass(frozen=True)
class Person:
    """Somebody who gets no letter of their own; ``why`` is for people."""

    user_id: int | None
    name: str
    address: str
    reason: LeftOut
    why: str


@dataclass(frozen=True)
class Audience:
    """Who gets a message: so many letters, so many people left out by reason, and who those are.

    people -- the first of them, at most as many as were asked for; ``left_out`` counts all
    """

    letters: int
    left_out: dict[LeftOut, int]
    people: list[Person]


def audience(session: Session, message: Message, *, limit: int = 200) -> Audience:
    """Return whom ``message`` would reach now, or did reach if it was sent already.

    Two statements, whatever the size of the audience. A draft's answer is only what holds now: it
    is decided anew when it is sent.
    """
    if message.state is MessageState.DRAFT:
        rows = decision(message).subquery()
        decided: Any = rows.c
    else:
        decided = MessageRecipient
    return _read(session, message, decided, limit)


def _read(session: Session, message: Message, decided: Any, limit: int) -> Audience:
    mine = decided.message_id == message.id if decided is MessageRecipient else literal(value=True)
    counts = session.execute(
        select(decided.reason, func.count()).where(mine).group_by(decided.reason)
    )
    by_reason: dict[Any, int] = dict(counts.all())
    letters = by_reason.pop(None, 0)
    people = session.execute(
        select(decided.user_id, User.name, decided.address, decided.reason)
        .outerjoin(User, User.id == decided.user_id)
        .where(mine, decided.reason.is_not(None))
        .order_by(decided.reason, User.name, decided.address)
        .limit(limit)
    )
    return Audience(
        letters=letters,
        left_out={LeftOut(reason): count for reason, count in by_reason.items()},
        people=[
            Person(user_id, name or "", address or "", LeftOut(reason), REASONS[LeftOut(reason)])
            for user_id, name, address, reason in people
        ],
    )


def decide(session: Session, message: Message) -> Audience:
    """Write a recipient row for everybody the message concerns, by one INSERT … SELECT.

    Must run in the transaction that moves the message to sending. Returns the counts, no people.
    """
    rows = decision(message).subquery()
    now = literal(clock.now(), MessageRecipient.claimed_at.type)
    waits = rows.c.reason.is_(None)
    chosen = select(
        literal(message.id, BigInteger),
        rows.c.user_id,
        rows.c.application_id,
        rows.c.address,
        rows.c.address_key,
        case(
            (waits, literal(RecipientState.WAITING.value, String)),
            else_=literal(RecipientState.SKIPPED.value, String),
        ),
        rows.c.reason,
        literal("", String),
        literal(0),
        case((waits, now)),
    ).order_by(rows.c.source, rows.c.user_id)
    table: Any = MessageRecipient.__table__
    columns = (
        "message_id",
        "user_id",
        "application_id",
        "address",
        "address_key",
        "state",
        "reason",
        "error",
        "tries",
        "next_try_at",
    )
    session.flush()
    session.execute(insert(table).from_select(columns, chosen))
    return _read(session, message, MessageRecipient, limit=0)


def decision(message: Message) -> Select[Any]:
    """Return the query that names everybody ``message`` concerns; ``reason`` null: gets a letter.

    One letter an address: of several people who share one, the first user gets it, and the others
    are shown as sharing it.
    """
    people = union_all(_applicants(message), _typed(message)).cte("people")
    rank = func.row_number().over(
        partition_by=(people.c.reason, people.c.address_key),
        order_by=(people.c.source, people.c.user_id),
    )
    ranked = select(people, rank.label("rank")).cte("ranked")
    return select(
        ranked.c.source,
        ranked.c.user_id,
        ranked.c.application_id,
        ranked.c.address,
        ranked.c.address_key,
        case(
            (ranked.c.reason != _GETS_IT, ranked.c.reason),
            (ranked.c.rank > 1, _word(LeftOut.SAME_ADDRESS)),
            else_=null(),
        ).label("reason"),
    )


def _applicants(message: Message) -> Select[Any]:
    """One row for each user with an approved or an inactive application of the form."""
    approved = func.max(
        case((Application.state == ApplicationState.APPROVED, Application.id))
    ).label("approved_id")
    wanted = select(
        Application.user_id, approved, func.max(Application.id).label("latest_id")
    ).where(
        Application.form_id == message.form_id,
        Application.state.in_((ApplicationState.APPROVED, ApplicationState.INACTIVE)),
    )
    if message.site_id is not None:
        wanted = wanted.where(Application.site_id == message.site_id)
    applied = wanted.group_by(Application.user_id).cte("applied")
    key = func.lower(User.email)
    owes = (
        select(Invoice.id)
        .where(Invoice.user_id == User.id, Invoice.state.in_(OWED_INVOICE_STATES))
        .exists()
    )
    unreachable = or_(
        User.email.is_(None), User.email == "", User.no_email, User.erased_at.is_not(None)
    )
    return select(
        literal(0).label("source"),
        User.id.label("user_id"),
        func.coalesce(applied.c.approved_id, applied.c.latest_id).label("application_id"),
        User.email.label("address"),
        key.label("address_key"),
        case(
            (applied.c.approved_id.is_(None), _word(LeftOut.INACTIVE)),
            (unreachable, _word(LeftOut.NO_EMAIL)),
            *_refusals(message, key, owes),
            else_=_word(_GETS_IT),
        ).label("reason"),
    ).join_from(applied, User, User.id == applied.c.user_id)


def _typed(message: Message) -> Select[Any]:
    """One row for each address typed by hand; it owes what any user with that address owes."""
    mine = select(func.lower(MessageExtra.address)).where(MessageExtra.message_id == message.id)
    owing = (
        select(func.lower(User.email))
        .join(Invoice, Invoice.user_id == User.id)
        .where(func.lower(User.email).in_(mine), Invoice.state.in_(OWED_INVOICE_STATES))
    )
    key = func.lower(MessageExtra.address)
    return select(
        literal(1).label("source"),
        cast(null(), BigInteger).label("user_id"),
        cast(null(), BigInteger).label("application_id"),
        MessageExtra.address.label("address"),
        key.label("address_key"),
        case(
            *_refusals(message, key, key.in_(owing)),
            else_=_word(_GETS_IT),
        ).label("reason"),
    ).where(MessageExtra.message_id == message.id)


def _refusals(
    message: Message, key: ColumnElement[str], owes: ColumnElement[bool]
) -> Sequence[tuple[ColumnElement[bool], ColumnElement[str]]]:
    """What leaves out anybody who has an address, in the order in which staff are told."""
    excluded = select(func.lower(MessageExclusion.address)).where(
        MessageExclusion.message_id == message.id
    )
    return (
        (key.in_(excluded), _word(LeftOut.EXCLUDED)),
        (owes, _word(LeftOut.UNPAID)),
        (key.in_(select(Unsubscribe.address)), _word(LeftOut.UNSUBSCRIBED)),
    )


def _word(word: str) -> ColumnElement[str]:
    return literal(str(word), String)
