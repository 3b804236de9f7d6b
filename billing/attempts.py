"""The three steps every gateway payment takes.

(1) One transaction: lock, check the guards, move, write the attempt down as *started* under a fresh
reference, commit. (2) No transaction open: ask the gateway. (3) One transaction: record the answer.
A crash between any two lines leaves a started attempt that reconciliation finds by its reference.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from billing import clock, diary, ledger, outcomes
from billing.actor import Actor
from billing.database import later, transaction
from billing.errors import GatewayUnreachable, OutcomeUnknown, Refusal
from billing.gateway import NOT_A_CARD, NOT_REACHABLE, Answer, Verdict
from billing.office import in_words
from billing.transitions import move
from models import Invoice, Payment
from models.states import PaymentKind, PaymentState, Tender

log = logging.getLogger(__name__)

CHECKING = "We are checking this payment with the bank. Please do not pay again."


@dataclass(frozen=True)
class Attempt:
    """How an attempt at a payment ended, for code and for the person who made it.

    outcome  -- "paid", "held", "pending" (the bank will answer later), "declined", "failed"
                (it never took place) or "unknown" (nobody answered; do not try again)
    sentence -- what to tell a customer; never a processor's code
    code, message -- the processor's answer, for staff
    """

    payment_id: int
    outcome: str
    sentence: str
    code: str = ""
    message: str = ""


def new_reference() -> str:
    """Return a fresh name for an attempt: unique, unguessable, plain letters and digits."""
    return f"cf-{secrets.token_hex(12)}"


def start(
    session: Session,
    invoice: Invoice,
    amount: int,
    tender: Tender,
    actor: Actor,
    *,
    payment_method_id: int | None = None,
    kind: PaymentKind = PaymentKind.CHARGE,
) -> Payment:
    """Write an attempt at ``amount`` minor units of ``invoice`` down before the gateway is asked.

    Raises ``Refusal`` (code ``live``) when another attempt holds the invoice: the partial unique
    index says so even if both read the invoice at the same moment.
    """
    return start_several(
        session, [(invoice, amount)], tender, actor, payment_method_id=payment_method_id, kind=kind
    )


def start_several(
    session: Session,
    shares: Sequence[tuple[Invoice, int]],
    tender: Tender,
    actor: Actor,
    *,
    payment_method_id: int | None = None,
    kind: PaymentKind = PaymentKind.CHARGE,
    surplus: int = 0,
) -> Payment:
    """Write one attempt at several invoices of one user down, with the minor units for each.

    surplus -- minor units on top of them, which become the user's credit
    """
    invoices = [invoice for invoice, _amount in shares]
    amount = sum(share for _invoice, share in shares) + surplus
    payment = Payment(
        kind=kind,
        tender=tender,
        user_id=invoices[0].user_id,
        site_id=_shared([invoice.site_id for invoice in invoices], None),
        payment_method_id=payment_method_id,
        amount=amount,
        allocated=0,
        refunded=0,
        currency=invoices[0].currency,
        reference=new_reference(),
        started_at=clock.now(),
        asked_at=clock.now(),
        returns_to=_shared([invoice.state for invoice in invoices], ""),
        initiated_by=actor.kind,
        client_ip=actor.ip,
        detached=False,
        send_receipt=True,
        checks=0,
    )
    sentence = f"Payment of {in_words(session, amount)} started"
    move(session, payment, "start", PaymentState.STARTED, actor, sentence)
    try:
        for invoice, share in shares:
            ledger.claim(session, payment, invoice, share)
        session.flush()
    except IntegrityError as error:
        raise Refusal("Somebody else is paying this invoice right now.", "live") from error
    diary.plan(payment)
    return payment


def _shared(values: Sequence[Any], otherwise: Any) -> Any:
    """The value all have in common, or ``otherwise``."""
    return values[0] if len(set(values)) == 1 else otherwise


def ask(payment_id: int, call: Callable[[], Answer], actor: Actor) -> Attempt:
    """Steps two and three: call the gateway without a transaction, then record what it said.

    Raises ``Refusal`` for a bank account where only cards are taken; the bank was not asked then.
    """
    asked_at = clock.now()
    try:
        answer = call()
    except GatewayUnreachable:
        log.warning("payment %s: the gateway could not be reached", payment_id)
        answer = Answer(Verdict.INVALID, PaymentState.FAILED, message=NOT_REACHABLE)
    except OutcomeUnknown:
        log.warning("payment %s: outcome unknown", payment_id, exc_info=True)
        return unknown(payment_id)
    attempt = conclude(payment_id, answer, actor, asked_at)
    if answer.message == NOT_A_CARD:
        raise Refusal(f"{NOT_A_CARD}. Nothing was charged.", "not_a_card")
    return attempt


def ask_for_void(payment_id: int, call: Callable[[], Answer], actor: Actor) -> bool:
    """Try to undo a payment; False when the gateway no longer can.

    Raises ``Refusal`` (code ``unknown_outcome``) when nobody answered: it is looked up soon.
    """
    asked_at = clock.now()
    try:
        answer = call()
    except (GatewayUnreachable, OutcomeUnknown) as error:
        log.warning("payment %s: nobody answered the void", payment_id, exc_info=True)
        unknown(payment_id)
        raise Refusal(
            "Nobody has answered yet whether the payment could be stopped. We are checking; "
            "please try again in a few minutes.",
            "unknown_outcome",
        ) from error
    if answer.verdict is not Verdict.ACCEPTED:
        return False
    conclude(payment_id, answer, actor, asked_at)
    return True


def unknown(payment_id: int) -> Attempt:
    """Leave the attempt as it is and have its reference looked up soon."""
    with transaction() as session:
        later(session, "reconciliation.check", [payment_id])
    return Attempt(payment_id, "unknown", CHECKING)


def conclude(payment_id: int, answer: Answer, actor: Actor, asked_at: dt.datetime) -> Attempt:
    """Step three: record the answer to what was asked at ``asked_at``, and put it into words."""
    with transaction() as session:
        change = outcomes.record(session, payment_id, answer, actor, asked_at)
        return in_words_for_people(session, change.payment, answer.verdict)


def in_words_for_people(session: Session, payment: Payment, verdict: Verdict) -> Attempt:
    """Return how the payment stands now as an ``Attempt``."""
    amount = in_words(session, payment.amount)
    outcome, sentence = {
        PaymentState.SETTLED: ("paid", f"{amount} has been paid. Thank you."),
        PaymentState.SUBMITTED: ("paid", f"{amount} has been paid. Thank you."),
        PaymentState.AUTHORISED: ("held", f"{amount} is on hold on the card."),
        PaymentState.PENDING: ("pending", f"The bank has been asked for {amount}."),
        PaymentState.DECLINED: (
            "declined",
            "Your card was declined and nothing was charged. Please try another card.",
        ),
        PaymentState.STARTED: ("unknown", CHECKING),
    }.get(
        payment.state,
        ("failed", "The payment did not go through and nothing was charged. Please try again."),
    )
    if outcome == "failed" and verdict is Verdict.INVALID and payment.code:
        sentence = "Nothing was charged. Please enter the card again."
    return Attempt(payment.id, outcome, sentence, payment.code, payment.message)
