"""Late news about a charge that had come to nothing: an older answer, or money after all."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from billing import announcements, clock
from billing.actor import Actor
from billing.office import in_words
from billing.transitions import move
from models import Payment
from models.states import COLLECTED_PAYMENT_STATES, PaymentKind, PaymentState

GONE = (PaymentState.DECLINED, PaymentState.VOIDED, PaymentState.FAILED)


def was_overtaken(payment: Payment, asked_at: dt.datetime | None) -> bool:
    """Whether a charge came to nothing by an answer recorded after the gateway was asked this.

    asked_at -- when it was asked (UTC); None: the answer is of this moment

    Which of the two is the newer word can't be told: of a capture and a void at the same moment,
    the void may be recorded first. The gateway is to be asked anew; no money is believed in until
    then.
    """
    if asked_at is None or payment.answered_at is None or payment.kind is PaymentKind.REFUND:
        return False
    return payment.state in GONE and asked_at < payment.answered_at


def surface(session: Session, payment: Payment, state: PaymentState, actor: Actor) -> None:
    """Late news of money we had given up on: keep it as the user's credit and tell staff."""
    payment.detached = True
    amount = in_words(session, payment.amount)
    if state in COLLECTED_PAYMENT_STATES:
        payment.collected_at = clock.now()
        payment.settled_at = clock.now() if state is PaymentState.SETTLED else None
    sentence = f"{amount} arrived although the attempt had been given up"
    move(session, payment, "surface", state, actor, sentence)
    if state in COLLECTED_PAYMENT_STATES:
        announcements.unapplied(session, payment, actor, given_up=True)
