"""One verb on many invoices: what it would do, and beginning and stopping it.

What would happen is computed in SQL, whatever the number, and the run is fixed by one INSERT …
SELECT of the same statement: what staff saw is what is done, or nothing is. Who carries it out, row
by row through the single verbs, is ``billing.bulk_turns``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Subquery, func, insert, literal, select, update
from sqlalchemy.orm import Session

from billing import clock
from billing.actor import Actor
from billing.bulk_outcomes import CHARGE, LABEL, VERBS, BulkVerb, Customer, outcome_of
from billing.credit_use import credit_of
from billing.database import later, lock, transaction
from billing.errors import Refusal
from billing.history import note
from billing.office import in_words, local_today
from billing.overdue import overdue_condition
from models import BulkRow, BulkRun, Invoice, Label, Staff
from models.states import BulkResult, InvoiceState

R = BulkResult
CHANGED = Refusal(
    "What would happen has changed since you looked. Nothing was done; please look again.",
    "changed",
)
BEGUN = Refusal(
    "You have begun a bulk action since you looked; see My bulk actions. Nothing more was done.",
    "begun",
)


@dataclass(frozen=True)
class Outcome:
    """What would become of ``count`` invoices with ``amount`` minor units left to pay in all.

    goes -- whether the verb would be carried out
    """

    code: str
    words: str
    count: int
    amount: int
    goes: bool


@dataclass(frozen=True)
class Forecast:
    """What a verb would do; ``mark`` changes with the invoices it would be done to, with what
    would become of them, and with each run that whoever looks at it begins.

    too_many -- more were chosen than one run may have; the outcomes are then of the first ones
    """

    verb: BulkVerb
    outcomes: tuple[Outcome, ...]
    mark: str
    too_many: bool

    @property
    def chosen(self) -> int:
        return sum(outcome.count for outcome in self.outcomes)

    @property
    def going(self) -> int:
        return sum(outcome.count for outcome in self.outcomes if outcome.goes)

    @property
    def amount(self) -> int:
        """Minor units left to pay on the invoices it would be done to."""
        return sum(outcome.amount for outcome in self.outcomes if outcome.goes)


def forecast(
    session: Session,
    verb: BulkVerb,
    conditions: Sequence[Any],
    params: Mapping[str, Any],
    *,
    staff_id: int,
) -> Forecast:
    """Count what ``verb`` would do to the invoices that ``conditions`` select, in one statement.

    staff_id -- whoever looks at it and may begin it
    """
    chosen = _chosen(verb, conditions, params, local_today(session))
    newest = select(func.coalesce(func.max(BulkRun.id), 0)).where(BulkRun.staff_id == staff_id)
    sums = (
        func.count(),
        func.sum(chosen.c.balance),
        func.sum(chosen.c.id),
        func.count().filter(chosen.c.state == InvoiceState.DRAFT),
        newest.scalar_subquery(),
    )
    counted = session.execute(select(chosen.c.outcome, *sums).group_by(chosen.c.outcome)).all()
    order = [*verb.goes, *verb.stays]
    rows = sorted(counted, key=lambda row: order.index(row[0]))
    outcomes = [
        Outcome(code, verb.words(code), count, int(amount), code in verb.goes)
        for code, count, amount, *_ in rows
    ]
    told = ["-".join(str(each) for each in row[:-1]) for row in rows if row[0] in verb.goes]
    mark = f"{rows[0][-1] if rows else 0}:{','.join(told)}"
    return Forecast(verb, tuple(outcomes), mark, sum(each.count for each in outcomes) > verb.most)


def forecast_rows(
    session: Session,
    verb: BulkVerb,
    conditions: Sequence[Any],
    params: Mapping[str, Any],
    *,
    code: str = "",
    limit: int = 200,
    within: Collection[int] = (),
) -> Sequence[Row[Any]]:
    """Return the first invoices with their outcome: id, number, state, is_overdue, balance,
    user_id, name, and the customer's credit in minor units, 0 where nothing is charged.

    code   -- only those with this outcome
    within -- sites whose money counts as credit; empty: every site
    """
    today = local_today(session)
    chosen = _chosen(verb, conditions, params, today)
    rows = (
        select(
            chosen.c.id,
            chosen.c.outcome,
            Invoice.number,
            Invoice.state,
            overdue_condition(today).label("is_overdue"),
            Invoice.balance,
            Invoice.user_id,
            Customer.name,
            (credit_of(Invoice.user_id, within) if verb is CHARGE else literal(0)).label("credit"),
        )
        .join(Invoice, Invoice.id == chosen.c.id)
        .join(Customer, Customer.id == Invoice.user_id)
    )
    if code:
        rows = rows.where(chosen.c.outcome == code)
    return session.execute(rows.order_by(Invoice.id.desc()).limit(limit)).all()


def begin_run(
    verb: BulkVerb,
    conditions: Sequence[Any],
    params: Mapping[str, Any],
    *,
    mark: str,
    actor: Actor,
) -> int:
    """Fix the invoices ``verb`` will be carried out on, have a worker begin, and return the run.

    conditions -- select the invoices; those the guard would refuse are left out
    mark       -- of the forecast staff saw

    Raises ``Refusal`` when nothing would be done, too many were chosen, what would happen is not
    what staff saw any more, or they began a run since they saw it.
    """
    with transaction() as session:
        # Whoever presses the button twice begins the second time after the first.
        lock(session, Staff, actor.id or 0)
        run = BulkRun(
            verb=verb.name,
            staff_id=actor.id or 0,
            params={**params, "ip": actor.ip},
            total=0,
            created_at=clock.now(),
            file_name="",
        )
        if verb is LABEL:
            run.params |= {"name": _label_name(session, params)}
        found = forecast(session, verb, conditions, params, staff_id=run.staff_id)
        _require_seen(found, mark)
        session.add(run)
        session.flush()
        chosen = _chosen(verb, conditions, params, local_today(session))
        if _insert_rows(session, run, verb, chosen) != (found.going, found.amount):
            raise CHANGED
        run.total = found.going
        sum_of = f", {in_words(session, found.amount)} in all" if verb is CHARGE else ""
        note(session, run, "begin", f"{verb.label} for {counted(found.going)}{sum_of}", actor)
        later(session, "bulk.run", [run.id])
        return run.id


def _require_seen(found: Forecast, mark: str) -> None:
    """Refuse what is not what staff saw any more, or was begun from the same page already."""
    if not found.going:
        raise Refusal("There is nothing to do for these invoices.", "nothing_to_do")
    if mark != found.mark:
        same = mark.partition(":")[2] == found.mark.partition(":")[2]
        raise BEGUN if same else CHANGED
    if found.too_many:
        raise Refusal(f"Choose {found.verb.most:,} invoices at most.", "too_many")


def stop_run(run_id: int, *, actor: Actor) -> int:
    """Leave the rows that have not begun undone, and return how many; the one in hand is finished.

    Raises ``Refusal`` when the run has ended or was stopped already.
    """
    with transaction() as session:
        run = lock(session, BulkRun, run_id)
        if run.finished_at is not None or run.stopped_at is not None:
            raise Refusal("This has ended already.", "ended")
        run.stopped_at = clock.now()
        left = leave_the_rest(session, run, "Stopped before its turn.")
        if not _is_open(session, run.id):
            run.finished_at = clock.now()
        note(session, run, "stop", f"Stopped; {counted(left)} left undone", actor)
        return left


def leave_the_rest(session: Session, run: BulkRun, sentence: str) -> int:
    """Mark every row that has not begun as stopped, and return how many."""
    stopped = session.execute(
        update(BulkRow)
        .where(BulkRow.run_id == run.id, BulkRow.result == R.WAITING)
        .values(result=R.STOPPED, sentence=sentence, done_at=clock.now())
        .returning(BulkRow.id)
        .execution_options(synchronize_session=False)
    )
    return len(stopped.all())


def results_of(session: Session, run_id: int) -> dict[BulkResult, int]:
    """Return how many rows of a run have which result."""
    rows = (
        select(BulkRow.result, func.count())
        .where(BulkRow.run_id == run_id)
        .group_by(BulkRow.result)
    )
    return {row[0]: row[1] for row in session.execute(rows)}


def verb_of(run: BulkRun) -> BulkVerb:
    return VERBS[run.verb]


def counted(number: int) -> str:
    """Return "1 invoice", "1,200 invoices"."""
    return f"{number:,} {'invoice' if number == 1 else 'invoices'}"


def _is_open(session: Session, run_id: int) -> bool:
    rows = select(BulkRow.id).where(
        BulkRow.run_id == run_id, BulkRow.result.in_((R.WAITING, R.RUNNING))
    )
    return session.scalar(rows.limit(1)) is not None


def _chosen(
    verb: BulkVerb, conditions: Sequence[Any], params: Mapping[str, Any], today: dt.date
) -> Subquery:
    """The invoices chosen and their outcome; one more than allowed shows that there are more."""
    statement = (
        select(
            Invoice.id,
            Invoice.state,
            Invoice.balance,
            outcome_of(verb, params, today).label("outcome"),
        )
        .join(Customer, Customer.id == Invoice.user_id)
        .where(*conditions)
        .order_by(Invoice.id)
        .limit(verb.most + 1)
    )
    return statement.subquery()


def _insert_rows(
    session: Session, run: BulkRun, verb: BulkVerb, chosen: Subquery
) -> tuple[int, int]:
    """Insert the run's rows; return their number and the sum of their balances."""
    rows = (
        select(literal(run.id), chosen.c.id, chosen.c.balance)
        .where(chosen.c.outcome.in_(list(verb.goes)))
        .order_by(chosen.c.id)
    )
    session.execute(insert(BulkRow).from_select(["run_id", "invoice_id", "shown_balance"], rows))
    sums = select(func.count(), func.coalesce(func.sum(BulkRow.shown_balance), 0))
    count, amount = session.execute(sums.where(BulkRow.run_id == run.id)).one()
    return count, int(amount)


def _label_name(session: Session, params: Mapping[str, Any]) -> str:
    label = session.get(Label, params["label"])
    if label is None:
        raise Refusal("This label is gone. Choose another.", "no_label", "label")
    return label.name
