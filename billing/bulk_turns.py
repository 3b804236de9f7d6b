"""The worker's side of bulk actions: whose turn it is, and what became of those who had theirs.

One worker at a time has a run (its lease). A row is claimed before its verb is called, so a worker
that dies leaves it *running*; whoever takes the run next looks at what became of it instead of
doing it again. Should two workers have the run after all, each row is still claimed once.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import SYSTEM, Actor, staff_actor
from billing.bulk import leave_the_rest, verb_of
from billing.bulk_outcomes import LABEL, PDF, BulkVerb
from billing.bulk_results import what_became_of
from billing.database import later, lock, reading, transaction
from billing.history import note
from models import BulkRow, BulkRun, Invoice, Staff
from models.states import BulkResult

R = BulkResult
# A worker that is silent for so long has lost its turn; longer than any single verb takes.
LEASE = dt.timedelta(minutes=3)
# What nobody answered is looked at again for so long, and a file is kept as long.
LOOKED_AT = dt.timedelta(days=7)
KEPT = dt.timedelta(days=7)


@dataclass
class Turn:
    """A worker's right to go on with a run, in the name of who asked for it.

    sites -- that person's; empty: every site. ``begun_at``: when that person confirmed it
    lease -- until when the run is this worker's
    """

    run_id: int
    verb: BulkVerb
    params: Mapping[str, Any]
    actor: Actor
    sites: frozenset[int]
    begun_at: dt.datetime
    lease: dt.datetime


@dataclass(frozen=True)
class ClaimedRow:
    """One invoice whose turn it is; ``shown_balance``: minor units staff saw."""

    id: int
    invoice_id: int
    site_id: int | None
    shown_balance: int


@dataclass(frozen=True)
class Report:
    """What became of one row."""

    row_id: int
    result: BulkResult
    sentence: str


def take_turn(run_id: int) -> Turn | None:
    """Take the run; None when another worker has it, it has ended, or it may not go on.

    Whoever asked for it must still be allowed to: otherwise it ends here.
    """
    now = clock.now()
    with transaction() as session:
        taken = session.execute(
            update(BulkRun)
            .where(
                BulkRun.id == run_id,
                BulkRun.finished_at.is_(None),
                or_(BulkRun.lease_until.is_(None), BulkRun.lease_until < now),
            )
            .values(lease_until=now + LEASE)
            .returning(BulkRun.id)
            .execution_options(synchronize_session=False)
        ).scalar_one_or_none()
        if taken is None:
            return None
        run = session.get_one(BulkRun, run_id)
        run.started_at = run.started_at or now
        _recover(session, run)
        staff = session.get(Staff, run.staff_id)
        verb = verb_of(run)
        if staff is None or not _may(staff, verb.permission):
            sentence = "Whoever asked for this may not do it any more."
            left = leave_the_rest(session, run, sentence)
            run.stopped_at, run.finished_at, run.lease_until = now, now, None
            note(session, run, "halt", f"{sentence} {left:,} left undone", SYSTEM)
            return None
        actor = staff_actor(staff, str(run.params.get("ip", "")))
        return Turn(run.id, verb, run.params, actor, staff.site_ids, run.created_at, now + LEASE)


def next_rows(turn: Turn, reports: Sequence[Report] = (), *, limit: int = 1) -> list[ClaimedRow]:
    """Write down what became of the last rows, claim the next ones, and renew the lease.

    Returns none when all are done, the run was stopped, or another worker has taken it over.
    """
    with transaction() as session:
        goes_on = _renew(session, turn)
        _record(session, reports)
        return _claim(session, turn.run_id, limit) if goes_on else []


def end_turn(turn: Turn, reports: Sequence[Report] = (), *, file: bytes | None = None) -> None:
    """Write down what became of the last rows and give the run back: ended, or to go on later.

    file -- what the verb made of all rows
    """
    with transaction() as session:
        run = lock(session, BulkRun, turn.run_id)
        _record(session, reports)
        if run.lease_until != turn.lease:
            return  # Another worker has it by now, and ends it.
        run.lease_until = None
        if file is not None:
            run.file, run.file_name = file, f"invoices-{run.id}.pdf"
        if _has(session, run.id, R.WAITING):
            later(session, "bulk.run", [run.id])
        elif not _has(session, run.id, R.RUNNING):
            run.finished_at = clock.now()
            if turn.verb is PDF and file is None:
                _tell_of_no_file(session, run)


def found_out(turn: Turn, row: ClaimedRow) -> tuple[BulkResult, str] | None:
    """Return what became of a row whose verb broke off; None when nothing happened."""
    with reading() as session:
        return what_became_of(session, session.get_one(BulkRun, turn.run_id), row.invoice_id)


def keep_on(turn: Turn, reports: Sequence[Report]) -> bool:
    """Write down what became of rows while others are in hand; False: stop, it is not ours now."""
    with transaction() as session:
        goes_on = _renew(session, turn)
        _record(session, reports)
        return goes_on


def _renew(session: Session, turn: Turn) -> bool:
    """Lock the run, before any row as everywhere, and renew the lease; False: don't go on."""
    run = lock(session, BulkRun, turn.run_id)
    if run.lease_until != turn.lease:
        return False
    run.lease_until = turn.lease = clock.now() + LEASE
    return run.stopped_at is None


def sweep() -> tuple[int, int]:
    """Ask for runs nobody is at, look at what nobody had answered, and drop old files.

    Returns how many runs were asked for and how many rows are known now.
    """
    now = clock.now()
    with transaction() as session:
        idle = session.scalars(
            select(BulkRun.id).where(
                BulkRun.finished_at.is_(None),
                or_(BulkRun.lease_until.is_(None), BulkRun.lease_until < now),
            )
        ).all()
        for run_id in idle:
            later(session, "bulk.run", [run_id])
        session.execute(
            update(BulkRun)
            .where(BulkRun.file.is_not(None), BulkRun.finished_at < now - KEPT)
            .values(file=None)
            .execution_options(synchronize_session=False)
        )
    return len(idle), _look_again(now)


def _look_again(now: dt.datetime) -> int:
    """Write down what became of charges that had no answer when they were made."""
    with reading() as session:
        unknown = (
            select(BulkRow, BulkRun)
            .join(BulkRun, BulkRun.id == BulkRow.run_id)
            .where(BulkRow.result == R.UNKNOWN, BulkRun.created_at > now - LOOKED_AT)
            .limit(500)
        )
        rows = [(row, run) for row, run in session.execute(unknown)]
        reports = [Report(row.id, *_known(session, run, row)) for row, run in rows]
    known = [report for report in reports if report.result is not R.UNKNOWN]
    if known:
        with transaction() as session:
            _record(session, known)
    return len(known)


def _known(session: Session, run: BulkRun, row: BulkRow) -> tuple[BulkResult, str]:
    found = what_became_of(session, run, row.invoice_id)
    return found if found is not None else (row.result, row.sentence)


def _recover(session: Session, run: BulkRun) -> None:
    """Look at what a worker that died had in hand: done, or not begun and free to be done.

    A file is made of all rows at once, so all of them wait again.
    """
    mine = select(BulkRow).where(BulkRow.run_id == run.id)
    if run.verb in (PDF.name, LABEL.name):
        states = (R.RUNNING, R.DONE) if run.verb == PDF.name else (R.RUNNING,)
        again = R.WAITING if run.stopped_at is None else R.STOPPED
        session.execute(
            update(BulkRow)
            .where(BulkRow.run_id == run.id, BulkRow.result.in_(states))
            .values(result=again, sentence="", done_at=None)
            .execution_options(synchronize_session=False)
        )
        return
    for row in session.scalars(mine.where(BulkRow.result == R.RUNNING)):
        found = what_became_of(session, run, row.invoice_id)
        if found is not None:
            row.result, row.sentence = found
            row.done_at = clock.now()
        elif run.stopped_at is None:
            row.result = R.WAITING
        else:
            row.result, row.sentence = R.STOPPED, "Stopped before its turn."
    session.flush()


def _claim(session: Session, run_id: int, limit: int) -> list[ClaimedRow]:
    due = (
        select(BulkRow.id)
        .where(BulkRow.run_id == run_id, BulkRow.result == R.WAITING)
        .order_by(BulkRow.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        # As a plain subquery PostgreSQL may run it again and claim more than the limit.
        .cte("due")
    )
    claimed = session.scalars(
        update(BulkRow)
        .where(BulkRow.id.in_(select(due.c.id)), BulkRow.result == R.WAITING)
        .values(result=R.RUNNING)
        .returning(BulkRow.id)
        .execution_options(synchronize_session=False)
    ).all()
    if not claimed:
        return []
    rows = (
        select(BulkRow.id, BulkRow.invoice_id, Invoice.site_id, BulkRow.shown_balance)
        .join(Invoice, Invoice.id == BulkRow.invoice_id)
        .where(BulkRow.id.in_(claimed))
        .order_by(BulkRow.id)
    )
    return [ClaimedRow(*row) for row in session.execute(rows)]


def _record(session: Session, reports: Sequence[Report]) -> None:
    """Write reports down, alike ones in one statement; what is known already stays."""
    alike: dict[tuple[BulkResult, str], list[int]] = defaultdict(list)
    for report in reports:
        alike[report.result, report.sentence].append(report.row_id)
    for (result, sentence), row_ids in alike.items():
        session.execute(
            update(BulkRow)
            .where(BulkRow.id.in_(row_ids), BulkRow.result.in_((R.RUNNING, R.UNKNOWN)))
            .values(result=result, sentence=sentence, done_at=clock.now())
            .execution_options(synchronize_session=False)
        )


def _may(staff: Staff, permission: str) -> bool:
    held = {name for role in staff.roles for name in role.get_permissions()}
    return bool(staff.active) and permission in held


def _tell_of_no_file(session: Session, run: BulkRun) -> None:
    """What was read for a file is worth nothing without the file."""
    result, sentence = R.FAILED, "The file could not be made."
    if run.stopped_at is not None:
        result, sentence = R.STOPPED, "Stopped before the file was made."
    session.execute(
        update(BulkRow)
        .where(BulkRow.run_id == run.id, BulkRow.result == R.DONE)
        .values(result=result, sentence=sentence)
        .execution_options(synchronize_session=False)
    )


def _has(session: Session, run_id: int, result: BulkResult) -> bool:
    rows = select(BulkRow.id).where(BulkRow.run_id == run_id, BulkRow.result == result)
    return session.scalar(rows.limit(1)) is not None
