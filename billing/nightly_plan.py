"""What tonight's run will do, told before it does it: the same rules, in a few statements.

Whatever the number of invoices, their sums come from the database; only the first rows of each kind
are read. The verb asks every rule again under lock (``billing.nightly``).
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from billing.billing_choice import automatic_triggers
from billing.credit_use import credit_of
from billing.left_alone import refused_condition, waits_for_a_person
from billing.office import get_settings, local_today
from models import Allocation, Invoice, PaymentMethod, Settings, User
from models.states import (
    OPEN_INVOICE_STATES,
    AllocationState,
    BillingMethod,
    InvoiceState,
)

SHOWN = 50


class Plan(enum.StrEnum):
    """What the run will do with an invoice."""

    CHARGE = "charge"
    SEND = "send"
    SKIP = "skip"


class Why(enum.StrEnum):
    """Why an invoice is not charged; empty when nothing is in the way of what is planned."""

    NOTHING = ""
    NO_METHOD = "no_method"
    CARD_EXPIRED = "card_expired"
    BILLING_METHOD = "billing_method"
    LIVE = "live"
    REFUSED = "refused"
    NO_BALANCE = "no_balance"


REASONS = {
    Why.NOTHING: "",
    Why.NO_METHOD: "No payment method on file: will be sent instead",
    Why.CARD_EXPIRED: "Card expired: will be sent instead",
    Why.BILLING_METHOD: "",
    Why.LIVE: "A payment is under way",
    Why.NO_BALANCE: "Nothing is left to pay: will be closed as paid",
    Why.REFUSED: "The gateway would not charge this payment method: a person decides",
}
REASONS_OF_RETRIES = {
    Why.NOTHING: "",
    Why.NO_METHOD: "No payment method on file: will not be charged again",
    Why.CARD_EXPIRED: "Card expired: will not be charged again",
    Why.BILLING_METHOD: "The billing method is invoice: will not be charged again",
    Why.LIVE: "A payment is under way",
    Why.NO_BALANCE: "Nothing is left to pay",
}


@dataclass(frozen=True)
class Sum:
    """How many invoices there are, and their minor units."""

    count: int = 0
    total: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.count + other.count, self.total + other.total)


@dataclass(frozen=True)
class Group:
    """Invoices with which the same is done for the same reason."""

    plan: Plan
    why: Why
    reachable: bool
    sum: Sum


@dataclass(frozen=True)
class Row:
    """One invoice of the preview; ``amount`` in minor units, ``method`` in words.

    credit    -- minor units the customer has that no invoice uses; the run leaves them alone
    reachable -- whether its customer has an e-mail; one who has none is sent nothing
    """

    invoice: Invoice
    user: User
    amount: int
    plan: Plan
    why: Why
    reason: str
    method: str
    reachable: bool
    credit: int


@dataclass(frozen=True)
class Preview:
    """Tonight's run: drafts by what is done with them, and what is charged once more.

    on -- the office's local date the run is for
    """

    on: dt.date
    groups: tuple[Group, ...]
    retry_groups: tuple[Group, ...]
    charges: tuple[Row, ...]
    sends: tuple[Row, ...]
    skips: tuple[Row, ...]
    retries: tuple[Row, ...]

    @property
    def to_charge(self) -> Sum:
        return _sum(group for group in self.groups if group.plan is Plan.CHARGE)

    @property
    def to_send(self) -> Sum:
        return _sum(group for group in self.groups if group.plan is Plan.SEND)

    @property
    def to_skip(self) -> Sum:
        return _sum(group for group in self.groups if group.plan is Plan.SKIP)

    @property
    def to_retry(self) -> Sum:
        return _sum(group for group in self.retry_groups if group.plan is Plan.CHARGE)

    @property
    def without_email(self) -> Sum:
        """What is issued although nobody can be written to."""
        return _sum(g for g in self.groups if g.plan is Plan.SEND and not g.reachable)

    def cannot(self, why: Why) -> Sum:
        """Return what would be charged if it were not for ``why``."""
        return _sum(group for group in self.groups if group.why is why)


def _sum(groups: Any) -> Sum:
    return sum((group.sum for group in groups), Sum())


def candidates(settings: Settings) -> ColumnElement[bool]:
    """Return the condition, on invoices joined with users, that the nightly run takes one.

    What a person took back waits for a person; what only a failed attempt handed back is tried
    again.
    """
    return and_(
        Invoice.state == InvoiceState.DRAFT,
        ~Invoice.silent,
        Invoice.total > 0,
        or_(Invoice.number.is_(None), ~waits_for_a_person(Invoice.id)),
        User.billing_trigger.in_(automatic_triggers(settings)),
        User.erased_at.is_(None),
    )


def preview(
    session: Session,
    *,
    limit: int = SHOWN,
    on: dt.date | None = None,
    scope: Sequence[ColumnElement[bool]] = (),
    within: Collection[int] = (),
) -> Preview:
    """Return what the run at the coming midnight will do, were nothing to change before it.

    limit  -- rows of each kind at most; 0: only the sums
    on     -- the office's local date to foresee, tomorrow's by default; today's for a run now
    scope  -- conditions on invoices that keep it to what the reader may see
    within -- sites whose money counts as credit; empty: every site
    """
    settings = get_settings(session)
    day = on or local_today(session) + dt.timedelta(days=1)
    drafts = _Part(day, Plan.SEND, and_(candidates(settings), *scope), REASONS, within)
    due = and_(Invoice.retry_on <= day, Invoice.state.in_(OPEN_INVOICE_STATES), *scope)
    again = _Part(day, Plan.SKIP, due, REASONS_OF_RETRIES, within)
    return Preview(
        on=day,
        groups=drafts.groups(session),
        retry_groups=again.groups(session),
        charges=drafts.rows(session, Plan.CHARGE, limit),
        sends=drafts.rows(session, Plan.SEND, limit),
        skips=drafts.rows(session, Plan.SKIP, limit),
        retries=again.rows(session, None, limit),
    )


class _Part:
    """Statements over one set of invoices, with what becomes of each worked out in SQL."""

    def __init__(
        self,
        day: dt.date,
        otherwise: Plan,
        chosen: ColumnElement[bool],
        reasons: dict[Why, str],
        within: Collection[int],
    ) -> None:
        """otherwise: what is done with an invoice that can't be charged."""
        self._chosen = chosen
        self._reasons = reasons
        self._credit = credit_of(Invoice.user_id, within)
        live = exists().where(
            Allocation.invoice_id == Invoice.id, Allocation.state == AllocationState.CLAIMED
        )
        refused = refused_condition(Invoice.id, PaymentMethod.id)
        self._why: ColumnElement[str] = case(
            (live, Why.LIVE.value),
            (Invoice.balance <= 0, Why.NO_BALANCE.value),
            (User.billing_method == BillingMethod.INVOICE, Why.BILLING_METHOD.value),
            (PaymentMethod.id.is_(None), Why.NO_METHOD.value),
            (PaymentMethod.expires_on < day, Why.CARD_EXPIRED.value),
            (and_(Invoice.state == InvoiceState.DRAFT, refused), Why.REFUSED.value),
            else_=Why.NOTHING.value,
        )
        self._plan: ColumnElement[str] = case(
            (self._why.in_((Why.LIVE.value, Why.REFUSED.value)), Plan.SKIP.value),
            (self._why == Why.NOTHING.value, Plan.CHARGE.value),
            else_=otherwise.value,
        )
        self._reachable: ColumnElement[bool] = and_(User.email.is_not(None), ~User.no_email)

    def _joined(self, statement: Any) -> Any:
        usable = and_(
            PaymentMethod.user_id == User.id,
            PaymentMethod.is_default,
            PaymentMethod.removed_at.is_(None),
        )
        joined = statement.select_from(Invoice).join(User, User.id == Invoice.user_id)
        return joined.outerjoin(PaymentMethod, usable).where(self._chosen)

    def groups(self, session: Session) -> tuple[Group, ...]:
        plan, why = self._plan.label("plan"), self._why.label("why")
        reachable = self._reachable.label("reachable")
        counted = select(plan, why, reachable, func.count(), func.sum(Invoice.balance))
        rows = session.execute(self._joined(counted).group_by(plan, why, reachable)).all()
        return tuple(
            Group(Plan(what), Why(reason), bool(mail), Sum(count, int(total)))
            for what, reason, mail, count, total in rows
        )

    def rows(self, session: Session, plan: Plan | None, limit: int) -> tuple[Row, ...]:
        """Return the first invoices by id; ``plan``: only those with which this is done."""
        if not limit:
            return ()
        told = (self._plan, self._why, self._reachable, self._credit)
        wanted = self._joined(select(Invoice, User, PaymentMethod, *told))
        if plan is not None:
            wanted = wanted.where(self._plan == plan.value)
        found = session.execute(wanted.order_by(Invoice.id).limit(limit)).all()
        return tuple(self._row(*each) for each in found)

    def _row(
        self,
        invoice: Invoice,
        user: User,
        method: PaymentMethod | None,
        plan: str,
        why: str,
        reachable: bool,
        credit: int,
    ) -> Row:
        return Row(
            invoice=invoice,
            user=user,
            amount=invoice.balance,
            plan=Plan(plan),
            why=Why(why),
            reason=self._reasons[Why(why)],
            method=str(method) if method else "",
            reachable=bool(reachable),
            credit=int(credit),
        )
