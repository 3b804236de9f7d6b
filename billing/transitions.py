"""Every edge an invoice, payment, application or message can take, and the one writer of ``state``.

Nothing else in the project assigns a state; a guard test holds that. ``docs/life-of-an-invoice.md``
is generated from these tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from billing.actor import Actor
from billing.errors import Refusal
from billing.history import note, record_name
from models import Application, Dispute, Invoice, Message, Payment
from models.states import ApplicationState as A
from models.states import DisputeState as D
from models.states import InvoiceState as I
from models.states import MessageState as M
from models.states import PaymentState as P

NEW = None


@dataclass(frozen=True)
class Edge:
    """One row of a transition table: ``verb`` leads from any of ``sources`` to one of ``targets``.

    A target equal to the source is a move too: it is written into the history.
    """

    verb: str
    sources: tuple[str | None, ...]
    targets: tuple[str, ...]
    who: str
    note: str = ""


INVOICE_EDGES = (
    Edge("create", (NEW,), (I.DRAFT,), "staff"),
    Edge("generate", (NEW,), (I.SENT,), "staff", "from an approved application"),
    Edge("send", (I.DRAFT,), (I.SENT,), "staff, system"),
    Edge("resend", (I.SENT, I.FAILED), (I.SENT, I.FAILED), "staff", "the state stays"),
    Edge(
        "close",
        (I.DRAFT, I.SENT, I.FAILED),
        (I.PAID,),
        "staff, customer",
        "nothing is left to pay",
    ),
    Edge("charge", (I.DRAFT, I.SENT, I.FAILED), (I.PENDING,), "staff, system"),
    Edge("pay", (I.SENT, I.FAILED), (I.PENDING,), "customer"),
    Edge("pay", (I.DRAFT,), (I.PENDING,), "customer", "an application's balance, silently"),
    Edge("process", (I.DRAFT, I.SENT, I.FAILED), (I.PENDING,), "staff", "in person"),
    Edge("settle", (I.PENDING,), (I.PAID, I.SENT), "system", "paid at balance 0, else sent"),
    Edge("decline", (I.PENDING,), (I.FAILED,), "system", "a registered method was declined"),
    Edge(
        "hand_back",
        (I.PENDING,),
        (I.DRAFT, I.SENT, I.FAILED),
        "system",
        "a typed card was declined, or nothing took place",
    ),
    Edge("return", (I.PAID, I.SENT, I.FAILED), (I.FAILED,), "system", "the bank took it back"),
    Edge("lose_dispute", (I.PAID, I.SENT, I.FAILED), (I.SENT,), "system"),
    Edge("reopen", (I.PAID, I.SENT, I.FAILED), (I.SENT,), "staff", "a refund that reopens"),
    Edge("redraft", (I.SENT, I.FAILED, I.PENDING), (I.DRAFT,), "staff"),
    Edge("delete", (I.DRAFT,), (I.DELETED,), "staff, system", "or a silent one nobody paid"),
)

_MONEY = (P.SUBMITTED, P.SETTLED)
_NO_MONEY = (P.DECLINED, P.FAILED, P.VOIDED)

PAYMENT_EDGES = (
    Edge("start", (NEW,), (P.STARTED,), "everyone", "written down before the gateway is called"),
    Edge("authorise", (P.STARTED,), (P.AUTHORISED,), "gateway", "a hold"),
    Edge("await", (P.STARTED,), (P.PENDING,), "gateway", "a direct debit"),
    Edge("collect", (P.STARTED, P.AUTHORISED, P.PENDING), _MONEY, "gateway, staff"),
    Edge("settle", (P.SUBMITTED,), (P.SETTLED,), "gateway"),
    Edge("decline", (P.STARTED, P.AUTHORISED, P.PENDING), (P.DECLINED,), "gateway"),
    Edge("fail", (P.STARTED,), (P.FAILED,), "system", "it never took place"),
    Edge("void", (P.STARTED, P.AUTHORISED, P.PENDING), (P.VOIDED,), "staff, gateway"),
    Edge("undo", (P.SUBMITTED,), (P.VOIDED, P.DECLINED), "gateway", "it did not settle after all"),
    Edge("return", (P.SETTLED,), (P.RETURNED,), "gateway", "the bank took it back"),
    Edge("lose_dispute", (NEW,), (P.SETTLED,), "gateway", "the part that a lost dispute took"),
    Edge("regain", (P.RETURNED,), (P.SETTLED,), "gateway", "a lost dispute was won after all"),
    Edge("reverse", (P.SETTLED,), (P.REVERSED,), "staff", "manual payments only"),
    Edge("surface", _NO_MONEY, (P.PENDING, *_MONEY), "gateway", "late news: it took place"),
)

APPLICATION_EDGES = (
    Edge("create", (NEW,), (A.DRAFT,), "customer, staff"),
    Edge("submit", (A.DRAFT,), (A.PENDING,), "customer"),
    Edge("resubmit", (A.REJECTED,), (A.PENDING,), "customer", "changed, or its balance paid"),
    Edge("approve", (A.PENDING,), (A.APPROVED,), "staff"),
    Edge("settle", (A.PENDING, A.REJECTED), (A.APPROVED,), "system", "staff settled its balance"),
    Edge("reject", (A.PENDING,), (A.REJECTED,), "staff", "with a reason"),
    Edge("deactivate", (A.PENDING, A.APPROVED, A.REJECTED), (A.INACTIVE,), "staff"),
    Edge(
        "activate",
        (A.INACTIVE,),
        (A.PENDING, A.APPROVED, A.REJECTED),
        "staff",
        "back to where it was",
    ),
)

MESSAGE_EDGES = (
    Edge("create", (NEW,), (M.DRAFT,), "staff"),
    Edge("duplicate", (NEW,), (M.DRAFT,), "staff", "a copy of another message"),
    Edge("send", (M.DRAFT,), (M.SENDING,), "staff", "decides who gets it"),
    Edge("stop", (M.SENDING,), (M.PAUSED,), "staff"),
    Edge("halt", (M.SENDING,), (M.PAUSED,), "system", "the mail server refuses our sender"),
    Edge("resume", (M.PAUSED,), (M.SENDING,), "staff"),
    Edge("resend", (M.SENDING, M.PAUSED, M.SENT), (M.SENDING,), "staff", "what failed, again"),
    Edge("finish", (M.SENDING,), (M.SENT,), "system", "nobody is left to write to"),
    Edge("archive", (M.DRAFT, M.PAUSED, M.SENT), (M.ARCHIVED,), "staff"),
)

DISPUTE_EDGES = (
    Edge("open", (NEW,), (D.OPEN,), "gateway", "a cardholder complains at their bank"),
    Edge("win", (D.OPEN, D.LOST), (D.WON,), "gateway", "the money stays"),
    Edge("lose", (NEW, D.OPEN, D.WON), (D.LOST,), "gateway", "the bank took the money back"),
)

EDGES: dict[type[Any], tuple[Edge, ...]] = {
    Invoice: INVOICE_EDGES,
    Payment: PAYMENT_EDGES,
    Application: APPLICATION_EDGES,
    Message: MESSAGE_EDGES,
    Dispute: DISPUTE_EDGES,
}

# Leaving the open states for good clears the overdue mark and the plan to charge again.
_NOT_OWED = {I.PAID, I.DRAFT, I.DELETED}


def find_edge(model: type[Any], verb: str, source: str | None, target: str) -> Edge | None:
    """Return the edge that allows this step, or None."""
    for edge in EDGES[model]:
        if edge.verb == verb and source in edge.sources and target in edge.targets:
            return edge
    return None


def may(record: Any, verb: str) -> bool:
    """Whether the table knows any edge of ``verb`` out of the record's present state."""
    return any(edge.verb == verb and record.state in edge.sources for edge in EDGES[type(record)])


def move(
    session: Session,
    record: Any,
    verb: str,
    target: str,
    actor: Actor,
    sentence: str,
    *,
    reason: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """Take ``record`` along an edge of its table, with its history row in the same transaction.

    The record must be locked by the caller. The update itself is conditional on the state that was
    read, which is the first of the three walls against charging twice. Raises ``Refusal`` (code
    ``not_allowed``) when the table has no such edge, (code ``changed``) when somebody was faster.
    """
    source = record.state
    if find_edge(type(record), verb, source, target) is None:
        word = source or "new"
        raise Refusal(f"That can't be done while it is {word}.", "not_allowed")
    if source is NEW:
        record.state = target
        session.add(record)
    else:
        _conditional_update(session, record, source, target)
    if isinstance(record, Invoice) and target in _NOT_OWED:
        record.overdue_marked_at = None
        record.retry_on, record.retries = None, 0
    note(
        session,
        record,
        verb,
        sentence,
        actor,
        from_state=source,
        to_state=target,
        reason=reason,
        details=details,
    )


def _conditional_update(session: Session, record: Any, source: str, target: str) -> None:
    session.flush()
    model = type(record)
    result: Any = session.execute(
        update(model)
        .where(model.id == record.id, model.state == source)
        .values(state=target)
        .execution_options(synchronize_session=False)
    )
    if result.rowcount != 1:
        raise Refusal(
            f"Somebody else changed this {record_name(record)} just now. Please look again.",
            "changed",
        )
    set_committed_value(record, "state", type(source)(target))
