"""The daily digest: what waits for a member of staff, in one letter, each notice exactly once.

A notice is taken along by the update that also finds it, in the transaction that queues the letter:
two workers share nothing, and a crash leaves everything waiting.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from billing import clock
from billing.database import reading, transaction
from billing.mailing import queue_email
from billing.notice_kinds import KINDS, known_kind, path_of
from billing.notices import may_receive
from billing.office import get_settings
from models import OutgoingEmail, Payment, Staff, StaffNotice

# Lines of one letter; what is more is counted and waits in the panel.
MOST_LINES = 50


@dataclass(frozen=True)
class Line:
    """One notice as the digest says it; ``path`` leads to its record in the panel."""

    title: str
    sentence: str
    path: str
    at: dt.datetime


@dataclass(frozen=True)
class Group:
    """The notices of one kind: all counted, ``amount`` (minor units, or 0) of all their payments,
    and as many lines as the letter has room for."""

    heading: str
    count: int
    amount: int
    page: str
    lines: Sequence[Line]


@dataclass(frozen=True)
class Digest:
    """What a digest says; ``left_out``: how many notices have no line of their own."""

    groups: Sequence[Group]
    count: int
    left_out: int


def people_waiting() -> list[int]:
    """Return the staff something waits for."""
    with reading() as session:
        waiting = select(StaffNotice.staff_id).where(StaffNotice.digested_at.is_(None)).distinct()
        return sorted(session.scalars(waiting))


def send_digest(staff_id: int) -> bool:
    """Queue one letter with everything that waits for somebody; False when nothing does.

    What waits for somebody who may not be told any more goes to the office's address instead.
    """
    with transaction() as session:
        taken = session.scalars(
            update(StaffNotice)
            .where(StaffNotice.staff_id == staff_id, StaffNotice.digested_at.is_(None))
            .values(digested_at=clock.now())
            .returning(StaffNotice.id)
            .execution_options(synchronize_session=False)
        )
        ids = sorted(taken)
        if not ids:
            return False
        staff = session.get_one(Staff, staff_id)
        may = may_receive(staff)
        queue_email(
            session,
            "staff_digest",
            f"digest:{staff_id}:{ids[0]}",
            None,
            params={"notices": ids, "choosable": may, "count": len(ids)},
            to_address=staff.email if may else get_settings(session).email,
        )
        return True


def read_digest(session: Session, email: OutgoingEmail) -> Digest:
    """Return what the digest in the outbox says, grouped by kind in the order of the kinds."""
    ids = email.params.get("notices", [])
    taken = select(StaffNotice).where(StaffNotice.id.in_(ids))
    return digest_of(session.scalars(taken).all(), session)


def waiting_digest(session: Session, staff_id: int) -> Digest:
    """Return what would be in somebody's digest if it were sent now."""
    waiting = select(StaffNotice).where(
        StaffNotice.staff_id == staff_id, StaffNotice.digested_at.is_(None)
    )
    return digest_of(session.scalars(waiting).all(), session)


def digest_of(notices: Sequence[StaffNotice], session: Session) -> Digest:
    """Return ``notices`` by kind, the oldest first, with no more lines than a letter takes."""
    amounts = _amounts(session, [notice.payment_id for notice in notices if notice.payment_id])
    groups, room = [], MOST_LINES
    for name, kind in KINDS.items():
        own = sorted((n for n in notices if known_kind(n.kind) == name), key=lambda n: n.id)
        if not own:
            continue
        paid = {n.payment_id for n in own if n.payment_id is not None} if kind.sums else set()
        lines = [_line(notice) for notice in own[:room]]
        room -= len(lines)
        total = sum(amounts[payment_id] for payment_id in paid)
        groups.append(Group(kind.heading, len(own), total, kind.page, lines))
    shown = sum(len(group.lines) for group in groups)
    return Digest(groups, len(notices), len(notices) - shown)


def newest_notices(session: Session, staff_id: int, limit: int = 20) -> list[StaffNotice]:
    """Return what somebody was told last, the newest first; what waits is not in it."""
    told = select(StaffNotice).where(
        StaffNotice.staff_id == staff_id, StaffNotice.digested_at.is_not(None)
    )
    newest = told.order_by(StaffNotice.created_at.desc(), StaffNotice.id.desc()).limit(limit)
    return list(session.scalars(newest))


def _line(notice: StaffNotice) -> Line:
    kind = known_kind(notice.kind)
    path = path_of(kind, notice.invoice_id, notice.payment_id, notice.user_id)
    return Line(notice.title, notice.sentence, path, notice.created_at)


def _amounts(session: Session, payment_ids: Sequence[int]) -> dict[int, int]:
    rows = session.execute(select(Payment.id, Payment.amount).where(Payment.id.in_(payment_ids)))
    return {payment_id: int(amount) for payment_id, amount in rows}
