"""What an application owes after a dispute about a payment of its balance."""

from __future__ import annotations

from typing import Any

import pytest

from models import Payment
from tests.applications.helpers import apply, log_of, owed, pay_online, state_of
from tests.billing.disputing import say
from tests.support import Factory, fetch

pytestmark = pytest.mark.usefixtures("proven")


def test_a_part_that_is_lost_is_outstanding_again(app: Any, make: Factory, sandbox: Any) -> None:
    application = apply(make)
    payment = fetch(Payment, pay_online(application).payment_id)
    before = state_of(application)
    say(payment, 1, "lost", 400)
    assert (state_of(application), owed(application)) == (before, 400)
    assert log_of(application)[0].sentence == "$4.00 is outstanding again"
    # What comes back is credit: it pays nothing by itself.
    say(payment, 1, "won", 400)
    assert owed(application) == 400
