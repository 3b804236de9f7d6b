"""Statements: what one user owes, all of it or only for one unit, as it stands now.

A statement is always for one person, so nobody ever reads of somebody else's debt; a unit that a
former tenant and the present one owe for has a statement for each.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from billing import guards
from billing.actor import Actor
from billing.credit_use import available_credit
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.history import note
from billing.mailing import queue_email
from billing.office import local_today
from billing.overdue import is_overdue, overdue_condition
from models import Invoice, Unit, User
from models.states import OWED_INVOICE_STATES, InvoiceState
from models.within import written

# Far more than anybody owes; what is left out is counted in the sums all the same.
MOST = 500


@dataclass(frozen=True)
class Row:
    """One invoice of a statement; amounts are minor units."""

    invoice: Invoice
    overdue: bool

    @property
    def in_flight(self) -> bool:
        """Whether its money is on the way already."""
        return self.invoice.state is InvoiceState.PENDING

    @property
    def paid(self) -> int:
        """What was paid of it so far and was not taken back."""
        return self.invoice.allocated

    @property
    def credited(self) -> int:
        """What the office took off it: amount, less paid, less credited, is what is left."""
        return self.invoice.credited


@dataclass(frozen=True)
class Statement:
    """What ``user`` owes on ``on``, the office's local date; ``unit``: for this unit alone.

    owed      -- the balances of all open invoices, what is in flight included
    in_flight -- of that, what is being collected
    overdue   -- of that, what is overdue
    credit    -- money of the user that no invoice has used; not taken off ``owed``
    """

    user: User
    unit: Unit | None
    on: dt.date
    rows: tuple[Row, ...]
    owed: int
    in_flight: int
    overdue: int
    credit: int

    @property
    def to_pay(self) -> int:
        """What the user is asked for: all but what is being collected."""
        return self.owed - self.in_flight

    @property
    def has_credited(self) -> bool:
        """Whether something was credited of any invoice on it; else nobody reads of it."""
        return any(row.credited for row in self.rows)


def statement_of(
    session: Session, user: User, unit: Unit | None = None, *, site_ids: Sequence[int] = ()
) -> Statement:
    """Read the statement of ``user``, for ``unit`` alone if it is given.

    site_ids -- leave out invoices and credit of other sites than these; empty: none
    """
    conditions = [Invoice.user_id == user.id, Invoice.state.in_(OWED_INVOICE_STATES)]
    if unit is not None:
        conditions.append(Invoice.billable_id == unit.billable_id)
    if site_ids:
        conditions.append(Invoice.site_id.in_(site_ids))
    conditions.append(Invoice.balance > 0)
    found = (
        select(Invoice)
        .options(joinedload(Invoice.billable))
        .where(*conditions)
        .order_by(func.coalesce(Invoice.due_on, Invoice.issued_on), Invoice.id)
        .limit(MOST)
    )
    today = local_today(session)
    rows = tuple(Row(each, is_overdue(each, today)) for each in session.scalars(found))
    balance = func.sum(Invoice.balance)
    owed, in_flight, overdue = session.execute(
        select(
            balance,
            balance.filter(Invoice.state == InvoiceState.PENDING),
            balance.filter(overdue_condition(today)),
        ).where(*conditions)
    ).one()
    return Statement(
        user=user,
        unit=unit,
        on=today,
        rows=rows,
        owed=int(owed or 0),
        in_flight=int(in_flight or 0),
        overdue=int(overdue or 0),
        credit=0 if unit else available_credit(session, user.id, site_ids),
    )


def owing_for(session: Session, unit: Unit) -> list[User]:
    """Return everybody who owes something for ``unit``, former tenants included."""
    owing = (
        select(Invoice.user_id)
        .where(
            Invoice.billable_id == unit.billable_id,
            Invoice.state.in_(OWED_INVOICE_STATES),
            Invoice.balance > 0,
        )
        .distinct()
    )
    found = select(User).where(User.id.in_(owing)).order_by(User.name, User.id).limit(MOST)
    return list(session.scalars(found))


def why_not_email(statement: Statement) -> Refusal | None:
    """E-mail statement: something must be owed, and the user have an e-mail."""
    if not statement.rows:
        return Refusal("Nothing is outstanding, so there is no statement to send.", "nothing")
    if not statement.user.reachable:
        return Refusal("This user has no e-mail. Print the statement or save its PDF.", "no_email")
    return None


def email_statement(
    user_id: int, unit_id: int | None = None, *, site_ids: Sequence[int] = (), actor: Actor
) -> str:
    """E-mail the statement and return the address it goes to; each time is a letter of its own.

    site_ids -- leave out what is owed at other sites than these; empty: nothing. Whoever sends a
                statement has seen all that it says.

    What it says is read when the letter is written, so it never asks for money that came in
    meanwhile.
    """
    with transaction() as session:
        user = lock(session, User, user_id)
        unit = session.get_one(Unit, unit_id) if unit_id is not None else None
        guards.require(why_not_email(statement_of(session, user, unit, site_ids=site_ids)))
        about = f" for {unit.name}" if unit else ""
        row = note(session, user, "statement", f"Statement{about} sent by e-mail", actor)
        session.flush()
        params: dict[str, Any] = {"unit_id": unit.id} if unit else {}
        if site_ids:
            params["sites"] = written(site_ids)
        queue_email(session, "statement", f"statement:{row.id}", user, params=params)
        return user.email or ""
