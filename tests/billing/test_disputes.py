"""A lost dispute reopens what the payment had paid, once; one that is won changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from billing import notifications
from models import Invoice, Payment
from sandbox.server import Server
from tests.billing.helpers import check_all, pay, signed_news
from tests.support import Factory, emails, fetch

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def disputed(make: Factory, sandbox: Any, end: str) -> tuple[int, int, str]:
    """Return a paid invoice, its settled payment and the id of the dispute, which ended so."""
    invoice = make.invoice()
    payment = pay(invoice).payment_id
    gateway_id = fetch(Payment, payment).gateway_id
    sandbox.advance(days=2)
    for action in ("dispute-open", f"dispute-{end}"):
        sandbox.control(f"transactions/{gateway_id}/{action}")
    newest = sandbox.control("webhooks", method="GET")[0]
    assert newest["kind"] == f"dispute_{end}"
    return invoice, payment, newest["subject_id"]


def test_a_lost_dispute_reopens_the_invoice_once(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(email="office@example.org")
    invoice, payment, dispute = disputed(make, sandbox, "lost")
    for _ in range(2):
        news = notifications.receive(*signed_news(sandbox_server, dispute, "dispute_lost"))
        notifications.process(news)
    reopened = fetch(Invoice, invoice)
    assert (reopened.state, reopened.balance, reopened.paid_at) == ("sent", 2000, None)
    assert fetch(Payment, payment).state == "returned"
    assert [email.occasion for email in emails("staff_notice")] == [f"notice:taken-back:{payment}"]


def test_looking_again_never_closes_it_again(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    invoice, _payment, dispute = disputed(make, sandbox, "lost")
    notifications.process(
        notifications.receive(*signed_news(sandbox_server, dispute, "dispute_lost"))
    )
    check_all()
    assert fetch(Invoice, invoice).state == "sent"
    assert pay(invoice).outcome == "paid"


def test_a_won_dispute_leaves_everything_as_it_is(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    invoice, payment, dispute = disputed(make, sandbox, "won")
    for kind in ("dispute_opened", "dispute_won"):
        notifications.process(notifications.receive(*signed_news(sandbox_server, dispute, kind)))
    assert fetch(Invoice, invoice).state == "paid"
    assert fetch(Payment, payment).state == "settled"
