"""Process Invoice In-Person: a card (authorise first, then process), a check, cash, other means.

All of them take the path every payment takes: claim, collect, allocate, receipt.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import attempts, clock, guards, outcomes, runtime
from billing.actor import Actor
from billing.attempts import Attempt
from billing.charging import check_nonce, check_part
from billing.database import lock, reading, transaction
from billing.errors import Refusal
from billing.gateway import Answer, Order, Verdict
from billing.issuing import issue_for_payment
from billing.locks import lock_invoice, lock_payment
from billing.office import get_settings, in_words
from billing.shown import TO_PAY, check_shown
from billing.transitions import move
from models import Invoice, Payment, Settings
from models.states import InvoiceState, PaymentState, Tender

MANUAL = (Tender.CHECK, Tender.CASH, Tender.OTHER)


@dataclass(frozen=True)
class Manual:
    """A payment made without the gateway.

    amount     -- minor units that go to the invoice
    received   -- minor units of cash handed over; the difference is the change
    check_date -- the date on a check; of another manual method, the day it was paid
    """

    tender: Tender
    amount: int
    received: int | None = None
    check_number: str = ""
    check_date: dt.date | None = None
    payer: str = ""
    method: str = ""
    note: str = ""


def authorise_card(
    invoice_id: int, *, nonce: str, amount: int, shown_balance: int, actor: Actor
) -> Attempt:
    """Place a hold of ``amount`` minor units on a card; ``process_hold`` captures it.

    The hold is a live payment: it keeps everybody else from paying the invoice until it is
    processed, released, or released by the job that tidies up.
    """
    check_nonce(nonce)
    with transaction() as session:
        invoice = lock(session, Invoice, invoice_id)
        order, payment_id = start_hold(session, invoice, nonce, amount, shown_balance, actor)
    return ask_for_hold(payment_id, order, actor)


def start_hold(
    session: Session, invoice: Invoice, nonce: str, amount: int, shown_balance: int, actor: Actor
) -> tuple[Order, int]:
    """Step one of a hold, in the caller's transaction that holds the invoice's lock."""
    guards.require(guards.why_not_process(session, invoice))
    check_shown(session, shown_balance, invoice.balance_now, TO_PAY)
    check_part(session, invoice, amount)
    payment = attempts.start(session, invoice, amount, Tender.CARD, actor)
    order = Order(payment.reference, amount, payment.currency, nonce=nonce, source="moto")
    return order, payment.id


def ask_for_hold(payment_id: int, order: Order, actor: Actor) -> Attempt:
    """Steps two and three of a hold that was started."""
    gateway = runtime.current().gateway
    return attempts.ask(payment_id, lambda: gateway.authorise(order), actor)


def process_hold(payment_id: int, *, send_receipt: bool = True, actor: Actor) -> Attempt:
    """Capture a hold. Refused without one, after it expired, or when the balance changed since."""
    with transaction() as session:
        payment, invoices = lock_payment(session, payment_id)
        guards.require(guards.why_not_capture(session, payment, list(invoices.values())))
        payment.send_receipt = send_receipt
        payment.asked_at = clock.now()
        for invoice in invoices.values():
            if invoice.state is InvoiceState.DRAFT:
                payment.returns_to = InvoiceState.DRAFT
                issue_for_payment(session, invoice)
            sentence = f"Card hold of {in_words(session, payment.amount)} is being processed"
            move(session, invoice, "process", InvoiceState.PENDING, actor, sentence)
        gateway_id, amount = payment.gateway_id or "", payment.amount
        currency, reference = payment.currency, f"{payment.reference}-capture"
    gateway = runtime.current().gateway
    return attempts.ask(
        payment_id, lambda: gateway.capture(gateway_id, amount, currency, reference), actor
    )


def release_hold(payment_id: int, *, actor: Actor) -> Attempt:
    """Void a hold that will not be processed."""
    with transaction() as session:
        payment, invoices = lock_payment(session, payment_id)
        if payment.state is not PaymentState.AUTHORISED:
            raise Refusal("There is no card hold to release.", "no_hold")
        if any(invoice.state is InvoiceState.PENDING for invoice in invoices.values()):
            raise Refusal("The hold is being processed right now.", "live")
        gateway_id, reference = payment.gateway_id or "", f"{payment.reference}-void"
    gateway = runtime.current().gateway
    return attempts.ask(payment_id, lambda: gateway.void(gateway_id, reference), actor)


def process_manual(
    invoice_id: int,
    payment: Manual,
    *,
    shown_balance: int,
    send_receipt: bool = True,
    actor: Actor,
) -> Attempt:
    """Record a payment made in person; a part leaves the invoice open with the remainder."""
    with transaction() as session:
        invoice = lock_invoice(session, invoice_id)
        return receive(session, invoice, payment, shown_balance, send_receipt, actor)


def receive(
    session: Session,
    invoice: Invoice,
    payment: Manual,
    shown_balance: int,
    send_receipt: bool,
    actor: Actor,
) -> Attempt:
    """Record a payment made in person, in the caller's transaction that holds the locks."""
    guards.require(guards.why_not_process(session, invoice))
    check_shown(session, shown_balance, invoice.balance_now, TO_PAY)
    check_part(session, invoice, payment.amount)
    check_manual(session, payment)
    row = attempts.start(session, invoice, payment.amount, payment.tender, actor)
    fill_in(row, payment, send_receipt)
    if invoice.state is InvoiceState.DRAFT:
        issue_for_payment(session, invoice)
    answer = Answer(Verdict.ACCEPTED, PaymentState.SETTLED)
    change = outcomes.record(session, row.id, answer, actor)
    return attempts.in_words_for_people(session, change.payment, Verdict.ACCEPTED)


def stale_holds(limit: int = 200) -> list[int]:
    """Return the holds nobody processed within the time the settings allow."""
    with reading() as session:
        minutes = get_settings(session).hold_minutes
        before = clock.now() - dt.timedelta(minutes=minutes)
        holds = select(Payment.id).where(
            Payment.state == PaymentState.AUTHORISED, Payment.started_at < before
        )
        return list(session.scalars(holds.order_by(Payment.id).limit(limit)))


def fill_in(row: Payment, payment: Manual, send_receipt: bool) -> None:
    """Write what staff noted about a manual payment into its row."""
    row.check_number, row.check_date = payment.check_number.strip(), payment.check_date
    row.payer, row.note = payment.payer.strip(), payment.note.strip()
    row.instrument = payment.method
    row.send_receipt = send_receipt


def check_manual(session: Session, payment: Manual) -> None:
    """Refuse a manual payment that lacks what its form of payment needs."""
    if payment.tender not in MANUAL:
        raise Refusal("Choose a form of payment.", "no_tender", "tender")
    if payment.tender is Tender.CHECK and not payment.check_number.strip():
        raise Refusal("Enter the number of the check.", "no_check_number", "check_number")
    if payment.received is not None and payment.received < payment.amount:
        raise Refusal("Less cash was received than is to be paid.", "too_little_cash", "received")
    if payment.tender is Tender.OTHER:
        _check_other(get_settings(session), payment)


def _check_other(settings: Settings, payment: Manual) -> None:
    if payment.method not in settings.manual_methods:
        raise Refusal("Choose one of the other ways to pay.", "no_method", "method")
    today = clock.today(settings.timezone)
    if payment.check_date is not None and payment.check_date > today:
        # A check may be dated ahead; a transfer that has arrived may not.
        raise Refusal("This day has not come yet. Enter when it was paid.", "ahead", "paid_on")
