"""While money is in flight everybody else hears who started it, and when."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from billing import charging, credit_use, in_person, invoicing, redraft
from billing.actor import Actor
from models.states import ActorKind, Tender
from tests.billing.helpers import CUSTOMER, VISA, debit_pending, pay, refusal_of
from tests.support import STAFF, Clock, Factory

pytestmark = pytest.mark.usefixtures("proven")
OTHER = Actor(ActorKind.STAFF, 2, "Olive Other", "127.0.0.1")
NOON = dt.datetime(2026, 12, 1, 16, 42, 30, tzinfo=dt.UTC)


def hold(invoice: int, amount: int = 2000) -> int:
    attempt = in_person.authorise_card(
        invoice, nonce=VISA, amount=amount, shown_balance=2000, actor=STAFF
    )
    assert attempt.outcome == "held"
    return attempt.payment_id


def test_a_hold_names_the_member_of_staff_and_the_offices_time(
    app: Any, make: Factory, sandbox: Any, time: Clock
) -> None:
    make.settings(timezone="America/Chicago")
    time.set(NOON)
    invoice = make.invoice()
    hold(invoice)
    manual = in_person.Manual(Tender.CASH, 2000)
    sentences = {
        refusal_of(verb).sentence.replace("\u202f", " ")
        for verb in (
            lambda: hold(invoice),
            lambda: in_person.process_manual(invoice, manual, shown_balance=2000, actor=OTHER),
            lambda: invoicing.send_invoice(invoice, actor=OTHER),
            lambda: credit_use.use_credit(invoice, shown_balance=2000, actor=OTHER),
        )
    }
    assert sentences == {"Sam Staff has a card on hold for $20.00 since 10:42 AM."}
    # Whoever holds the invoice's link is told neither who nor how much.
    for verb in (
        lambda: pay(invoice),
        lambda: credit_use.use_credit(invoice, shown_balance=2000, actor=CUSTOMER),
    ):
        refusal = refusal_of(verb)
        assert (refusal.code, refusal.sentence) == (
            "live",
            "A payment is being processed already. Please do not pay again.",
        )


def test_a_hold_of_yesterday_names_the_day(
    app: Any, make: Factory, sandbox: Any, time: Clock
) -> None:
    make.settings(timezone="America/Chicago")
    time.set(NOON)
    invoice = make.invoice()
    hold(invoice)
    time.advance(days=1)
    sandbox.advance(days=1)
    sentence = refusal_of(lambda: hold(invoice)).sentence.replace("\u202f", " ")
    assert sentence.endswith("since 10:42 AM on Dec 1, 2026.")


def test_a_second_member_of_staff_may_process_or_release_it(
    app: Any, make: Factory, sandbox: Any
) -> None:
    invoice = make.invoice()
    in_person.release_hold(hold(invoice), actor=OTHER)
    assert in_person.process_hold(hold(invoice), actor=OTHER).outcome == "paid"


def test_a_customer_in_flight_is_never_named(app: Any, make: Factory, sandbox: Any) -> None:
    user = make.user("Maria Alvarez")
    invoice = make.invoice(user)
    sandbox.fault("sale", "drop", "after")
    customer = Actor(ActorKind.CUSTOMER, user, "Maria Alvarez", "")
    attempt = charging.pay_invoice(invoice, nonce=VISA, shown_balance=2000, actor=customer)
    assert attempt.outcome == "unknown"
    sentence = refusal_of(lambda: hold(invoice)).sentence
    assert "started by the customer at" in sentence
    assert "do not pay again" in sentence
    assert "Maria" not in sentence


def test_a_direct_debit_says_that_it_waits_for_the_bank(
    app: Any, make: Factory, sandbox: Any
) -> None:
    invoice = debit_pending(make)
    sentence = refusal_of(lambda: hold(invoice)).sentence
    assert sentence.startswith("A direct debit of $20.00, started by Sam Staff at")
    assert sentence.endswith("is waiting for the bank.")


def test_setting_back_to_draft_says_whose_hold_to_release(
    app: Any, make: Factory, sandbox: Any
) -> None:
    invoice = make.invoice()
    hold(invoice)
    verb = lambda: redraft.set_back_to_draft(invoice, reason="Mistake", actor=OTHER)  # noqa: E731
    assert "Sam Staff has a card on hold" in refusal_of(verb).sentence
