"""Disputes: opened, won, lost; a lost one reopens what the payment had paid."""

from __future__ import annotations

from typing import Any

import pytest

from billing import disputes, in_person
from billing.actor import SYSTEM
from billing.gateway import DisputeNews
from models import Dispute, History, Invoice, Payment, StaffNotice
from models.states import DisputeState, Tender
from sandbox.server import Server
from tests.billing.disputing import becomes, disputed, hear, settled, titles
from tests.billing.helpers import check_all, pay, rows_of
from tests.paying_back import put_on
from tests.support import STAFF, Factory, emails, fetch

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def test_an_opened_dispute_is_recorded_with_its_dates_and_staff_are_told(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    make.staff(["notices.receive"])
    invoice, payment, number = disputed(make, sandbox)
    hear(sandbox_server, number, "dispute_opened")
    [dispute] = rows_of(Dispute)
    assert (dispute.gateway_id, dispute.state, dispute.amount) == (number, "open", 2000)
    assert (dispute.payment_id, dispute.reason, dispute.closed_at) == (payment, "fraud", None)
    assert (dispute.reply_by - dispute.opened_at.date()).days == 14
    assert fetch(Invoice, invoice).state == "paid"
    for record, number_of in (("invoice", invoice), ("payment", payment), ("dispute", dispute.id)):
        about = (History.record == record, History.record_id == number_of)
        [row] = rows_of(History, *about, History.sentence.contains("disputed"))
        assert "$20.00" in row.sentence
        assert "answer by" in row.sentence
    [notice] = rows_of(StaffNotice)
    assert (notice.kind, notice.payment_id) == ("dispute", payment)
    assert f"{dispute.reply_by:%Y}" in notice.sentence
    assert titles() == ["A payment is disputed"]


def test_a_lost_dispute_reopens_the_invoice_once(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(email="office@example.org")
    invoice, payment, dispute = disputed(make, sandbox, "lost")
    for _ in range(2):
        hear(sandbox_server, dispute, "dispute_lost")
    reopened = fetch(Invoice, invoice)
    assert (reopened.state, reopened.balance, reopened.paid_at) == ("sent", 2000, None)
    assert fetch(Payment, payment).state == "returned"
    assert [email.occasion for email in emails("staff_notice")] == [f"notice:taken-back:{payment}"]
    assert rows_of(Dispute)[0].closed_at is not None


def test_looking_again_never_closes_it_again(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    invoice, _payment, dispute = disputed(make, sandbox, "lost")
    hear(sandbox_server, dispute, "dispute_lost")
    check_all()
    assert fetch(Invoice, invoice).state == "sent"
    assert pay(invoice).outcome == "paid"


def test_a_won_dispute_leaves_the_money_where_it_is(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(email="office@example.org")
    invoice, payment, dispute = disputed(make, sandbox)
    hear(sandbox_server, dispute, "dispute_opened")
    sandbox.control(f"transactions/{fetch(Payment, payment).gateway_id}/dispute-won")
    hear(sandbox_server, dispute, "dispute_won")
    assert fetch(Invoice, invoice).state == "paid"
    assert fetch(Payment, payment).state == "settled"
    assert rows_of(Dispute)[0].state == "won"
    assert titles() == ["A payment is disputed", "A dispute was won"]


@pytest.mark.parametrize(
    ("status", "kind", "state"),
    [
        ("disputed", "dispute_disputed", "open"),
        ("under_review", "dispute_under_review", "open"),
        ("accepted", "dispute_accepted", "lost"),
        ("auto_accepted", "dispute_auto_accepted", "lost"),
        ("expired", "dispute_expired", "lost"),
        ("won", "dispute_won", "won"),
        ("lost", "dispute_lost", "lost"),
        ("something_new", "dispute_something_new", "open"),
    ],
)
@pytest.mark.parametrize("opened", [True, False])
def test_each_word_of_the_gateway(
    app: Any,
    make: Factory,
    sandbox: Any,
    sandbox_server: Server,
    status: str,
    kind: str,
    state: str,
    opened: bool,
) -> None:
    invoice, _payment, dispute = disputed(make, sandbox)
    if opened:
        hear(sandbox_server, dispute, "dispute_opened")
    becomes(sandbox_server, dispute, status)
    hear(sandbox_server, dispute, kind)
    assert rows_of(Dispute)[0].state == state
    assert fetch(Invoice, invoice).state == ("sent" if state == "lost" else "paid")


@pytest.mark.parametrize("end", ["lost", "accepted", "expired", "won"])
def test_a_request_for_papers_takes_no_money(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server, end: str
) -> None:
    make.settings(email="office@example.org")
    invoice, payment, gateway_id = settled(make, sandbox)
    sandbox.control(f"transactions/{gateway_id}/dispute-open", {"kind": "retrieval"})
    number = sandbox.control("webhooks", method="GET")[0]["subject_id"]
    hear(sandbox_server, number, "dispute_opened")
    becomes(sandbox_server, number, end)
    for _ in range(2):
        hear(sandbox_server, number, f"dispute_{end}")
    assert rows_of(Dispute)[0].state == "won"
    assert (fetch(Payment, payment).state, fetch(Invoice, invoice).state) == ("settled", "paid")
    said = rows_of(History, History.sentence == "The bank asked for papers; no money was taken")
    assert sorted(row.record for row in said) == ["dispute", "invoice", "payment"]
    assert titles() == ["A payment is disputed", "A dispute has ended"]


def test_a_second_challenge_that_is_lost_costs_the_money(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    invoice, _payment, gateway_id = settled(make, sandbox)
    sandbox.control(f"transactions/{gateway_id}/dispute-open", {"kind": "pre_arbitration"})
    sandbox.control(f"transactions/{gateway_id}/dispute-lost")
    number = sandbox.control("webhooks", method="GET")[0]["subject_id"]
    hear(sandbox_server, number, "dispute_lost")
    assert fetch(Invoice, invoice).state == "sent"


def test_lost_and_won_after_all_brings_the_money_back_as_credit(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(email="office@example.org")
    invoice, payment, dispute = disputed(make, sandbox, "lost")
    hear(sandbox_server, dispute, "dispute_lost")
    becomes(sandbox_server, dispute, "won")
    for _ in range(2):
        hear(sandbox_server, dispute, "dispute_won")
    back = fetch(Payment, payment)
    assert (back.state, back.allocated, back.unapplied) == ("settled", 0, 2000)
    assert fetch(Invoice, invoice).state == "sent"
    assert titles()[-1] == "A lost dispute was won after all"
    put_on(payment, invoice, amount=2000, actor=STAFF)
    assert fetch(Invoice, invoice).state == "paid"
    sandbox.advance(days=1)
    becomes(sandbox_server, dispute, "lost")
    hear(sandbox_server, dispute, "dispute_lost")
    assert fetch(Invoice, invoice).state == "sent"
    assert fetch(Payment, payment).state == "returned"


def test_a_part_that_was_paid_otherwise_stays_paid(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    invoice = make.invoice(total=3000)
    cash = in_person.Manual(Tender.CASH, 1000)
    in_person.process_manual(invoice, cash, shown_balance=3000, actor=STAFF)
    payment = pay(invoice).payment_id
    gateway_id = fetch(Payment, payment).gateway_id
    sandbox.advance(days=2)
    sandbox.control(f"transactions/{gateway_id}/dispute-open")
    sandbox.control(f"transactions/{gateway_id}/dispute-lost")
    dispute = sandbox.control("webhooks", method="GET")[0]["subject_id"]
    hear(sandbox_server, dispute, "dispute_lost")
    reopened = fetch(Invoice, invoice)
    assert (reopened.state, reopened.allocated, reopened.balance) == ("sent", 1000, 2000)


def test_lost_after_it_was_paid_back_already_moves_no_money(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(email="office@example.org")
    invoice, payment, dispute = disputed(make, sandbox, "lost")
    hear(sandbox_server, dispute, "dispute_lost")
    before = fetch(Invoice, invoice).balance
    other = DisputeNews("another", DisputeState.LOST, 2000)
    assert disputes.record(payment, other, actor=SYSTEM)
    assert fetch(Invoice, invoice).balance == before
    assert fetch(Payment, payment).state == "returned"
    assert titles()[-1] == "A dispute was lost"
