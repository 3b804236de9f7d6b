"""A dispute over a part of a payment: losing it costs that part, and no invoice more than that."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from billing import charging, disputes, in_person
from billing.actor import SYSTEM
from billing.gateway import DisputeNews
from models import Dispute, History, Invoice, Payment, StaffNotice
from models.states import DisputeState, PaymentKind, PaymentState, Tender
from sandbox.server import Server
from tests.billing.disputing import becomes, hear, money, say, settled, taken, titles
from tests.billing.helpers import (
    SEPA,
    check_all,
    keep,
    pay,
    rows_of,
)
from tests.paying_back import put_on
from tests.support import STAFF, Factory, fetch

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def test_only_the_disputed_part_is_taken_back(
    app: Any, make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    make.staff(["notices.receive"])
    invoice, payment, gateway_id = settled(make, sandbox)
    sandbox.control(f"transactions/{gateway_id}/dispute-open", {"amount": "5.00"})
    sandbox.control(f"transactions/{gateway_id}/dispute-lost")
    number = sandbox.control("webhooks", method="GET")[0]["subject_id"]
    for _ in range(2):
        hear(sandbox_server, number, "dispute_lost")
    reopened = fetch(Invoice, invoice)
    assert (reopened.state, reopened.allocated, reopened.balance) == ("sent", 1500, 500)
    assert reopened.paid_at is None
    assert money(fetch(Payment, payment)) == ("settled", 1500, 500, 0)
    [part] = rows_of(Payment, Payment.kind == PaymentKind.REFUND)
    assert (part.refund_of_id, part.amount, part.state) == (payment, 500, "settled")
    assert (part.gateway_id, part.check_at, part.note) == (None, None, f"Lost dispute {number}")
    [dispute] = rows_of(Dispute)
    assert (dispute.state, dispute.amount) == ("lost", 500)
    for record, number_of, words in (
        ("invoice", invoice, "$5.00 was taken back after a lost dispute"),
        ("payment", payment, "$5.00 of $20.00 was taken back after a lost dispute of $5.00"),
        ("payment", part.id, f"$5.00 of payment {payment} lost in a dispute"),
        ("dispute", dispute.id, "The dispute of $5.00 was lost"),
    ):
        about = (History.record == record, History.record_id == number_of)
        assert rows_of(History, *about)[-1].sentence == words
    [notice] = rows_of(StaffNotice)
    assert (notice.kind, notice.payment_id, notice.invoice_id) == ("dispute", payment, invoice)
    assert "$5.00 of $20.00" in notice.sentence
    assert "What it had paid is open again" in notice.sentence
    check_all()
    assert pay(invoice).outcome == "paid"


def test_what_no_invoice_uses_goes_first(paid_once: tuple[int, Payment], make: Factory) -> None:
    _invoice, payment = paid_once
    say(payment, 1, "lost")
    say(payment, 1, "won")
    other = make.invoice(payment.user_id, total=1500)
    put_on(payment.id, other, amount=1500, actor=STAFF)
    say(payment, 2, "lost", 400)
    assert fetch(Invoice, other).state == "paid"
    assert money(payment) == ("settled", 1500, 400, 100)
    say(payment, 3, "lost", 300)
    assert (fetch(Invoice, other).state, fetch(Invoice, other).balance) == ("sent", 200)
    assert money(payment) == ("settled", 1300, 700, 0)


def test_what_was_applied_last_goes_before_the_oldest_debt(
    paid_once: tuple[int, Payment], make: Factory
) -> None:
    _invoice, payment = paid_once
    say(payment, 1, "lost")
    say(payment, 1, "won")
    later, first = (make.invoice(payment.user_id, total=1000) for _ in range(2))
    for invoice in (first, later):
        put_on(payment.id, invoice, amount=1000, actor=STAFF)
    say(payment, 2, "lost", 1200)
    assert [fetch(Invoice, each).balance for each in (first, later)] == [200, 1000]
    assert titles()[-1] == "A dispute was lost"


def test_a_part_that_is_won_after_all_is_the_users_credit(paid_once: tuple[int, Payment]) -> None:
    invoice, payment = paid_once
    say(payment, 1, "lost", 500)
    for _ in range(2):
        say(payment, 1, "won", 500)
    assert money(payment) == ("settled", 1500, 0, 500)
    assert fetch(Invoice, invoice).balance == 500
    assert (taken(), taken("returned")) == ([], [500])
    assert titles()[-1] == "A lost dispute was won after all"
    words = rows_of(History, History.record == "payment", History.record_id == payment.id)
    assert words[-1].sentence == "$5.00 came back: the lost dispute was won after all"
    put_on(payment.id, invoice, amount=500, actor=STAFF)
    assert fetch(Invoice, invoice).state == "paid"
    say(payment, 1, "lost", 500)
    assert fetch(Invoice, invoice).balance == 500
    assert (taken(), money(payment)) == ([500], ("settled", 1500, 500, 0))


def test_the_amount_may_change_until_it_is_decided(paid_once: tuple[int, Payment]) -> None:
    invoice, payment = paid_once
    name = f"{payment.id}-1"
    for amount in (2000, 800, 800):
        by = dt.date(2026, 12, 6)
        news = DisputeNews(name, DisputeState.OPEN, amount, reply_by=by)
        disputes.record(payment.id, news, actor=SYSTEM)
    [changed] = rows_of(History, History.verb == "correct")
    assert changed.sentence == "The bank changed it: $8.00 is disputed; answer by Dec 6, 2026"
    say(payment, 1, "lost", 300)
    assert (fetch(Invoice, invoice).balance, taken()) == (300, [300])
    say(payment, 1, "lost", 900)
    assert (rows_of(Dispute)[0].amount, taken()) == (300, [300])


def test_an_invoice_with_a_debit_under_way_stays_pending(
    app: Any, make: Factory, sandbox: Any
) -> None:
    user = make.user()
    invoice = make.invoice(user, total=3000)
    keep(user, SEPA)
    cash = in_person.Manual(Tender.CASH, 2000)
    in_person.process_manual(invoice, cash, shown_balance=3000, actor=STAFF)
    [payment] = rows_of(Payment)
    charging.charge_customer(invoice, amount=1000, shown_balance=1000, actor=STAFF)
    say(payment, 1, "lost", 500)
    now = fetch(Invoice, invoice)
    assert (now.state, now.allocated, now.balance) == ("pending", 1500, 1500)
    sandbox.advance(days=5)
    check_all()
    now = fetch(Invoice, invoice)
    assert (now.state, now.balance) == ("sent", 500)


def test_a_payment_that_has_not_settled_here_yet_can_lose(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    payment = fetch(Payment, pay(invoice).payment_id)
    assert payment.state is PaymentState.SUBMITTED
    say(payment, 1, "lost", 2000)
    assert money(payment) == ("submitted", 0, 2000, 0)
    assert fetch(Invoice, invoice).balance == 2000


def test_the_gateways_own_word_brings_a_part_back(
    paid_once: tuple[int, Payment], sandbox: Any, sandbox_server: Server
) -> None:
    _invoice, payment = paid_once
    sandbox.control(f"transactions/{payment.gateway_id}/dispute-open", {"amount": "0.01"})
    sandbox.control(f"transactions/{payment.gateway_id}/dispute-lost")
    number = sandbox.control("webhooks", method="GET")[0]["subject_id"]
    hear(sandbox_server, number, "dispute_lost")
    assert money(payment) == ("settled", 1999, 1, 0)
    becomes(sandbox_server, number, "won")
    hear(sandbox_server, number, "dispute_won")
    assert money(payment) == ("settled", 1999, 0, 1)
