"""Collecting an application's outstanding balance: by staff in person, or by the customer online.

What no sent invoice carries goes through a silent one: an ordinary invoice that is numbered and in
the grid but not announced. So there is one way for money, and receipts, history, refunds and proof
are the same for all. The debt is claimed under the application's lock; what follows for the
application follows from the recorded outcome (``applications.following``).
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from applications import guards
from billing import in_person
from billing.actor import Actor
from billing.attempts import Attempt
from billing.charging import ask_for_sale, check_nonce, start_sale
from billing.claims import live_payment
from billing.database import lock, reading, transaction
from billing.errors import NotFound, Refusal
from billing.in_person import Manual
from billing.invoicing import silent_invoice
from billing.locks import lock_application
from billing.office import in_words
from billing.shown import check_shown
from models import Application, Invoice, Payment
from models.states import PaymentState


def settle_manual(
    application_id: int,
    payment: Manual,
    *,
    shown_balance: int,
    send_receipt: bool = True,
    actor: Actor,
) -> Attempt:
    """Settle the whole outstanding balance by check, cash or other means.

    shown_balance -- minor units staff saw: a request, checked under lock

    A pending or rejected application is approved by itself. Refused when nothing is outstanding,
    the balance is another, only a part is offered, or something else is collecting the debt.
    """
    with transaction() as session:
        application = lock_application(session, application_id)
        guards.require(guards.why_not_settle(session, application))
        invoice = _carrier(session, application, shown_balance, actor)
        if payment.amount != shown_balance:
            owed = in_words(session, shown_balance)
            raise Refusal(f"Settling takes the whole balance of {owed}.", "not_all", "amount")
        return in_person.receive(
            session, invoice, payment, invoice.balance_now, send_receipt, actor
        )


def authorise_settlement(
    application_id: int, *, nonce: str, shown_balance: int, actor: Actor
) -> Attempt:
    """Place a hold of the whole outstanding balance on a card: the first of two steps.

    Until it is processed or released, everybody else is refused with who holds it. A card that is
    declined leaves nothing behind that would keep the debt from being collected otherwise.
    """
    check_nonce(nonce)
    with transaction() as session:
        application = lock_application(session, application_id)
        guards.require(guards.why_not_settle(session, application))
        invoice = _carrier(session, application, shown_balance, actor)
        due = invoice.balance_now
        order, payment_id = in_person.start_hold(session, invoice, nonce, due, due, actor)
    return in_person.ask_for_hold(payment_id, order, actor)


def process_settlement(application_id: int, *, send_receipt: bool = True, actor: Actor) -> Attempt:
    """Capture the hold: the second step, by whoever of the staff is there then.

    Refused without a hold, after it expired, when the fees changed since, and for applications
    that were marked inactive meanwhile.
    """
    with reading() as session:
        application = _find(session, application_id)
        guards.require(guards.why_not_settle_state(application))
        hold = hold_of(session, application)
    if hold is None:
        raise Refusal("Authorize the card first.", "not_authorised")
    return in_person.process_hold(hold.id, send_receipt=send_receipt, actor=actor)


def release_settlement(application_id: int, *, actor: Actor) -> Attempt:
    """Let go of a hold that will not be processed."""
    with reading() as session:
        hold = hold_of(session, _find(session, application_id))
    if hold is None:
        raise Refusal("There is no card hold to release.", "no_hold")
    return in_person.release_hold(hold.id, actor=actor)


def hold_of(session: Session, application: Application) -> Payment | None:
    """Return the card hold that waits to be processed for this application, if any."""
    for invoice in guards.carriers_of(session, application):
        payment = live_payment(session, invoice)
        if payment is not None and payment.state is PaymentState.AUTHORISED:
            return payment
    return None


def pay_balance(
    application_id: int,
    *,
    nonce: str,
    shown_balance: int,
    actor: Actor,
    holder: str = "",
    street: str = "",
    postal_code: str = "",
) -> Attempt:
    """Charge the customer's typed card for the outstanding balance of a pending application.

    Paid online it is pending (again): a rejected application goes back to the office. Refused as in
    ``settle_manual``, for approved applications, and after too many declines.
    """
    check_nonce(nonce)
    with transaction() as session:
        application = lock_application(session, application_id)
        guards.require(guards.why_not_pay_balance(session, application))
        invoice = _carrier(session, application, shown_balance, actor)
        order, payment_id = start_sale(
            session,
            [invoice],
            actor,
            nonce=nonce,
            holder=holder,
            street=street,
            postal_code=postal_code,
        )
    return ask_for_sale(payment_id, order, actor)


def _carrier(
    session: Session, application: Application, shown_balance: int, actor: Actor
) -> Invoice:
    """Return the invoice to collect through, locked: the one that carries the debt, else a new one.

    The guard has made sure that an open one carries exactly what is outstanding.
    """
    owed = application.outstanding_balance
    check_shown(session, shown_balance, owed, "is outstanding now. Nothing was charged.")
    carriers = guards.carriers_of(session, application)
    if carriers:
        return lock(session, Invoice, carriers[0].id)
    return silent_invoice(session, application, owed, actor)


def _find(session: Session, application_id: int) -> Application:
    application = session.get(Application, application_id)
    if application is None:
        raise NotFound("application")
    return application
