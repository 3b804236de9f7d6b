"""Which money pays what: parts, several invoices, surplus, and what the database itself refuses."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from billing import in_person, invoicing, ledger
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.items import Line
from billing.redraft import set_back_to_draft
from billing.transitions import move
from models import Allocation, Credit, Invoice, Item, Payment
from models.states import InvoiceState, Tender
from tests.billing.helpers import charge, debit_pending, keep, pay, refusal_of, rows_of
from tests.paying_back import pay_back, put_on
from tests.support import STAFF, Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")
WRONG = [
    "UPDATE invoices SET allocated = total + 1",
    "UPDATE invoices SET allocated = -1",
    "UPDATE invoices SET credited = total + 1",
    "UPDATE invoices SET total = -1",
    "UPDATE invoices SET state = 'paid'",
    "UPDATE invoices SET number = NULL",
    "UPDATE invoices SET issued_on = NULL",
    "UPDATE invoices SET state = 'settled'",
    "UPDATE payments SET allocated = amount + 1",
    "UPDATE payments SET refunded = -1",
    "UPDATE payments SET amount = 0",
    "UPDATE payments SET kind = 'refund'",
    "UPDATE allocations SET amount = 0",
    "UPDATE allocations SET amount = -1",
    "UPDATE items SET gross = gross + 1",
    "UPDATE items SET tax_rate = 101",
    "INSERT INTO settings (id) VALUES (2)",
]


def cash(invoice: int, amount: int, **more: Any) -> int:
    """Take cash for an invoice; return the payment."""
    balance = fetch(Invoice, invoice).balance
    manual = in_person.Manual(Tender.CASH, amount)
    return in_person.process_manual(
        invoice, manual, shown_balance=balance, actor=STAFF, **more
    ).payment_id


def unapplied_payment(user: int, make: Factory, amount: int = 3000) -> int:
    """Return a payment of ``amount`` that no invoice uses: its invoice was corrected to less."""
    keep(user)
    invoice = make.invoice(user, total=amount)
    charge(invoice)
    [payment] = payments_of(invoice)
    with transaction() as session:
        row = lock(session, Invoice, invoice)
        paid = lock(session, Payment, payment.id)
        move(session, row, "reopen", InvoiceState.SENT, STAFF, "Opened again")
        [share] = ledger.applied_of(session, paid)
        ledger.take_back(share, paid, row)
    return int(payment.id)


def test_parts_leave_the_invoice_open_until_the_last(app: Any, make: Factory) -> None:
    invoice = make.invoice(total=2000)
    states = []
    for amount in (500, 700, 800):
        cash(invoice, amount)
        row = fetch(Invoice, invoice)
        states.append((row.state.value, row.balance))
    assert states == [("sent", 1500), ("sent", 800), ("paid", 0)]
    assert len(emails("receipt")) == 3


def test_a_part_of_a_registered_card_leaves_the_rest(app: Any, make: Factory) -> None:
    user = make.user()
    keep(user)
    invoice = make.invoice(user, total=2000)
    assert charge(invoice, amount=700).outcome == "paid"
    assert fetch(Invoice, invoice).balance == 1300


@pytest.mark.parametrize("amount", [0, -1, 2001])
def test_nothing_and_more_than_the_balance_are_refused(
    app: Any, make: Factory, amount: int
) -> None:
    user = make.user()
    keep(user)
    invoice = make.invoice(user, total=2000)
    assert refusal_of(lambda: cash(invoice, amount)).field == "amount"
    assert refusal_of(lambda: charge(invoice, amount)).field == "amount"


def test_one_payment_pays_several_invoices(app: Any, make: Factory) -> None:
    user = make.user()
    payment = unapplied_payment(user, make, 3000)
    first, second = make.invoice(user, total=1000), make.invoice(user, total=4000)
    put_on(payment, first, amount=1000, actor=STAFF)
    put_on(payment, second, amount=2000, actor=STAFF)
    assert fetch(Invoice, first).state == "paid"
    assert fetch(Invoice, second).balance == 2000
    assert fetch(Payment, payment).unapplied == 0


def test_unapplied_money_is_refused_where_it_does_not_belong(app: Any, make: Factory) -> None:
    user = make.user()
    payment = unapplied_payment(user, make, 3000)
    mine, other = make.invoice(user, total=5000), make.invoice(total=5000)
    small = make.invoice(user, total=100)

    def apply(invoice: int, amount: int) -> str:
        return refusal_of(lambda: put_on(payment, invoice, amount=amount, actor=STAFF)).code

    assert apply(other, 100) == "other_user"
    assert apply(mine, 3001) == "more_than_left"
    assert apply(small, 101) == "more_than_balance"
    assert apply(mine, 0) == apply(mine, -5) == "amount_zero"
    assert apply(make.invoice(user, state="draft"), 100) == "not_open"


def test_money_that_is_not_here_yet_is_not_applied(app: Any, make: Factory) -> None:
    user = make.user()
    keep(user, "fake-sepa-direct-debit-nonce")
    first, second = make.invoice(user), make.invoice(user)
    payment = charge(first).payment_id
    refusal = refusal_of(lambda: put_on(payment, second, amount=1, actor=STAFF))
    assert refusal.code == "not_collected"


def test_money_that_may_be_on_its_way_back_is_not_applied(
    app: Any, make: Factory, sandbox: Any
) -> None:
    user = make.user()
    payment = unapplied_payment(user, make, 3000)
    invoice = make.invoice(user)
    sandbox.fault("*", "drop", "before", times=None)
    back = pay_back(payment, amount=3000, then="reopen", reason="x", actor=STAFF)
    assert back.outcome == "unknown"
    refusal = refusal_of(lambda: put_on(payment, invoice, amount=2000, actor=STAFF))
    assert refusal.code == "live"
    assert "under way" in refusal.sentence
    assert fetch(Invoice, invoice).balance == 2000


def test_the_database_refuses_what_no_verb_may_write(app: Any, make: Factory) -> None:
    cash(make.invoice(total=2000), 500)
    for statement in WRONG:
        with pytest.raises(IntegrityError), transaction() as session:
            session.execute(text(statement))


def test_the_database_lets_one_live_attempt_claim_an_invoice(app: Any, make: Factory) -> None:
    invoice = debit_pending(make)
    [payment] = payments_of(invoice)
    with pytest.raises(IntegrityError), transaction() as session:
        ledger.claim(session, payment, fetch(Invoice, invoice), 1)


def test_a_claim_on_less_than_it_was_made_for_leaves_the_rest_unapplied(
    app: Any, make: Factory
) -> None:
    with transaction() as session:
        invoice = Invoice(total=1000, allocated=700, credited=0)
        payment = Payment(amount=1000, allocated=0, refunded=0)
        share = Allocation(amount=1000)
        assert ledger.apply_claim(share, payment, invoice) == 300
        assert (payment.unapplied, invoice.balance_now) == (700, 0)
        session.rollback()


def test_a_total_never_falls_below_what_was_paid(app: Any, make: Factory) -> None:
    invoice = make.invoice(total=2000)
    cash(invoice, 500)
    set_back_to_draft(invoice, reason="Wrong", actor=STAFF)

    def edit(amount: int) -> None:
        lines = [Line("Less", amount)]
        invoicing.edit_draft(invoice, description="x", due_on=None, lines=lines, actor=STAFF)

    assert refusal_of(lambda: edit(499)).code == "below_allocated"
    edit(600)
    assert fetch(Invoice, invoice).balance == 100


def test_editing_a_draft_replaces_its_items(app: Any, make: Factory) -> None:
    invoice = make.invoice(total=2000, state="draft")
    lines = [Line("One", 100), Line("Two", 200)]
    invoicing.edit_draft(invoice, description="x", due_on=None, lines=lines, actor=STAFF)
    assert [item.description for item in rows_of(Item)] == ["One", "Two"]
    assert fetch(Invoice, invoice).total == 300


def test_a_deleted_draft_never_held_money(app: Any, make: Factory) -> None:
    invoice = make.invoice(total=2000)
    cash(invoice, 500)
    set_back_to_draft(invoice, reason="Wrong", actor=STAFF)
    refusal = refusal_of(lambda: invoicing.delete_invoice(invoice, actor=STAFF))
    assert refusal.code == "has_money"


def test_every_tender_leaves_the_same_traces(app: Any, make: Factory) -> None:
    make.settings(manual_methods=["Money order"])
    card = make.invoice()
    pay(card)
    ways = [
        in_person.Manual(Tender.CHECK, 2000, check_number="118", payer="First Bank"),
        in_person.Manual(Tender.CASH, 2000, received=5000),
        in_person.Manual(Tender.OTHER, 2000, method="Money order"),
    ]
    for manual in ways:
        invoice = make.invoice()
        in_person.process_manual(invoice, manual, shown_balance=2000, actor=STAFF)
        assert fetch(Invoice, invoice).state == "paid"
    assert len(emails("receipt")) == 4
    check = rows_of(Payment, Payment.tender == Tender.CHECK)[0]
    assert (check.check_number, check.payer) == ("118", "First Bank")


@pytest.mark.parametrize(
    ("manual", "code"),
    [
        (in_person.Manual(Tender.CARD, 2000), "no_tender"),
        (in_person.Manual(Tender.CHECK, 2000), "no_check_number"),
        (in_person.Manual(Tender.CASH, 2000, received=1999), "too_little_cash"),
        (in_person.Manual(Tender.OTHER, 2000, method="Shells"), "no_method"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_manual_payment_that_makes_no_sense_is_refused(
    app: Any, make: Factory, manual: in_person.Manual, code: str
) -> None:
    invoice = make.invoice()
    refusal = refusal_of(
        lambda: in_person.process_manual(invoice, manual, shown_balance=2000, actor=STAFF)
    )
    assert refusal.code == code


def test_a_balance_that_changed_while_staff_looked_is_refused(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    manual = in_person.Manual(Tender.CASH, 2000)
    refusal = refusal_of(
        lambda: in_person.process_manual(invoice, manual, shown_balance=1999, actor=STAFF)
    )
    assert refusal.code == "amount_changed"


def test_staff_can_leave_the_receipt_out(app: Any, make: Factory) -> None:
    cash(make.invoice(), 2000, send_receipt=False)
    assert emails("receipt") == []


def test_a_credit_is_never_more_than_the_balance(app: Any, make: Factory) -> None:
    invoice = make.invoice(total=2000)
    with pytest.raises(Refusal), transaction() as session:
        ledger.give_credit(session, lock(session, Invoice, invoice), 2001, "Too much")
    with transaction() as session:
        ledger.give_credit(session, lock(session, Invoice, invoice), 300, "Goodwill")
    assert fetch(Invoice, invoice).balance == 1700
    assert [credit.reason for credit in rows_of(Credit)] == ["Goodwill"]
