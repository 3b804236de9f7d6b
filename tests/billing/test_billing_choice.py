"""Billing method and trigger: one writer, one row of history; ``invoice`` stops every charge."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from threading import Thread
from typing import Any

import pytest

from billing import outcomes
from billing.billing_choice import (
    automatic_triggers,
    change_method,
    set_billing_method,
    set_billing_trigger,
    trigger_of,
)
from billing.database import lock, transaction
from billing.errors import NotFound
from billing.gateway import Answer, Verdict
from billing.redraft import set_back_to_draft
from config import Config
from models import History, Invoice, Settings, User
from models.states import BillingMethod, BillingTrigger, PaymentState
from tests.billing import night_process
from tests.billing.helpers import (
    SEPA,
    SOFT_DECLINE,
    charge,
    check_all,
    debit_pending,
    keep,
    pay,
    refusal_of,
    rows_of,
    wait_for_lock,
)
from tests.support import STAFF, Factory, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")

A, D, M = BillingTrigger.AUTOMATIC, BillingTrigger.DEFAULT, BillingTrigger.MANUAL


def use(user: int, method: BillingMethod) -> bool:
    return set_billing_method(user, method, actor=STAFF)


def failed_softly(make: Factory) -> tuple[int, int]:
    """Return a user and their invoice that will be charged again."""
    user = make.user()
    keep(user)
    invoice = make.invoice(user, total=SOFT_DECLINE)
    assert charge(invoice).outcome == "declined"
    return user, invoice


@pytest.mark.parametrize(("office", "own"), list(product([A, M], [A, D, M])))
def test_a_trigger_is_the_users_own_else_the_offices(
    office: BillingTrigger, own: BillingTrigger
) -> None:
    settings = Settings(billing_trigger=office)
    resolved = trigger_of(User(billing_trigger=own), settings)
    assert resolved is (office if own is D else own)
    assert (own in automatic_triggers(settings)) == (resolved is A)


def test_a_change_is_one_row_of_history_from_what_to_what(app: Any, make: Factory) -> None:
    user = make.user()
    assert use(user, BillingMethod.INVOICE)
    assert set_billing_trigger(user, A, actor=STAFF)
    method, trigger = rows_of(History, History.record == "user")
    assert (method.verb, method.actor_name) == ("billing_method", STAFF.name)
    assert method.details == {"changes": {"billing_method": ["gateway", "invoice"]}}
    assert method.sentence == "Billing method set to invoice"
    assert trigger.details == {"changes": {"billing_trigger": ["default", "automatic"]}}
    changed = fetch(User, user)
    assert (changed.billing_method, changed.billing_trigger) == (BillingMethod.INVOICE, A)


def test_no_change_writes_nothing(app: Any, make: Factory) -> None:
    user = make.user()
    assert not use(user, BillingMethod.GATEWAY)
    assert not set_billing_trigger(user, D, actor=STAFF)
    assert rows_of(History, History.record == "user") == []


@pytest.mark.parametrize("value", ["", "cash", "GATEWAY", "invoice "])
def test_what_is_no_choice_is_refused(app: Any, make: Factory, value: Any) -> None:
    user = make.user()
    assert refusal_of(lambda: use(user, value)).field == "billing_method"
    refusal = refusal_of(lambda: set_billing_trigger(user, value, actor=STAFF))
    assert refusal.code == "no_such_choice"


def test_nobody_has_no_billing_method(app: Any) -> None:
    with pytest.raises(NotFound):
        use(4711, BillingMethod.INVOICE)


def test_invoice_stops_charges_and_leaves_the_customers_own_card_alone(
    app: Any, make: Factory, sandbox: Any
) -> None:
    user = make.user()
    keep(user)
    invoice = make.invoice(user)
    use(user, BillingMethod.INVOICE)
    assert refusal_of(lambda: charge(invoice)).code == "billing_method_invoice"
    assert sandbox.transactions() == []
    assert pay(invoice).outcome == "paid"


def test_gateway_allows_charges_again(app: Any, make: Factory) -> None:
    user = make.user(billing_method=BillingMethod.INVOICE)
    keep(user)
    use(user, BillingMethod.GATEWAY)
    assert charge(make.invoice(user)).outcome == "paid"


def test_invoice_takes_planned_charges_away_and_says_so(app: Any, make: Factory) -> None:
    user, invoice = failed_softly(make)
    _other_user, other = failed_softly(make)
    use(user, BillingMethod.INVOICE)
    stopped = fetch(Invoice, invoice)
    assert (stopped.retry_on, stopped.retries, stopped.state) == (None, 0, "failed")
    assert fetch(Invoice, other).retry_on is not None
    [row] = rows_of(History, History.verb == "stop_retry")
    assert (row.record, row.record_id) == ("invoice", invoice)
    assert row.reason == "The user's billing method was set to invoice."
    [choice] = rows_of(History, History.verb == "billing_method")
    assert choice.sentence == "Billing method set to invoice; 1 planned charge stopped"


def test_a_debit_declined_after_the_switch_plans_nothing(
    app: Any, make: Factory, sandbox: Any
) -> None:
    invoice = debit_pending(make)
    use(fetch(Invoice, invoice).user_id, BillingMethod.INVOICE)
    _decline_softly(invoice)
    declined = fetch(Invoice, invoice)
    assert (declined.state, declined.retry_on) == ("failed", None)


def _decline_softly(invoice: int) -> None:
    [payment] = payments_of(invoice)
    with transaction() as session:
        outcomes.record(session, payment.id, _soft(), STAFF)


def _soft() -> Answer:
    declined = PaymentState.DECLINED
    return Answer(Verdict.DECLINED, declined, code="2001", message="Insufficient Funds", soft=True)


def test_a_charge_that_waits_in_another_process_is_stopped(
    app: Any, config: Config, dialect: str, make: Factory, sandbox: Any
) -> None:
    user = make.user()
    keep(user)
    invoice = make.invoice(user)
    process = night_process.begin(config, invoice=invoice)
    with transaction() as session:
        change_method(session, lock(session, User, user), BillingMethod.INVOICE, STAFF)
        session.flush()
        night_process.go(process)
        if dialect == "postgresql":
            wait_for_lock()
    assert night_process.finish(process) == "refused billing_method_invoice"
    assert sandbox.transactions() == payments_of(invoice) == []
    assert fetch(Invoice, invoice).state == "sent"


def test_a_decline_recorded_at_the_same_moment_plans_nothing_that_stays(
    app: Any, dialect: str, make: Factory
) -> None:
    invoice = debit_pending(make)
    user = fetch(Invoice, invoice).user_id
    [payment] = payments_of(invoice)
    switch = _in_a_thread(app, lambda: use(user, BillingMethod.INVOICE))
    with transaction() as session:
        outcomes.record(session, payment.id, _soft(), STAFF)
        session.flush()
        switch.start()
        if dialect == "postgresql":
            wait_for_lock()
    switch.join()
    assert fetch(User, user).billing_method is BillingMethod.INVOICE
    assert fetch(Invoice, invoice).retry_on is None


def _in_a_thread(app: Any, verb: Callable[[], Any]) -> Thread:
    def run() -> None:
        with app.app_context():
            verb()

    return Thread(target=run)


def test_setting_back_to_draft_switches_it_the_same_way(
    app: Any, make: Factory, sandbox: Any
) -> None:
    sandbox.control("settings", {"bank_debits_voidable": True})
    user = make.user()
    keep(user)
    failed = make.invoice(user, total=SOFT_DECLINE)
    charge(failed)
    keep(user, SEPA)
    sandbox.control("settings", {"amounts": "plain"})
    again = make.invoice(user, total=2000)
    charge(again)
    with transaction() as session:
        lock(session, Invoice, failed).retry_on = fetch(Invoice, failed).issued_on
    set_back_to_draft(again, reason="x", switch_billing_method=True, actor=STAFF)
    [row] = rows_of(History, History.verb == "billing_method")
    assert row.details == {"changes": {"billing_method": ["gateway", "invoice"]}}
    assert fetch(Invoice, failed).retry_on is None
    check_all()
