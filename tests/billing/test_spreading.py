"""One manual payment over several invoices: oldest first, as shown, the surplus a credit."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import pytest

from billing import charging, spreading
from billing.actor import customer_actor
from billing.database import reading
from billing.errors import Refusal
from billing.in_person import Manual
from billing.spreading import Plan
from jobs.letters import render
from models import History, Invoice, OutgoingEmail, Payment, User
from models.states import Tender
from tests.billing.helpers import VISA, check_all, refusal_of
from tests.support import STAFF, Factory, all_of, emails, fetch

pytestmark = pytest.mark.usefixtures("sandbox", "proven")

CASH = partial(Manual, Tender.CASH)


def plan_for(user: int, amount: int, chosen: list[int] | None = None) -> Plan:
    with reading() as session:
        invoices = spreading.open_invoices(session, user)
        return spreading.plan([i for i in invoices if chosen is None or i.id in chosen], amount)


def record(user: int, amount: int, chosen: list[int] | None = None, **other: Any) -> Any:
    shown = plan_for(user, amount, chosen)
    ids = [share.invoice_id for share in shown.shares]
    payment = other.pop("payment", CASH(amount))
    return spreading.spread(user, payment, invoice_ids=ids, shown=shown, actor=STAFF, **other)


def balances(*invoices: int) -> list[tuple[str, int]]:
    return [(fetch(Invoice, each).state.value, fetch(Invoice, each).balance) for each in invoices]


@pytest.fixture
def three(app: Any, make: Factory) -> tuple[int, list[int]]:
    """A user with three open invoices; the one made last is due first."""
    user = make.user()
    soon, later = dt.date(2030, 1, 1), dt.date(2030, 6, 1)
    return user, [
        make.invoice(user, total=3000, due_on=later),
        make.invoice(user, total=2000, due_on=dt.date(2030, 3, 1)),
        make.invoice(user, total=1000, due_on=soon),
    ]


def test_the_oldest_are_paid_first(three: tuple[int, list[int]]) -> None:
    user, (newest, middle, oldest) = three
    assert record(user, 2500).outcome == "paid"
    assert balances(oldest, middle, newest) == [("paid", 0), ("sent", 500), ("sent", 3000)]
    (payment,) = all_of(Payment)
    assert (payment.amount, payment.allocated, payment.unapplied) == (2500, 2500, 0)


def test_one_receipt_tells_all_of_it(three: tuple[int, list[int]]) -> None:
    user, _invoices = three
    record(user, 6000)
    assert len(emails("receipt")) == 1
    with reading() as session:
        (payment,) = session.query(Payment).all()
        assert sorted(share.amount for share in payment.allocations) == [1000, 2000, 3000]
        letter = render(session.query(OutgoingEmail).filter_by(kind="receipt").one(), session)
    assert letter.subject == "Receipt for 3 invoices: $60.00"
    assert "$60.00" in letter.html
    assert [letter.text.count(f"Invoice #{number}") for number in (1, 2, 3)] == [1, 1, 1]
    assert len(letter.attachments) == 3


def test_a_surplus_is_the_users_credit_and_no_news_to_who_entered_it(
    three: tuple[int, list[int]],
) -> None:
    user, invoices = three
    record(user, 6500)
    assert balances(*invoices) == [("paid", 0)] * 3
    (payment,) = all_of(Payment)
    assert payment.unapplied == 500
    assert emails("staff_notice") == []
    noted = [row.sentence for row in all_of(History) if row.verb == "unapplied"]
    assert noted == [f"$5.00 of payment {payment.id} is not applied to any invoice"]


def test_only_what_was_chosen_is_paid(three: tuple[int, list[int]]) -> None:
    user, (newest, middle, oldest) = three
    record(user, 4000, [newest, oldest])
    assert balances(oldest, middle, newest) == [("paid", 0), ("sent", 2000), ("paid", 0)]


def test_without_due_dates_the_first_issued_is_the_oldest(app: Any, make: Factory) -> None:
    user = make.user()
    first, second = make.invoice(user, total=1000), make.invoice(user, total=1000)
    record(user, 1000)
    assert balances(first, second) == [("paid", 0), ("sent", 1000)]


def test_the_receipt_can_be_left_out(three: tuple[int, list[int]]) -> None:
    record(three[0], 1000, send_receipt=False)
    assert emails("receipt") == []


@pytest.mark.parametrize(
    ("payment", "code"),
    [
        (CASH(0), "amount_zero"),
        (CASH(-1), "amount_zero"),
        (Manual(Tender.CARD, 1000), "no_tender"),
        (Manual(Tender.CHECK, 1000), "no_check_number"),
        (Manual(Tender.CASH, 1000, received=999), "too_little_cash"),
        (Manual(Tender.OTHER, 1000, method="Barter"), "no_method"),
    ],
)
def test_a_payment_that_makes_no_sense_changes_nothing(
    three: tuple[int, list[int]], payment: Manual, code: str
) -> None:
    user, invoices = three
    refused = partial(record, user, payment.amount, payment=payment)
    assert refusal_of(refused).code == code
    assert [fetch(Invoice, each).allocated for each in invoices] == [0, 0, 0]
    assert all_of(Payment) == []


def test_a_plan_that_is_another_now_is_refused(three: tuple[int, list[int]]) -> None:
    user, (newest, middle, oldest) = three
    shown = plan_for(user, 2500)
    record(user, 100, [oldest])
    with pytest.raises(Refusal) as refused:
        spreading.spread(
            user, CASH(2500), invoice_ids=[newest, middle, oldest], shown=shown, actor=STAFF
        )
    assert refused.value.code == "changed"
    assert fetch(Invoice, oldest).balance == 900


def test_nothing_open_and_nothing_chosen(app: Any, make: Factory) -> None:
    user = make.user()
    with reading() as session:
        why_not = spreading.why_not_spread(session, session.get_one(User, user))
    assert why_not is not None
    assert "no open invoice" in why_not.sentence
    nothing = partial(
        spreading.spread, user, CASH(100), invoice_ids=[], shown=Plan(100, ()), actor=STAFF
    )
    assert refusal_of(nothing).code == "nothing_chosen"


def test_another_users_invoice_is_refused(three: tuple[int, list[int]], make: Factory) -> None:
    user, invoices = three
    strange = make.invoice(make.user(), total=1000)
    shown = plan_for(user, 1000, invoices)
    refused = partial(
        spreading.spread, user, CASH(1000), invoice_ids=[strange], shown=shown, actor=STAFF
    )
    assert refusal_of(refused).code == "other_user"
    assert fetch(Invoice, strange).allocated == 0


def test_an_invoice_paid_at_this_moment_is_left_out_and_refused(
    three: tuple[int, list[int]], sandbox: Any
) -> None:
    user, (newest, _middle, oldest) = three
    sandbox.fault("sale", "drop", "after")
    paying = charging.pay_invoice(
        oldest, nonce=VISA, shown_balance=1000, actor=customer_actor(user)
    )
    assert paying.outcome == "unknown"
    assert oldest not in [share.invoice_id for share in plan_for(user, 100).shares]
    shown = Plan(1000, (spreading.Share(oldest, 1000, 1000),))
    refused = partial(
        spreading.spread, user, CASH(1000), invoice_ids=[oldest], shown=shown, actor=STAFF
    )
    assert refusal_of(refused).code == "live"
    record(user, 6000, [newest])
    check_all()
