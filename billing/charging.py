"""Money through the gateway: a customer's typed card, and the registered payment method."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing import attempts, clock, guards, runtime
from billing.actor import Actor
from billing.attempts import Attempt
from billing.database import end_reading, lock, transaction
from billing.errors import Refusal
from billing.gateway import Order
from billing.invoicing import issue
from billing.office import get_settings, in_words
from billing.transitions import move
from models import Allocation, Invoice, Payment, User
from models.states import ActorKind, InvoiceState, PaymentState, Tender

MAX_NONCE = 255


def card_form_token() -> str:
    """Return what the browser's card fields start with.

    Ends the caller's reading transaction first, because this goes over the network. Raises
    ``GatewayUnreachable`` or ``OutcomeUnknown`` when card payments are not possible right now.
    """
    end_reading()
    return runtime.current().gateway.client_token()


def pay_invoice(
    invoice_id: int,
    *,
    nonce: str,
    shown_balance: int,
    actor: Actor,
    holder: str = "",
    postal_code: str = "",
) -> Attempt:
    """Charge a typed card for the whole balance.

    nonce         -- what the gateway gave the browser for the card; single use
    shown_balance -- minor units the customer saw on the button: a request, checked under lock

    Returns how it ended. Raises ``Refusal`` without calling the gateway when the invoice is paid,
    not open, being paid by somebody else, not the amount shown, or after too many declines.
    """
    if not nonce or len(nonce) > MAX_NONCE:
        raise Refusal("The card details did not arrive. Please enter them again.", "no_nonce")
    with transaction() as session:
        invoice = lock(session, Invoice, invoice_id)
        guards.require(guards.why_not_pay(session, invoice))
        _check_amount(session, invoice, shown_balance)
        _check_declines(session, invoice)
        payment = attempts.start(session, invoice, invoice.balance_now, Tender.CARD, actor)
        sentence = f"Payment of {in_words(session, payment.amount)} by card started"
        move(session, invoice, "pay", InvoiceState.PENDING, actor, sentence)
        source = "moto" if actor.kind is ActorKind.STAFF else ""
        order = _order(payment, nonce=nonce, source=source, holder=holder, postal_code=postal_code)
        payment_id = payment.id
    gateway = runtime.current().gateway
    return attempts.ask(payment_id, lambda: gateway.sale(order), actor)


def charge_customer(
    invoice_id: int, *, amount: int | None = None, shown_balance: int, actor: Actor
) -> Attempt:
    """Charge the user's registered payment method for the balance, or ``amount`` of it.

    The billing method is read again under the user's lock, so switching it to ``invoice`` stops
    even a charge that was queued before.
    """
    with transaction() as session:
        invoice, user = _lock_with_user(session, invoice_id)
        guards.require(guards.why_not_charge(session, invoice))
        if invoice.state is InvoiceState.PENDING:
            raise Refusal("A payment is being processed.", "live")
        _check_amount(session, invoice, shown_balance)
        amount = invoice.balance_now if amount is None else amount
        check_part(session, invoice, amount)
        method = guards.default_method(session, user.id)
        assert method is not None
        issued_here = invoice.state is InvoiceState.DRAFT
        payment = attempts.start(
            session, invoice, amount, method.tender, actor, payment_method_id=method.id
        )
        if issued_here:
            issue(session, invoice)
        sentence = f"Charge of {in_words(session, amount)} to {method} started"
        move(session, invoice, "charge", InvoiceState.PENDING, actor, sentence)
        order = _order(payment, token=method.token, source="unscheduled")
        payment_id = payment.id
    gateway = runtime.current().gateway
    return attempts.ask(payment_id, lambda: gateway.sale(order), actor)


def check_part(session: Session, invoice: Invoice, amount: int) -> None:
    """Refuse an amount that is nothing or more than the balance."""
    if amount <= 0:
        raise Refusal("The amount must be more than zero.", "amount_zero", "amount")
    if amount > invoice.balance_now:
        left = in_words(session, invoice.balance_now)
        raise Refusal(f"Only {left} is left to pay.", "more_than_balance", "amount")


def _lock_with_user(session: Session, invoice_id: int) -> tuple[Invoice, User]:
    user_id = session.scalar(select(Invoice.user_id).where(Invoice.id == invoice_id))
    user = lock(session, User, user_id or 0)
    return lock(session, Invoice, invoice_id), user


def _check_amount(session: Session, invoice: Invoice, shown_balance: int) -> None:
    if shown_balance != invoice.balance_now:
        now = in_words(session, invoice.balance_now)
        raise Refusal(
            f"The amount has changed: {now} is to pay now. Nothing was charged.", "amount_changed"
        )


def _check_declines(session: Session, invoice: Invoice) -> None:
    """Stop card guessing: so many declines an hour and invoice, then a pause."""
    most = get_settings(session).max_declines
    declined = session.scalar(
        select(func.count(Payment.id))
        .join(Allocation, Allocation.payment_id == Payment.id)
        .where(
            Allocation.invoice_id == invoice.id,
            Payment.state == PaymentState.DECLINED,
            Payment.started_at > clock.now() - dt.timedelta(hours=1),
        )
    )
    if (declined or 0) >= most:
        raise Refusal(
            "Several cards were declined. Please wait an hour, or call the office.",
            "too_many_declines",
        )


def _order(
    payment: Payment,
    *,
    nonce: str = "",
    token: str = "",
    source: str = "",
    holder: str = "",
    postal_code: str = "",
) -> Order:
    return Order(
        reference=payment.reference,
        amount=payment.amount,
        currency=payment.currency,
        nonce=nonce,
        token=token,
        source=source,
        holder=holder.strip()[:160],
        postal_code=postal_code.strip()[:20],
    )
