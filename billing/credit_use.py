"""Using a user's credit: money that was received and that no invoice and no refund uses.

Credit is no payment of its own: what is left of older payments is put on an invoice, the oldest
money first. An open invoice with nothing left to pay is closed; a draft stays a draft with a
smaller balance, and sending it closes it when credit covers all of it. A receipt went out when the
money came, so none is sent again; money that never had one (it arrived when no invoice wanted it)
gets its receipt now.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from billing import announcements, clock, guards, hooks, ledger
from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.history import note
from billing.locks import lock_user_and_invoice
from billing.office import in_words
from billing.shown import check_shown
from billing.transitions import move
from models import Invoice, Payment
from models.states import (
    COLLECTED_PAYMENT_STATES,
    ActorKind,
    InvoiceState,
    PaymentKind,
    PaymentState,
)


def unused() -> ColumnElement[bool]:
    """Return the condition that a payment brought money which no invoice and no refund uses.

    What a refund nobody has answered yet may have taken counts as used.
    """
    return and_(
        Payment.kind == PaymentKind.CHARGE,
        Payment.state.in_(COLLECTED_PAYMENT_STATES),
        unused_amount() > 0,
        ~going_back(Payment.id),
    )


def going_back(payment_id: Any) -> ColumnElement[bool]:
    """Return the condition that a refund of this payment has no answer yet; an id or a column."""
    refund = aliased(Payment)
    return exists().where(refund.refund_of_id == payment_id, refund.state == PaymentState.STARTED)


def unused_amount() -> Any:
    """Return the minor units of such a payment that are left, for a statement."""
    return Payment.amount - Payment.allocated - Payment.refunded


def available_credit(session: Session, user_id: int, within: Collection[int] = ()) -> int:
    """Return the minor units of a user's money that could be put on an invoice now.

    within -- only money that was received at one of these sites counts; empty: all of it
    """
    left: Any = func.sum(unused_amount())
    return int(session.scalar(select(left).where(_unused_by(user_id, within))) or 0)


def credit_of(user_id: Any, within: Collection[int] = ()) -> ColumnElement[int]:
    """Return ``available_credit`` of a statement's users, for many of them at once.

    user_id -- the column that says whose
    """
    left = func.sum(unused_amount())
    found = select(left).where(_unused_by(user_id, within)).correlate_except(Payment)
    return func.coalesce(found.scalar_subquery(), 0)


def why_not_use_credit(
    session: Session, invoice: Invoice, within: Collection[int] = ()
) -> Refusal | None:
    """Use credit: a draft or open invoice with a balance, no payment under way, and some credit."""
    if invoice.state is not InvoiceState.DRAFT:
        why_not = guards.why_not_cover(session, invoice)
    else:
        why_not = guards.why_not_process(session, invoice)
    if why_not is not None:
        return why_not
    if available_credit(session, invoice.user_id, within) <= 0:
        return Refusal("There is no credit to use.", "no_credit")
    return None


def use_credit(
    invoice_id: int, *, shown_balance: int, within: Collection[int] = (), actor: Actor
) -> int:
    """Put the user's credit on an invoice, up to its balance; return the minor units used.

    shown_balance -- minor units the page said are due: a request, checked under lock
    within        -- take only money received at one of these sites; empty: at any

    Nothing goes over the network and no money moves: it is the user's already. Raises ``Refusal``
    when there is no credit, the balance is another now, or a payment is under way.
    """
    with transaction() as session:
        user, invoice = lock_user_and_invoice(session, invoice_id)
        payments = _lock_unused(session, user.id, within)
        why_not = why_not_use_credit(session, invoice, within)
        by_customer = actor.kind is ActorKind.CUSTOMER
        guards.require(guards.for_customer(why_not) if by_customer else why_not)
        what = "is to pay now. No credit was used."
        check_shown(session, shown_balance, invoice.balance_now, what)
        shares, wanted = [], invoice.balance_now
        for payment in payments:
            share = min(payment.unapplied, wanted)
            if share > 0:
                shares.append((payment, share))
                wanted -= share
        put_on(session, invoice, shares, actor)
        return sum(share for _payment, share in shares)


def put_on(
    session: Session, invoice: Invoice, shares: Sequence[tuple[Payment, int]], actor: Actor
) -> None:
    """Put unapplied minor units of payments on an invoice and do what follows from it.

    Part of the caller's transaction, which holds the locks of the application the invoice is about,
    the invoice and the payments, and has asked the guards.
    """
    for payment, share in shares:
        ledger.apply_to(session, payment, invoice, share)
        words = f"{in_words(session, share)} put on {str(invoice).lower()}"
        note(session, payment, "apply", words, actor)
    _close_or_note(session, invoice, shares, actor)
    for payment, _share in shares:
        announcements.receipt(session, payment)
        change = hooks.Change(payment, payment.state, payment.state, applied=True)
        hooks.payment_changed(session, change, [invoice], actor)


def _close_or_note(
    session: Session, invoice: Invoice, shares: Sequence[tuple[Payment, int]], actor: Actor
) -> None:
    used = in_words(session, sum(share for _payment, share in shares))
    details = {"payments": {str(payment.id): share for payment, share in shares}}
    if invoice.state is InvoiceState.DRAFT or invoice.balance_now:
        left = in_words(session, invoice.balance_now)
        words = f"{used} of the user's credit used; {left} left to pay"
        note(session, invoice, "use_credit", words, actor, details=details)
        return
    invoice.paid_at = clock.now()
    words = f"{used} of the user's credit used. Paid in full"
    move(session, invoice, "close", InvoiceState.PAID, actor, words, details=details)


def _lock_unused(session: Session, user_id: int, within: Collection[int]) -> list[Payment]:
    """Return what a user's credit consists of, locked by id; the oldest money first.

    Locking reads a payment anew, so one that was used or is being refunded by now is left out.
    """
    unused = select(Payment.id).where(_unused_by(user_id, within)).order_by(Payment.id)
    numbers = session.scalars(unused)
    locked = [lock(session, Payment, number) for number in numbers.all()]
    still = set(session.scalars(unused))
    usable = [payment for payment in locked if payment.id in still]
    return sorted(usable, key=lambda each: (each.collected_at or each.started_at, each.id))


def _unused_by(user_id: Any, within: Collection[int] = ()) -> ColumnElement[bool]:
    """The condition that a payment is part of a user's credit.

    user_id -- whose payment: an id, or a column of the statement around it
    """
    place = [Payment.site_id.in_(sorted(within))] if within else []
    return and_(Payment.user_id == user_id, unused(), *place)
