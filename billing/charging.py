"""Money through the gateway: a customer's typed card, and the registered payment method."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

from billing import attempts, guards, parts, runtime
from billing.actor import Actor
from billing.attempts import Attempt
from billing.database import end_reading, lock, transaction
from billing.declines import check_declines
from billing.errors import Refusal
from billing.gateway import Order
from billing.issuing import issue_for_payment
from billing.left_alone import why_set_back_since
from billing.locks import lock_user_and_invoice
from billing.office import in_words
from billing.shown import check_shown
from billing.transitions import move
from models import Invoice, Payment
from models.states import ActorKind, InvoiceState, Tender

MAX_NONCE = 255
# Who a charge of a registered method was started by, in the gateway's terms.
UNSCHEDULED = "unscheduled"
RECURRING = "recurring"


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
    amount: int | None = None,
    actor: Actor,
    holder: str = "",
    street: str = "",
    postal_code: str = "",
) -> Attempt:
    """Charge a typed card for the whole balance, or for ``amount`` of it.

    nonce         -- what the gateway gave the browser for the card; single use
    shown_balance -- minor units the page said are due: a request, checked under lock
    amount        -- minor units the customer wants to pay instead, where the office allows that

    Returns how it ended. Raises ``Refusal`` without calling the gateway when the invoice is paid,
    not open, being paid by somebody else, not the amount shown, or after too many declines.
    """
    return pay_invoices(
        [invoice_id],
        nonce=nonce,
        shown_total=shown_balance,
        part=amount,
        actor=actor,
        holder=holder,
        street=street,
        postal_code=postal_code,
    )


def pay_invoices(
    invoice_ids: Sequence[int],
    *,
    nonce: str,
    shown_total: int,
    part: int | None = None,
    actor: Actor,
    holder: str = "",
    street: str = "",
    postal_code: str = "",
) -> Attempt:
    """Charge a typed card once for the whole balances of several invoices of one user.

    shown_total -- minor units the customer saw on the page, the sum of the balances
    part        -- minor units to pay of the only invoice instead

    Every invoice must be payable, else nothing is charged for any. One receipt lists them all.
    """
    check_nonce(nonce)
    with transaction() as session:
        # By id, as everywhere: two customers with the same invoices wait, they don't deadlock.
        invoices = [lock(session, Invoice, number) for number in sorted(set(invoice_ids))]
        for invoice in invoices:
            guards.require(guards.why_not_pay(session, invoice))
        if not invoices:
            raise Refusal("Choose what to pay.", "nothing_chosen")
        if len({invoice.user_id for invoice in invoices}) > 1:
            raise Refusal(
                "These invoices are of different people. Please pay for one person at a time.",
                "other_user",
            )
        check_due(session, invoices, shown_total)
        order, payment_id = start_sale(
            session,
            invoices,
            actor,
            part=part,
            nonce=nonce,
            holder=holder,
            street=street,
            postal_code=postal_code,
        )
    return ask_for_sale(payment_id, order, actor)


def start_sale(
    session: Session,
    invoices: Sequence[Invoice],
    actor: Actor,
    *,
    part: int | None = None,
    nonce: str,
    holder: str = "",
    street: str = "",
    postal_code: str = "",
) -> tuple[Order, int]:
    """Step one of charging a typed card, in the caller's transaction that holds the locks.

    part -- minor units to pay of the only invoice, instead of its balance
    """
    for invoice in invoices:
        check_declines(session, invoice)
    shares = [(invoice, invoice.balance_now) for invoice in invoices]
    if part is not None:
        [only] = invoices
        guards.require(parts.why_not_other_amount(session, only, part))
        shares = [(only, part)]
    payment = attempts.start_several(session, shares, Tender.CARD, actor)
    for invoice, share in shares:
        if invoice.state is InvoiceState.DRAFT:
            issue_for_payment(session, invoice)
        sentence = f"Payment of {in_words(session, share)} by card started"
        move(session, invoice, "pay", InvoiceState.PENDING, actor, sentence)
    source = "moto" if actor.kind is ActorKind.STAFF else ""
    order = _order(
        payment, nonce=nonce, source=source, holder=holder, street=street, postal_code=postal_code
    )
    return order, payment.id


def ask_for_sale(payment_id: int, order: Order, actor: Actor) -> Attempt:
    """Steps two and three of a charge that was started."""
    gateway = runtime.current().gateway
    return attempts.ask(payment_id, lambda: gateway.sale(order), actor)


def check_nonce(nonce: str) -> None:
    """Refuse card details that can't be any, before anything is locked."""
    if not nonce or len(nonce) > MAX_NONCE:
        raise Refusal("The card details did not arrive. Please enter them again.", "no_nonce")


def charge_customer(
    invoice_id: int,
    *,
    amount: int | None = None,
    shown_balance: int,
    method_id: int | None = None,
    decided_at: dt.datetime | None = None,
    actor: Actor,
    source: str = UNSCHEDULED,
) -> Attempt:
    """Charge the user's registered payment method for the balance, or ``amount`` of it.

    shown_balance -- minor units staff saw: a request, checked under lock
    method_id     -- the payment method staff saw, where they were shown one
    decided_at    -- when staff asked for it, where it was queued since
    source        -- what the gateway is told: UNSCHEDULED, or RECURRING for one of a timetable

    The billing method is read again under the user's lock, so switching it to ``invoice`` stops
    even a charge that was queued before, and so does setting the invoice back to draft. A charge
    by hand takes the place of a planned retry once the bank has answered. Raises ``Refusal``
    without calling the gateway.
    """
    with transaction() as session:
        _user, invoice = lock_user_and_invoice(session, invoice_id)
        guards.require(why_set_back_since(session, invoice, decided_at))
        guards.require(guards.why_not_charge(session, invoice))
        check_due(session, [invoice], shown_balance)
        _check_method(session, invoice, method_id)
        amount = invoice.balance_now if amount is None else amount
        check_part(session, invoice, amount)
        order, payment_id = start_charge(session, invoice, amount, actor, source)
    return ask_for_sale(payment_id, order, actor)


def start_charge(
    session: Session, invoice: Invoice, amount: int, actor: Actor, source: str
) -> tuple[Order, int]:
    """Step one of charging the registered method: the caller holds the locks and asked the guard.

    amount -- minor units, at most the balance
    """
    method = guards.default_method(session, invoice.user_id)
    assert method is not None
    issued_here = invoice.state is InvoiceState.DRAFT
    payment = attempts.start(
        session, invoice, amount, method.tender, actor, payment_method_id=method.id
    )
    if issued_here:
        issue_for_payment(session, invoice)
    sentence = f"Charge of {in_words(session, amount)} to {method} started"
    move(session, invoice, "charge", InvoiceState.PENDING, actor, sentence)
    return _order(payment, token=method.token, source=source), payment.id


def check_part(session: Session, invoice: Invoice, amount: int) -> None:
    """Refuse an amount that is nothing or more than the balance."""
    guards.require(parts.why_not_part(session, invoice, amount))


def check_due(session: Session, invoices: Sequence[Invoice], shown: int) -> None:
    """Refuse when the balances are another sum than the one somebody decided on."""
    due = sum(invoice.balance_now for invoice in invoices)
    check_shown(session, shown, due, "is to pay now. Nothing was charged.")


def _check_method(session: Session, invoice: Invoice, shown: int | None) -> None:
    """Refuse when another method would be charged than the one somebody decided on."""
    method = guards.default_method(session, invoice.user_id)
    if shown is not None and method is not None and method.id != shown:
        raise Refusal(
            f"The payment method has changed: {method} would be charged. Nothing was.",
            "method_changed",
        )


def _order(
    payment: Payment,
    *,
    nonce: str = "",
    token: str = "",
    source: str = "",
    holder: str = "",
    street: str = "",
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
        street=street.strip()[:200],
        postal_code=postal_code.strip()[:20],
    )
