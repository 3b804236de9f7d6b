"""Disputes: opened, won, lost, in any order, once; a lost one reopens what the payment had paid."""

from __future__ import annotations

import datetime as dt
import itertools
from functools import partial
from typing import Any

import pytest

from billing import disputes, in_person, notifications, reconciliation, refunds
from billing.actor import SYSTEM
from billing.errors import GatewayError
from billing.gateway import DisputeNews, ForgedNotification
from models import Dispute, GatewayNotification, History, Invoice, Payment, StaffNotice
from models.states import DisputeState, Tender
from sandbox import disputes as theirs
from sandbox import notifications as announced
from sandbox import transactions
from sandbox.server import Server
from tests.billing.helpers import (
    check_all,
    everything,
    only_refusals,
    pay,
    rows_of,
    signed_news,
    together,
)
from tests.support import STAFF, Factory, emails, fetch

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


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


def becomes(server: Server, dispute: str, status: str, kind: str) -> None:
    """Have the gateway's dispute become ``status`` and news of ``kind`` sent."""
    with server.desk.writing() as work:
        work.db.execute("UPDATE disputes SET status = ? WHERE id = ?", (status, dispute))
        row = theirs.load(work, dispute)
        assert row is not None
        of = transactions.load(work, row.transaction_id)
        assert of is not None
        announced.add_dispute(work, kind, row, of)


def hear(server: Server, dispute: str, kind: str) -> None:
    notifications.process(notifications.receive(*signed_news(server, dispute, kind)))


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
    becomes(sandbox_server, dispute, status, kind)
    hear(sandbox_server, dispute, kind)
    assert rows_of(Dispute)[0].state == state
    assert fetch(Invoice, invoice).state == ("sent" if state == "lost" else "paid")


@pytest.mark.parametrize("end", ["won", "lost"])
def test_news_in_any_order_and_repeated_ends_in_the_same_place(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server, end: str
) -> None:
    _invoice, payment, dispute = disputed(make, sandbox)
    becomes(sandbox_server, dispute, "under_review", "dispute_under_review")
    becomes(sandbox_server, dispute, end, f"dispute_{end}")
    kinds = ["dispute_opened", "dispute_under_review", f"dispute_{end}"]
    news = [signed_news(sandbox_server, dispute, kind) for kind in kinds]
    first = None
    for order in itertools.permutations([*news, news[2]]):
        for each in order:
            notifications.process(notifications.receive(*each))
        first = first or ends()
        assert ends() == first
    assert rows_of(Dispute)[0].state == end
    assert fetch(Payment, payment).state == ("returned" if end == "lost" else "settled")
    moves = rows_of(History, History.record == "dispute", History.to_state == end)
    assert len(moves) == 1


STEPS = {
    "open": DisputeNews("d1", DisputeState.OPEN, 2000, "fraud", dt.date(2026, 12, 1)),
    "won": DisputeNews("d1", DisputeState.WON, 2000),
    "lost": DisputeNews("d1", DisputeState.LOST, 2000),
}


@pytest.mark.parametrize("end", ["won", "lost"])
def test_what_was_read_late_never_undoes_the_end(
    app: Any, make: Factory, sandbox: Any, end: str
) -> None:
    """Two workers may each have asked the gateway before the other wrote down what it said."""
    places = set()
    for order in sorted(set(itertools.permutations(["open", end, "open", end]))):
        _invoice, payment, _gateway_id = settled(make, sandbox)
        reconciliation.check_payment(payment)
        name = f"d{payment}"
        for step in order:
            said = DisputeNews(name, STEPS[step].state, 2000)
            disputes.record(payment, said, actor=SYSTEM)
        [dispute] = rows_of(Dispute, Dispute.gateway_id == name)
        places.add((dispute.state, fetch(Payment, payment).state))
    assert places == {(DisputeState(end), "settled" if end == "won" else "returned")}


def test_the_same_news_at_once_has_one_effect(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(email="office@example.org")
    _invoice, _payment, dispute = disputed(make, sandbox, "lost")
    ids = [
        notifications.receive(*signed_news(sandbox_server, dispute, kind))
        for kind in ("dispute_opened", "dispute_lost")
    ]
    results = together(app, [partial(notifications.process, n) for n in ids * 3])
    assert only_refusals(results) == []
    assert len(rows_of(Dispute)) == 1
    assert len(emails("staff_notice")) == 1


def test_lost_and_won_after_all_brings_the_money_back_as_credit(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    make.settings(email="office@example.org")
    invoice, payment, dispute = disputed(make, sandbox, "lost")
    hear(sandbox_server, dispute, "dispute_lost")
    becomes(sandbox_server, dispute, "won", "dispute_won")
    for _ in range(2):
        hear(sandbox_server, dispute, "dispute_won")
    back = fetch(Payment, payment)
    assert (back.state, back.allocated, back.unapplied) == ("settled", 0, 2000)
    assert fetch(Invoice, invoice).state == "sent"
    assert titles()[-1] == "A lost dispute was won after all"
    refunds.apply_payment(payment, invoice, amount=2000, actor=STAFF)
    assert fetch(Invoice, invoice).state == "paid"
    sandbox.advance(days=1)
    becomes(sandbox_server, dispute, "lost", "dispute_lost")
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


def test_more_time_is_written_down_while_it_is_open(app: Any, make: Factory, sandbox: Any) -> None:
    _invoice, payment, _gateway_id = settled(make, sandbox)
    disputes.record(payment, STEPS["open"], actor=SYSTEM)
    later = DisputeNews("d1", DisputeState.OPEN, 1500, "fraud", dt.date(2026, 12, 24))
    assert disputes.record(payment, later, actor=SYSTEM) is False
    [dispute] = rows_of(Dispute)
    assert (dispute.reply_by, dispute.amount) == (dt.date(2026, 12, 24), 1500)


def test_news_with_hardly_anything_in_it_is_kept_all_the_same(
    app: Any, make: Factory, sandbox: Any
) -> None:
    _invoice, payment, _gateway_id = settled(make, sandbox)
    bare = DisputeNews("bare", DisputeState.OPEN, reason="x" * 300)
    assert disputes.record(payment, bare, actor=SYSTEM)
    [dispute] = rows_of(Dispute)
    assert (dispute.amount, dispute.reply_by, len(dispute.reason)) == (2000, None, 80)


def test_news_waits_while_the_gateway_does_not_answer(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    _invoice, _payment, dispute = disputed(make, sandbox)
    news = notifications.receive(*signed_news(sandbox_server, dispute, "dispute_opened"))
    sandbox.fault("find", "status", status=500)
    with pytest.raises(GatewayError):
        notifications.process(news)
    assert rows_of(Dispute) == []
    assert notifications.waiting_notifications() == [news]
    notifications.process(news)
    assert len(rows_of(Dispute)) == 1


@pytest.mark.parametrize("forge", ["signature", "key", "three-parts"])
def test_forged_news_changes_nothing(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server, forge: str
) -> None:
    _invoice, _payment, dispute = disputed(make, sandbox, "lost")
    before = everything()
    with pytest.raises(ForgedNotification):
        notifications.receive(*signed_news(sandbox_server, dispute, "dispute_lost", forge))
    assert everything() == before


def test_a_dispute_of_an_unknown_payment_is_kept_as_news(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    from billing import runtime

    gateway: Any = runtime.current().gateway
    body = {
        "amount": "5.00",
        "payment_method_nonce": "fake-valid-nonce",
        "options": {"submit_for_settlement": True},
    }
    stranger = gateway._own().transaction.sale(body).transaction.id
    sandbox.advance(days=2)
    sandbox.control(f"transactions/{stranger}/dispute-open")
    dispute = sandbox.control("webhooks", method="GET")[0]["subject_id"]
    hear(sandbox_server, dispute, "dispute_opened")
    [row] = rows_of(GatewayNotification)
    assert (row.matched, row.gateway_id) == (False, stranger)
    assert rows_of(Dispute) == []
