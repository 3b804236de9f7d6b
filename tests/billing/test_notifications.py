"""The gateway's webhooks: kept raw, acted on once, in any order; hostile ones change nothing."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from billing import notifications, runtime
from billing.errors import GatewayError
from billing.gateway import ForgedNotification
from models import GatewayNotification, Invoice, Payment
from sandbox import notifications as announced
from sandbox import transactions
from sandbox.server import Server
from tests.billing.helpers import (
    debit_pending,
    everything,
    only_refusals,
    pay,
    rows_of,
    signed_news,
    together,
)
from tests.support import Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox")


def settled(make: Factory, sandbox: Any, then_returned: bool = False) -> tuple[int, Payment]:
    """Let a pending debit settle at the gateway; nobody has told us yet."""
    invoice = debit_pending(make)
    [payment] = payments_of(invoice)
    sandbox.advance(days=4)
    sandbox.transactions()
    if then_returned:
        sandbox.control(f"transactions/{payment.gateway_id}/return")
    return invoice, payment


def announce(server: Server, gateway_id: str, kind: str) -> None:
    """Have the gateway send news of ``kind``, whatever the transaction's status is."""
    with server.desk.writing() as work:
        row = transactions.load(work, gateway_id)
        assert row is not None
        announced.add_transaction(work, kind, row)


def check_news(sandbox: Any, server: Server) -> tuple[str, str]:
    sandbox.control("webhooks/check")
    return signed_news(server, "check")


def test_the_same_news_fifty_times_at_once_has_one_effect(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    invoice, payment = settled(make, sandbox)
    news = signed_news(sandbox_server, payment.gateway_id)

    def deliver() -> None:
        for _ in range(5):
            notifications.process(notifications.receive(*news))

    only_refusals(together(app, [deliver] * 10))
    assert fetch(Invoice, invoice).state == "paid"
    assert len(emails("receipt")) == 1
    [row] = rows_of(GatewayNotification)
    assert (row.deliveries, row.outcome) == (50, "Looked up and recorded")


def test_news_in_any_order_ends_in_the_same_place(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    ends = set()
    for order in itertools.permutations(["transaction_settled", "transaction_settlement_declined"]):
        invoice, payment = settled(make, sandbox, then_returned=True)
        for kind in order:
            news = signed_news(sandbox_server, payment.gateway_id, kind)
            notifications.process(notifications.receive(*news))
        ends.add((fetch(Invoice, invoice).state, fetch(Payment, payment.id).allocated))
    assert {state for state, _ in ends} == {"failed"}
    assert {allocated for _, allocated in ends} == {0}


def test_a_return_the_gateways_status_does_not_show_still_counts(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    invoice, payment = settled(make, sandbox)
    notifications.process(notifications.receive(*signed_news(sandbox_server, payment.gateway_id)))
    assert fetch(Invoice, invoice).state == "paid"
    announce(sandbox_server, payment.gateway_id or "", "transaction_settlement_declined")
    news = signed_news(sandbox_server, payment.gateway_id, "transaction_settlement_declined")
    notifications.process(notifications.receive(*news))
    assert fetch(Payment, payment.id).state == "returned"
    assert fetch(Invoice, invoice).state == "failed"


def test_news_about_a_payment_whose_answer_was_lost_finds_it_by_reference(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    sandbox.fault("sale", "drop", "after")
    invoice = make.invoice()
    payment = pay(invoice).payment_id
    [transaction] = sandbox.transactions()
    sandbox.control(f"transactions/{transaction['id']}/settle")
    announce(sandbox_server, transaction["id"], "transaction_settled")
    notifications.process(notifications.receive(*signed_news(sandbox_server, transaction["id"])))
    assert fetch(Invoice, invoice).state == "paid"
    assert rows_of(GatewayNotification)[0].payment_id == payment


def test_news_waits_while_the_gateway_does_not_answer(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    invoice, payment = settled(make, sandbox)
    news = notifications.receive(*signed_news(sandbox_server, payment.gateway_id))
    sandbox.fault("find", "status", status=500)
    with pytest.raises(GatewayError):
        notifications.process(news)
    assert notifications.waiting_notifications() == [news]
    notifications.process(news)
    assert notifications.waiting_notifications() == []
    assert fetch(Invoice, invoice).state == "paid"


def test_news_about_nothing_of_ours_is_shown_to_staff(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(email="office@example.org")
    gateway: Any = runtime.current().gateway
    stranger = gateway._own().transaction.sale(
        {"amount": "5.00", "payment_method_nonce": "fake-valid-nonce"}
    )
    announce(sandbox_server, stranger.transaction.id, "transaction_settled")
    notifications.process(
        notifications.receive(*signed_news(sandbox_server, stranger.transaction.id))
    )
    [notice] = emails("staff_notice")
    assert stranger.transaction.id in notice.params["sentence"]


def test_a_check_is_noted(app: Any, sandbox: Any, sandbox_server: Server) -> None:
    notifications.process(notifications.receive(*check_news(sandbox, sandbox_server)))
    [row] = rows_of(GatewayNotification)
    assert (row.kind, row.outcome, row.gateway_id) == ("check", "Noted", "")


@pytest.mark.parametrize("forge", ["signature", "key", "three-parts"])
def test_forged_news_changes_nothing(
    app: Any, sandbox: Any, sandbox_server: Server, forge: str
) -> None:
    check_news(sandbox, sandbox_server)
    before = everything()
    with pytest.raises(ForgedNotification):
        notifications.receive(*signed_news(sandbox_server, "check", forge=forge))
    assert everything() == before


def test_hostile_news_is_called_forged_whatever_the_sdk_raises(
    app: Any, sandbox: Any, sandbox_server: Server
) -> None:
    signature, payload = check_news(sandbox, sandbox_server)
    hostile = [
        ("", payload),
        (signature, ""),
        ("no bar", payload),
        ("a|b|c", payload),
        (f"{signature}&{signature}", "x"),
        (signature, "naïve"),
        (signature, "\ud800"),
        (signature, "%%%"),
        (signature, "x" * 200_000),
        ("\x00|\x00", payload),
    ]
    for case in hostile:
        with pytest.raises(ForgedNotification):
            notifications.receive(*case)
    assert rows_of(GatewayNotification) == []


def test_a_challenge_is_answered_and_a_hostile_one_refused(app: Any) -> None:
    gateway = runtime.current().gateway
    assert "|" in gateway.answer_challenge("20f9f8ed05f77439fe955c977e4c8a53")
    for challenge in ("", "not hex", "é" * 40):
        with pytest.raises(ForgedNotification):
            gateway.answer_challenge(challenge)
