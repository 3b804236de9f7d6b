"""Paying with the registered payment method at the customer's own wish: one charge, one receipt.

Staff and jobs charge it in ``billing.charging``. Here the customer presses the button, so the same
walls hold as for a typed card: the amount shown, one live attempt, so many declines an hour. Who
offers this must know the customer: an invoice's link may be in anybody's hands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from billing import attempts, charging, clock, guards
from billing.actor import Actor
from billing.attempts import Attempt
from billing.database import lock, transaction
from billing.declines import check_declines
from billing.errors import Refusal
from billing.gateway import Order
from billing.method_guards import is_expired
from billing.office import in_words
from billing.transitions import move
from models import Allocation, Invoice, Payment, PaymentMethod, User
from models.states import AllocationState, BillingMethod, InvoiceState

# So soon after a payment its button is pressed again by who did not see how the first press ended.
_SAME_PRESS = dt.timedelta(minutes=10)


def why_not_own_method(session: Session, user: User) -> Refusal | None:
    """Pay with the registered method: there is one, it has not expired, and it may be charged."""
    if user.billing_method is BillingMethod.INVOICE:
        return Refusal(
            "You pay by invoice, so nothing is charged to a registered payment method. "
            "You can pay with a card.",
            "billing_method_invoice",
        )
    method = guards.default_method(session, user.id)
    if method is None:
        return Refusal("You have no payment method registered.", "no_payment_method")
    if is_expired(session, method):
        return Refusal(f"Your {method} has expired. Please register another.", "method_expired")
    return None


def usable_method(session: Session, user: User) -> PaymentMethod | None:
    """Return what ``pay_with_method`` would charge; None when it would refuse."""
    if why_not_own_method(session, user) is not None:
        return None
    return guards.default_method(session, user.id)


def payment_just_made(session: Session, invoice_ids: Collection[int]) -> int | None:
    """Return the payment with a registered method that is paying, or has just paid, all of these.

    Whoever presses a button twice is led to what the first press did.
    """
    made = (
        select(Payment.id)
        .join(Allocation, Allocation.payment_id == Payment.id)
        .join(Invoice, Invoice.id == Allocation.invoice_id)
        .where(
            Payment.payment_method_id.is_not(None),
            Payment.started_at > clock.now() - _SAME_PRESS,
            Invoice.id.in_(invoice_ids),
            or_(
                Allocation.state == AllocationState.CLAIMED,
                (Allocation.state == AllocationState.APPLIED)
                & (Invoice.state == InvoiceState.PAID),
            ),
        )
        .group_by(Payment.id)
        .having(func.count(Invoice.id.distinct()) == len(set(invoice_ids)))
    )
    return session.scalar(made.order_by(Payment.id.desc()).limit(1))


def pay_with_method(
    invoice_ids: Sequence[int],
    *,
    shown_total: int,
    actor: Actor,
    method_id: int | None = None,
    source: str = "",
) -> Attempt:
    """Charge the user's registered payment method once for the whole balances of these invoices.

    shown_total -- minor units the customer saw on the button, the sum of the balances
    method_id   -- the payment method the customer saw, where the page named one
    source      -- who started it, in the gateway's words; a customer who is present needs none

    Every invoice must be payable, else nothing is charged for any. A decline makes them failed, as
    with every registered method; a direct debit leaves them pending until the bank has answered.
    Raises ``Refusal`` without calling the gateway.
    """
    with transaction() as session:
        user, invoices = _lock(session, invoice_ids)
        guards.require(why_not_own_method(session, user))
        method = guards.default_method(session, user.id)
        assert method is not None
        if method_id is not None and method.id != method_id:
            raise Refusal(
                f"Your payment method is {method} now. Nothing was charged.", "method_changed"
            )
        for invoice in invoices:
            guards.require(guards.why_not_pay(session, invoice))
            check_declines(session, invoice)
        charging.check_due(session, invoices, shown_total)
        payment_id, order = _start(session, invoices, method, actor, source)
    return charging.ask_for_sale(payment_id, order, actor)


def _lock(session: Session, invoice_ids: Sequence[int]) -> tuple[User, list[Invoice]]:
    numbers = sorted(set(invoice_ids))
    if not numbers:
        raise Refusal("Choose what to pay.", "nothing_chosen")
    owners = session.scalars(select(Invoice.user_id).where(Invoice.id.in_(numbers)).distinct())
    user_ids = owners.all()
    if len(user_ids) > 1:
        raise Refusal(
            "These invoices are of different people. Please pay for one person at a time.",
            "other_user",
        )
    user = lock(session, User, user_ids[0] if user_ids else 0)
    return user, [lock(session, Invoice, number) for number in numbers]


def _start(
    session: Session,
    invoices: Sequence[Invoice],
    method: PaymentMethod,
    actor: Actor,
    source: str,
) -> tuple[int, Order]:
    shares = [(invoice, invoice.balance_now) for invoice in invoices]
    payment = attempts.start_several(
        session, shares, method.tender, actor, payment_method_id=method.id
    )
    for invoice, share in shares:
        sentence = f"Payment of {in_words(session, share)} with {method} started"
        move(session, invoice, "pay", InvoiceState.PENDING, actor, sentence)
    order = Order(
        payment.reference, payment.amount, payment.currency, token=method.token, source=source
    )
    return payment.id, order
