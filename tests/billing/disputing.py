"""What the tests of disputes share: a disputed payment, the gateway's word, what came of it."""

from __future__ import annotations

from typing import Any

from billing import disputes, notifications
from billing.actor import SYSTEM
from billing.gateway import DisputeNews
from models import Dispute, Invoice, Payment
from models.states import DisputeState, PaymentKind
from sandbox import chargebacks, transactions
from sandbox import disputes as theirs
from sandbox.server import Server
from tests.billing.helpers import pay, rows_of, signed_news
from tests.paying_back import pay_back
from tests.support import STAFF, Factory, emails, fetch


def settled(make: Factory, sandbox: Any) -> tuple[int, int, str]:
    """Return a paid invoice, its settled payment, and the gateway's name for that."""
    invoice = make.invoice()
    payment = pay(invoice).payment_id
    gateway_id = fetch(Payment, payment).gateway_id
    sandbox.advance(days=2)
    return invoice, payment, gateway_id


def disputed(make: Factory, sandbox: Any, end: str = "") -> tuple[int, int, str]:
    """Return a paid invoice, its settled payment and the id of the dispute, which ended so."""
    invoice, payment, gateway_id = settled(make, sandbox)
    for action in ("dispute-open", f"dispute-{end}") if end else ("dispute-open",):
        sandbox.control(f"transactions/{gateway_id}/{action}")
    newest = sandbox.control("webhooks", method="GET")[0]
    assert newest["kind"] == f"dispute_{end or 'opened'}"
    return invoice, payment, newest["subject_id"]


def becomes(server: Server, dispute: str, status: str) -> None:
    """Have the gateway's dispute become ``status`` and news of that sent."""
    with server.desk.writing() as work:
        row = theirs.load(work, dispute)
        assert row is not None
        of = transactions.load(work, row.transaction_id)
        assert of is not None
        chargebacks.change(work, row, of, status)


def hear(server: Server, dispute: str, kind: str) -> None:
    notifications.process(notifications.receive(*signed_news(server, dispute, kind)))


def say(payment: Payment, which: int, state: str, amount: int | None = None) -> bool:
    """Record what the bank says about one of a payment's disputes; ``amount`` in minor units."""
    news = DisputeNews(f"{payment.id}-{which}", DisputeState(state), amount)
    return disputes.record(payment.id, news, actor=SYSTEM)


def money(payment: Payment) -> tuple[str, int, int, int]:
    """Return a payment's state and what of it is applied, paid back or lost, and unapplied."""
    now = fetch(Payment, payment.id)
    return now.state, now.allocated, now.refunded, now.unapplied


def taken(state: str = "settled") -> list[int]:
    """Return the parts that lost disputes took; ``state`` "returned": those that came back."""
    lost = (Payment.kind == PaymentKind.REFUND, Payment.returns_to == "dispute")
    return [row.amount for row in rows_of(Payment, *lost) if row.state == state]


def back(payment: Payment, amount: int, then: str = "reopen") -> int:
    """Pay ``amount`` minor units back and return the refund's id."""
    attempt = pay_back(payment.id, amount=amount, then=then, reason="Kind", actor=STAFF)
    return attempt.payment_id


def ends() -> tuple[Any, ...]:
    """Return where everything is, without who told it when."""
    [dispute] = rows_of(Dispute)
    return (
        dispute.state,
        [(row.state, row.balance, row.paid_at is None) for row in rows_of(Invoice)],
        [(row.state, row.allocated, row.unapplied) for row in rows_of(Payment)],
    )


def titles() -> list[str]:
    return [email.params["title"] for email in emails("staff_notice")]
