"""What is left to a person: charges somebody called off, and what the gateway would not try."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from billing import nightly, redraft, runtime
from billing.braintree_gateway import BraintreeGateway
from billing.database import lock, transaction
from billing.gateway import Account
from billing.nightly_plan import Plan
from billing.redraft import set_back_to_draft
from billing.retries import due_retries
from models import History, Invoice, PaymentMethod, User
from models.states import BillingMethod
from tests.billing.helpers import (
    SEPA,
    charge,
    check_all,
    debit_pending,
    keep,
    refusal_of,
    rows_of,
)
from tests.billing.nights import (
    MARCH_4,
    automatic_user,
    draft,
    failed_on_1_march,
    let_the_card_work,
    look,
    plan,
    states,
    tonight,
)
from tests.support import STAFF, Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")

WHY = "The gateway would not charge this payment method: a person decides"


@pytest.fixture
def failed(make: Factory, time: Any) -> int:
    return failed_on_1_march(make, time)


@pytest.fixture
def no_gateway(app: Any) -> Iterator[None]:
    """The gateway can't be reached."""
    real = runtime.current()
    nowhere = Account("local", "m", "public", "private", url="http://127.0.0.1:9")
    runtime.bind(dataclasses.replace(real, gateway=BraintreeGateway(nowhere)))
    yield
    runtime.bind(real)


def forget_the_method(invoice: int) -> None:
    """Have the gateway know nothing of the registered method any more."""
    user = fetch(Invoice, invoice).user_id
    for method in rows_of(PaymentMethod, PaymentMethod.user_id == user):
        with transaction() as session:
            lock(session, PaymentMethod, method.id).token = "the-gateway-forgot-it"


# What the gateway would not try.


def test_a_retry_the_gateway_would_not_make_is_the_last(
    make: Factory, failed: int, time: Any
) -> None:
    make.settings(email="office@example.org")
    forget_the_method(failed)
    time.advance(days=3)
    for _ in range(6):
        nightly.run_retries()
        time.advance(days=1)
    assert len(payments_of(failed)) == 2
    assert plan(failed) == (None, 1)
    assert states(failed) == ["failed"]
    [row] = rows_of(History, History.verb == "hand_back")
    assert row.sentence.endswith("not carried out. Will not be charged again by itself")
    assert row.reason
    assert len(emails("staff_notice")) == 1


def test_a_draft_the_gateway_would_not_charge_waits_for_another_method(
    make: Factory, sandbox: Any, time: Any
) -> None:
    make.settings(email="office@example.org")
    user = automatic_user(make, method=False)
    make.payment_method(user, "the-gateway-forgot-it")
    invoice = draft(make, user)
    other = draft(make, user, 2100)
    assert look().to_charge.count == 2
    assert tonight().sentence == "2 failed"
    for _ in range(3):
        time.advance(days=1)
        assert tonight().sentence == "2 skipped"
    assert refusal_of(lambda: nightly.charge_or_send(invoice)).code == "method_refused"
    assert len(payments_of(invoice)) == len(payments_of(other)) == 1
    assert len(emails("staff_notice")) == 2
    assert [(row.plan, row.reason) for row in look().skips] == [(Plan.SKIP, WHY)] * 2
    keep(user)
    assert look().to_charge.count == 2
    assert tonight().sentence == "2 charged"


def test_a_draft_that_never_got_to_the_gateway_is_tried_again(
    make: Factory, no_gateway: None
) -> None:
    invoice = draft(make, automatic_user(make, method=False))
    make.payment_method(fetch(Invoice, invoice).user_id, "some-token")
    for _ in range(2):
        assert look().to_charge.count == 1
        assert tonight().sentence == "1 unanswered"
    assert len(payments_of(invoice)) == 2


# A charge by hand and the plan.


def test_a_charge_by_hand_that_reaches_nobody_leaves_the_plan(
    failed: int, no_gateway: None
) -> None:
    assert charge(failed).outcome == "failed"
    assert plan(failed) == (MARCH_4, 1)


def test_a_charge_by_hand_that_nobody_answers_leaves_the_plan(
    failed: int, sandbox: Any, time: Any
) -> None:
    sandbox.fault("sale", "drop", "before")
    assert charge(failed).outcome == "unknown"
    for minutes in (11, 5):
        time.advance(minutes=minutes)
        check_all()
    assert states(failed) == ["failed"]
    assert plan(failed) == (MARCH_4, 1)


def test_a_part_charged_by_hand_takes_the_place_of_the_plan(failed: int, sandbox: Any) -> None:
    let_the_card_work(sandbox)
    assert charge(failed, 5000).outcome == "paid"
    assert states(failed) == ["sent"]
    assert fetch(Invoice, failed).retry_on is None


# What was called off.


def die(*_: Any) -> None:
    raise KeyboardInterrupt


def dies_before_the_end(invoice: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set back to draft with a process that is gone once the gateway has voided the debit."""
    monkeypatch.setattr(redraft, "_finish", die)
    with pytest.raises(KeyboardInterrupt):
        set_back_to_draft(invoice, reason="x", switch_billing_method=True, actor=STAFF)
    monkeypatch.undo()


def test_a_draft_whose_charge_was_called_off_is_not_charged_the_next_night(
    make: Factory, sandbox: Any, time: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.control("settings", {"bank_debits_voidable": True})
    user = automatic_user(make, method=False)
    keep(user, SEPA)
    invoice = draft(make, user)
    tonight()
    assert states(invoice) == ["pending"]
    dies_before_the_end(invoice, monkeypatch)
    assert states(invoice) == ["draft"]
    assert fetch(User, user).billing_method is BillingMethod.GATEWAY
    time.advance(days=1)
    assert look().groups == ()
    assert tonight().sentence == "nothing to do"
    assert refusal_of(lambda: nightly.charge_or_send(invoice)).code == "set_back"
    assert len(payments_of(invoice)) == 1


def test_a_retry_that_was_called_off_is_not_made_again(
    make: Factory, failed: int, sandbox: Any, time: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_the_card_work(sandbox)
    sandbox.control("settings", {"bank_debits_voidable": True})
    keep(fetch(Invoice, failed).user_id, SEPA)
    with transaction() as session:
        lock(session, Invoice, failed).retry_on = MARCH_4
    time.advance(days=3)
    nightly.run_retries()
    assert states(failed) == ["pending"]
    dies_before_the_end(failed, monkeypatch)
    assert states(failed) == ["failed"]
    time.advance(days=1)
    assert due_retries() == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("confirmed", [False, True])
def test_a_void_nobody_answers_is_not_said_to_be_too_late(
    make: Factory, sandbox: Any, time: Any, when: str, confirmed: bool
) -> None:
    sandbox.control("settings", {"bank_debits_voidable": True})
    invoice = debit_pending(make)
    sandbox.fault("void", "drop", when)

    def set_back() -> None:
        set_back_to_draft(
            invoice, reason="x", confirmed=confirmed, switch_billing_method=True, actor=STAFF
        )

    refusal = refusal_of(set_back)
    assert refusal.code == "unknown_outcome"
    assert "We are checking" in refusal.sentence
    time.advance(minutes=6)
    check_all()
    if when == "after":
        assert states(invoice) == ["sent"]
    set_back()
    assert states(invoice) == ["draft"]
    assert [payment.state for payment in payments_of(invoice)] == ["voided"]
    assert not payments_of(invoice)[0].detached
