"""One manual payment for several invoices of a user: the oldest are paid first.

What no invoice needs stays unapplied, which is the user's credit. Staff see the plan before they
record the payment; recording it makes the plan again under lock and refuses if it is another now.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing import attempts, guards, outcomes
from billing.actor import Actor
from billing.attempts import Attempt
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.gateway import Answer, Verdict
from billing.in_person import Manual, check_manual, fill_in
from billing.locks import lock_applications_of
from billing.office import in_words
from models import Allocation, Invoice, User
from models.states import OPEN_INVOICE_STATES, AllocationState, PaymentState

# More than anybody owes; a plan must fit on a page.
MOST = 200


@dataclass(frozen=True)
class Share:
    """What an invoice gets of a payment. ``balance``: what it owed before; both minor units."""

    invoice_id: int
    balance: int
    amount: int


@dataclass(frozen=True)
class Plan:
    """How a payment of ``amount`` minor units would be spread, the oldest invoice first."""

    amount: int
    shares: tuple[Share, ...]

    @property
    def surplus(self) -> int:
        """Minor units no invoice needs: the user's credit."""
        return self.amount - sum(share.amount for share in self.shares)


def open_invoices(session: Session, user_id: int, within: Collection[int] = ()) -> list[Invoice]:
    """Return what a payment of this user can be spread over, the oldest first.

    within -- only invoices of these sites; empty: all

    The oldest is what was due first. One without a due date can be asked for from its invoice date
    on, so that date is its place in the order, also before one issued earlier and due later. An
    invoice that somebody is paying at this moment is left out.
    """
    claimed = select(Allocation.id).where(
        Allocation.invoice_id == Invoice.id, Allocation.state == AllocationState.CLAIMED
    )
    found = (
        select(Invoice)
        .where(
            Invoice.user_id == user_id,
            Invoice.state.in_(OPEN_INVOICE_STATES),
            Invoice.balance > 0,
            ~claimed.exists(),
            *([Invoice.site_id.in_(sorted(within))] if within else []),
        )
        .order_by(func.coalesce(Invoice.due_on, Invoice.issued_on), Invoice.id)
        .limit(MOST)
    )
    return list(session.scalars(found))


def why_not_spread(session: Session, user: User, within: Collection[int] = ()) -> Refusal | None:
    """Record payment: there must be something open that nobody is paying right now.

    within -- at one of these sites; empty: anywhere
    """
    if open_invoices(session, user.id, within):
        return None
    where = " at your sites" if within else ""
    sentence = f"This user has no open invoice{where} to record a payment for."
    return Refusal(sentence, "nothing_open")


def plan(invoices: Sequence[Invoice], amount: int) -> Plan:
    """Spread ``amount`` minor units over ``invoices`` in their order."""
    left, shares = amount, []
    for invoice in invoices:
        share = min(left, invoice.balance_now)
        shares.append(Share(invoice.id, invoice.balance_now, share))
        left -= share
    return Plan(amount, tuple(shares))


def spread(
    user_id: int,
    payment: Manual,
    *,
    invoice_ids: Sequence[int],
    shown: Plan,
    send_receipt: bool = True,
    actor: Actor,
) -> Attempt:
    """Record ``payment`` and spread it over these invoices of the user, the oldest first.

    shown -- the plan staff saw; another one now is refused (code ``changed``) and nothing is done

    One payment, one receipt that lists what it paid. Raises ``Refusal`` when an invoice is not open
    any more, is being paid by somebody, or is another user's.
    """
    with transaction() as session:
        lock(session, User, user_id)
        invoices = _lock_in_order(session, user_id, invoice_ids)
        if payment.amount <= 0:
            raise Refusal("The amount must be more than zero.", "amount_zero", "amount")
        now = plan(invoices, payment.amount)
        if now != shown:
            raise Refusal(
                "These invoices changed since you looked. Please check the plan again.", "changed"
            )
        check_manual(session, payment)
        by_id = {invoice.id: invoice for invoice in invoices}
        paid = [(by_id[share.invoice_id], share.amount) for share in now.shares if share.amount]
        row = attempts.start_several(session, paid, payment.tender, actor, surplus=now.surplus)
        fill_in(row, payment, send_receipt)
        answer = Answer(Verdict.ACCEPTED, PaymentState.SETTLED)
        change = outcomes.record(session, row.id, answer, actor)
        return attempts.in_words_for_people(session, change.payment, Verdict.ACCEPTED)


def _lock_in_order(session: Session, user_id: int, invoice_ids: Sequence[int]) -> list[Invoice]:
    """Lock the chosen invoices by id and return them the oldest first; refuse what is not open."""
    numbers = sorted(set(invoice_ids))
    if not numbers:
        raise Refusal("Choose at least one invoice.", "nothing_chosen", "invoices")
    lock_applications_of(session, numbers)
    locked = {number: lock(session, Invoice, number) for number in numbers}
    for invoice in locked.values():
        if invoice.user_id != user_id:
            raise Refusal("That invoice is another user's.", "other_user", "invoices")
        guards.require(guards.why_not_process(session, invoice))
    ordered = [invoice for invoice in open_invoices(session, user_id) if invoice.id in locked]
    if len(ordered) != len(locked):
        stuck = next(each for number, each in locked.items() if each not in ordered)
        left = in_words(session, stuck.balance_now)
        raise Refusal(f"{stuck} can't be paid here ({left} left).", "not_open", "invoices")
    return ordered
