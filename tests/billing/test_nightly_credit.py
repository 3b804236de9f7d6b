"""The nightly run and drafts that the user's credit has paid already."""

from __future__ import annotations

from typing import Any

import pytest

from billing.billing_choice import set_billing_method
from billing.credit_use import use_credit
from billing.nightly_plan import Plan, Why
from models.states import BillingMethod
from tests.billing.helpers import give_credit
from tests.billing.nights import automatic_user, draft, look, states, tonight
from tests.support import STAFF, Factory

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


@pytest.mark.parametrize("method", list(BillingMethod))
def test_a_draft_that_credit_covers_is_closed_as_paid(
    make: Factory, sandbox: Any, method: BillingMethod
) -> None:
    user = automatic_user(make)
    give_credit(make, user, 2000)
    invoice = draft(make, user)
    assert use_credit(invoice, shown_balance=2000, actor=STAFF) == 2000
    set_billing_method(user, method, actor=STAFF)
    plan = look()
    assert (plan.to_charge.count, plan.to_send.count) == (0, 1)
    [row] = plan.sends
    assert (row.plan, row.why) == (Plan.SEND, Why.NO_BALANCE)
    assert tonight().sentence == "1 sent"
    assert states(invoice) == ["paid"]
    assert sandbox.transactions() == []
