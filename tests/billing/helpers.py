"""What the tests of the heart share: people, payments, crowds and a look at every row."""

from __future__ import annotations

import threading
import time as stopwatch
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from billing import attempts, charging, methods, outcomes, reconciliation
from billing.actor import Actor
from billing.attempts import Attempt
from billing.database import lock, reading, transaction
from billing.errors import GatewayError, Refusal
from billing.gateway import Answer, Verdict
from models import Base, Invoice, Payment
from models.states import ActorKind, PaymentState, Tender
from sandbox import notifications as announced
from sandbox.server import Server
from tests.support import STAFF, fetch

CUSTOMER = Actor(ActorKind.CUSTOMER, 1, "", "203.0.113.7")
VISA = "fake-valid-nonce"
SEPA = "fake-sepa-direct-debit-nonce"
SOFT_DECLINE = 200_000
HARD_DECLINE = 201_500


def pay(invoice_id: int, nonce: str = VISA, shown: int | None = None) -> Attempt:
    """Pay as the customer's page does; ``shown`` minor units, else the balance as it is."""
    balance = fetch(Invoice, invoice_id).balance if shown is None else shown
    return charging.pay_invoice(invoice_id, nonce=nonce, shown_balance=balance, actor=CUSTOMER)


def charge(invoice_id: int, amount: int | None = None) -> Attempt:
    """Charge the registered method as staff do."""
    balance = fetch(Invoice, invoice_id).balance
    return charging.charge_customer(invoice_id, amount=amount, shown_balance=balance, actor=STAFF)


def keep(user_id: int, nonce: str = VISA) -> int:
    """Register a payment method through the real SDK."""
    mandate = "I agree." if nonce == SEPA else ""
    return methods.register_method(user_id, nonce=nonce, mandate=mandate, actor=STAFF)


def give_credit(make: Any, user_id: int, amount: int) -> int:
    """Have a user pay ``amount`` minor units in cash more than they owe; return the payment."""
    invoice_id = make.invoice(user_id, total=100)
    with transaction() as session:
        shares = [(lock(session, Invoice, invoice_id), 100)]
        payment = attempts.start_several(session, shares, Tender.CASH, STAFF, surplus=amount)
        answer = Answer(Verdict.ACCEPTED, PaymentState.SETTLED)
        outcomes.record(session, payment.id, answer, STAFF)
        return payment.id


def debit_pending(make: Any, total: int = 2000) -> int:
    """Return an invoice whose direct debit is on its way."""
    user = make.user()
    keep(user, SEPA)
    invoice = int(make.invoice(user, total=total))
    assert charge(invoice).outcome == "pending"
    return invoice


def reconcile(rounds: int = 1) -> None:
    """Look up every payment whose time has come, as the sweep does."""
    for _ in range(rounds):
        for payment_id in reconciliation.due_payments():
            with suppress(GatewayError):
                reconciliation.check_payment(payment_id)


def check_all() -> None:
    """Look up every payment there is, due or not."""
    for payment_id in [payment.id for payment in rows_of(Payment)]:
        reconciliation.check_payment(payment_id)


def rows_of(model: type[Any], *conditions: Any) -> list[Any]:
    with reading() as session:
        return list(session.scalars(select(model).where(*conditions).order_by(model.id)))


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, to see that nothing changed."""
    with reading() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


def refusal_of(verb: Callable[[], Any]) -> Refusal:
    """Call ``verb``, which must refuse in a sentence and change nothing; return its refusal."""
    before = everything()
    with pytest.raises(Refusal) as caught:
        verb()
    assert caught.value.sentence.endswith(".")
    assert everything() == before
    return caught.value


def together(app: Flask | Any, verbs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run ``verbs`` at the same moment, each in its own thread and context.

    app -- the application, or something else that makes a context when called

    Returns for each what it returned, or the exception it raised.
    """
    context = app.app_context if isinstance(app, Flask) else app
    start = threading.Barrier(len(verbs))
    results: list[Any] = [None] * len(verbs)

    def run(place: int) -> None:
        with context():
            start.wait()
            try:
                results[place] = verbs[place]()
            except Exception as error:
                results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(verbs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def only_refusals(results: list[Any]) -> list[Refusal]:
    """Return the refusals among results; any other exception fails the test with its own text."""
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, Refusal):
            raise result
    return [result for result in results if isinstance(result, Refusal)]


def signed_news(
    server: Server, subject: str | None, kind: str = "", forge: str = ""
) -> tuple[str, str]:
    """Return signature and payload of the gateway's newest webhook about ``subject``.

    forge -- how to spoil it: "signature", "key", "three-parts" or "crlf"
    """
    with server.desk.reading() as work:
        row = work.db.execute(
            "SELECT payload FROM notifications WHERE subject_id = ? AND ? IN ('', kind) "
            "ORDER BY number DESC",
            (subject, kind),
        ).fetchone()
        form = announced.signed(work, row["payload"], forge)
    return form["bt_signature"], form["bt_payload"]


def wait_for_lock() -> None:
    """Wait until another connection to PostgreSQL stands before a lock: queued, not merely late."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    until = stopwatch.monotonic() + 30
    while stopwatch.monotonic() < until:
        with reading() as session:
            if session.scalar(waiting):
                return
    raise AssertionError("nobody came to wait")
