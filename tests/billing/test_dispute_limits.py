"""Lost disputes never take more than is left: refunds, several disputes, all at once."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import pytest

from billing import reconciliation
from models import History, Invoice, Payment
from tests.billing.disputing import back, money, say, settled, taken, titles
from tests.billing.helpers import (
    only_refusals,
    refusal_of,
    rows_of,
    together,
)
from tests.support import Clock, Factory, fetch

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def test_no_more_is_taken_than_earlier_refunds_left(
    paid_once: tuple[int, Payment], sandbox: Any
) -> None:
    invoice, payment = paid_once
    refund = back(payment, 1500)
    say(payment, 1, "lost", 2000)
    assert money(payment) == ("settled", 0, 2000, 0)
    assert (fetch(Invoice, invoice).balance, taken()) == (2000, [500])
    last = rows_of(History, History.record == "payment", History.record_id == payment.id)[-1]
    assert last.sentence.endswith("of $20.00. No more of the payment was left")
    # The refund comes back, and the bank has kept that as well.
    sandbox.control(f"transactions/{fetch(Payment, refund).gateway_id}/refund-fail")
    reconciliation.check_payment(refund)
    assert money(payment) == ("settled", 0, 2000, 0)
    assert taken() == [500, 1500]
    say(payment, 1, "won", 2000)
    assert money(payment) == ("settled", 0, 0, 2000)


def test_a_part_of_a_partly_refunded_payment(paid_once: tuple[int, Payment]) -> None:
    invoice, payment = paid_once
    back(payment, 700, then="credit")
    say(payment, 1, "lost", 500)
    assert money(payment) == ("settled", 800, 1200, 0)
    open_again = fetch(Invoice, invoice)
    assert (open_again.state, open_again.balance, open_again.credited) == ("sent", 500, 700)


def test_all_paid_back_already_costs_nothing_more(paid_once: tuple[int, Payment]) -> None:
    invoice, payment = paid_once
    back(payment, 2000)
    say(payment, 1, "lost", 500)
    assert (money(payment), taken()) == (("settled", 0, 2000, 0), [])
    assert fetch(Invoice, invoice).balance == 2000
    say(payment, 1, "won", 500)
    assert money(payment) == ("settled", 0, 2000, 0)


@pytest.mark.parametrize("went", [True, False])
def test_a_refund_nobody_answered_is_left_its_money(
    paid_once: tuple[int, Payment], sandbox: Any, time: Clock, went: bool
) -> None:
    invoice, payment = paid_once
    sandbox.fault("refund", "drop", "after" if went else "before")
    refund = back(payment, 500)
    assert fetch(Payment, refund).state == "started"
    say(payment, 1, "lost", 2000)
    assert (money(payment), taken()) == (("settled", 500, 1500, 0), [1500])
    for _ in range(3):
        time.advance(minutes=11)
        reconciliation.check_payment(refund)
    assert fetch(Payment, refund).state in (("submitted", "settled") if went else ("failed",))
    assert money(payment) == ("settled", 0, 2000, 0)
    assert taken() == ([1500] if went else [1500, 500])
    assert fetch(Invoice, invoice).balance == 2000


def test_the_whole_amount_in_two_parts(paid_once: tuple[int, Payment]) -> None:
    invoice, payment = paid_once
    say(payment, 1, "lost", 1200)
    say(payment, 2, "lost", 800)
    assert (money(payment), taken()) == (("settled", 0, 2000, 0), [1200, 800])
    assert fetch(Invoice, invoice).balance == 2000
    say(payment, 3, "lost", 100)
    assert (taken(), titles()) == ([1200, 800], ["A dispute was lost"] * 3)
    assert refusal_of(partial(back, payment, 1)).code == "all_refunded"
    say(payment, 1, "won", 1200)
    # The third was still short of its part, so it takes that from what came back.
    assert (money(payment), taken()) == (("settled", 0, 900, 1100), [800, 100])


STEPS = [
    [(1, "lost", 2000), (2, "lost", 500), (1, "won", 2000)],
    [(1, "lost", 2000), (2, "lost", 500), (2, "won", 500)],
    [(1, "lost", 1500), (2, "lost", 1500), (1, "won", 1500), (3, "open", 100)],
]


@pytest.mark.parametrize("steps", STEPS)
def test_two_disputes_of_one_payment_end_in_the_same_place_in_any_order(
    app: Any, make: Factory, sandbox: Any, steps: list[tuple[int, str, int]]
) -> None:
    places = set()
    for order in itertools.permutations(steps):
        if any(order.index(s) < order.index((s[0], "lost", s[2])) for s in order if s[1] == "won"):
            continue
        invoice, payment, _gateway_id = settled(make, sandbox)
        reconciliation.check_payment(payment)
        for which, state, amount in order:
            say(fetch(Payment, payment), which, state, amount)
        now = fetch(Payment, payment)
        gone = 2000 if now.state == "returned" else now.refunded
        there = 0 if now.state == "returned" else now.unapplied
        # What came back may be credit beside an open invoice, or still be on it: no difference.
        places.add((gone, fetch(Invoice, invoice).balance - there))
    assert len(places) == 1


def test_another_dispute_of_a_returned_payment_brings_nothing_back(
    paid_once: tuple[int, Payment],
) -> None:
    _invoice, payment = paid_once
    say(payment, 1, "lost")
    say(payment, 2, "lost", 500)
    say(payment, 2, "won", 500)
    assert fetch(Payment, payment.id).state == "returned"
    say(payment, 1, "won")
    assert money(payment) == ("settled", 0, 0, 2000)


@pytest.mark.parametrize("amount", [0, -5])
def test_nonsense_takes_nothing(paid_once: tuple[int, Payment], amount: int) -> None:
    invoice, payment = paid_once
    say(payment, 1, "lost", amount)
    assert (fetch(Invoice, invoice).state, taken()) == ("paid", [])


def test_the_same_loss_heard_at_once_is_taken_once(
    paid_once: tuple[int, Payment], app: Any
) -> None:
    invoice, payment = paid_once
    results = together(app, [partial(say, payment, n % 2, "lost", 500) for n in range(6)])
    assert only_refusals(results) == []
    assert (fetch(Invoice, invoice).balance, taken()) == (1000, [500, 500])


def test_a_refund_and_a_loss_at_once_never_take_more_than_there_is(
    paid_once: tuple[int, Payment], app: Any
) -> None:
    invoice, payment = paid_once
    together(app, [partial(back, payment, 1500), partial(say, payment, 1, "lost", 1000)] * 2)
    state, allocated, refunded, unapplied = money(payment)
    assert (state, allocated + refunded + unapplied) == ("settled", 2000)
    assert refunded in (1000, 2000)
    assert fetch(Invoice, invoice).balance == refunded
