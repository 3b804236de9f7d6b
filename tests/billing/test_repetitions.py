"""The same request twice, or twice the same wish: one charge, one receipt."""

from __future__ import annotations

from typing import Any

import pytest

from billing import reconciliation, runtime
from billing.errors import OutcomeUnknown
from billing.gateway import Answer, Order
from models import Invoice, Payment
from tests.billing.helpers import VISA, pay, reconcile, refusal_of
from tests.support import Factory, emails, fetch

pytestmark = pytest.mark.usefixtures("sandbox")
proven = pytest.mark.usefixtures("proven")


def send(payment_id: int, amount: int = 2000) -> Answer:
    """Ask the gateway for a payment's sale, as its own request did or would have."""
    reference = fetch(Payment, payment_id).reference
    return runtime.current().gateway.sale(Order(reference, amount, "USD", nonce=VISA))


@proven
def test_a_request_that_arrives_twice_is_looked_up_and_counted_once(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    invoice = make.invoice()
    sandbox.fault("sale", "drop", "after")
    payment = pay(invoice).payment_id
    with pytest.raises(OutcomeUnknown, match="carried out before"):
        send(payment)
    reference = fetch(Payment, payment).reference
    rejected, accepted = sandbox.transactions(reference)
    assert rejected["status"] == "gateway_rejected"
    found = runtime.current().gateway.find_by_reference(reference)
    assert found is not None
    assert found.gateway_id == accepted["id"]
    time.advance(minutes=2)
    reconcile()
    assert (fetch(Payment, payment).state, fetch(Payment, payment).gateway_id) == (
        "submitted",
        accepted["id"],
    )
    assert fetch(Invoice, invoice).state == "paid"
    assert len(emails("receipt")) == 1


@proven
@pytest.mark.parametrize("seconds", [31, 3600, 86_400])
def test_paying_again_long_after_the_answer_got_lost_charges_once(
    app: Any, make: Factory, sandbox: Any, time: Any, seconds: int
) -> None:
    invoice = make.invoice()
    sandbox.fault("sale", "drop", "after")
    assert pay(invoice).outcome == "unknown"
    # The gateway's own check for repetitions sees half a minute back.
    sandbox.advance(seconds=seconds)
    time.advance(seconds=seconds)
    assert refusal_of(lambda: pay(invoice)).code == "live"
    time.advance(minutes=2)
    reconcile()
    assert refusal_of(lambda: pay(invoice, shown=2000)).code == "already_paid"
    assert len(sandbox.transactions()) == len(emails("receipt")) == 1


def test_another_amount_than_was_asked_for_is_not_recorded_but_told(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    make.settings(email="office@example.org")
    invoice = make.invoice()
    sandbox.fault("sale", "drop", "before")
    payment = pay(invoice).payment_id
    gateway_id = send(payment, 1500).gateway_id
    for _ in range(2):
        assert not reconciliation.check_payment(payment)
    waiting = fetch(Payment, payment)
    assert (waiting.state, waiting.gateway_id, waiting.checks) == ("started", None, 2)
    assert waiting.check_at is not None
    assert fetch(Invoice, invoice).state == "pending"
    [notice] = emails("staff_notice")
    assert notice.params["sentence"] == (
        f"$20.00 was asked for with payment {payment}, but the gateway says $15.00. "
        f"Nothing was recorded: look at {gateway_id} in its control panel."
    )
    # Somebody looked and voided it.
    runtime.current().gateway.void(gateway_id or "", "by-hand")
    assert reconciliation.check_payment(payment)
    assert fetch(Invoice, invoice).state == "sent"
    assert fetch(Payment, payment).state == "voided"
