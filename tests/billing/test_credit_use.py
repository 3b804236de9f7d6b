"""A user's credit: how much there is, and putting it on an invoice, open or still a draft."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from billing import (
    charging,
    clock,
    credit_use,
    in_person,
    invoicing,
    overdue,
    redraft,
)
from billing.database import reading
from billing.items import Line
from models import Application, History, Invoice, Payment
from tests.billing.conftest import POSTGRESQL
from tests.billing.helpers import (
    CUSTOMER,
    charge,
    debit_pending,
    everything,
    give_credit,
    keep,
    only_refusals,
    pay,
    reconcile,
    refusal_of,
    rows_of,
    together,
)
from tests.paying_back import pay_back, put_on
from tests.support import STAFF, Factory, emails, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def credit_of(user: int) -> int:
    with reading() as session:
        return credit_use.available_credit(session, user)


def use(invoice: int, shown: int | None = None, actor: Any = CUSTOMER) -> int:
    balance = fetch(Invoice, invoice).balance if shown is None else shown
    return credit_use.use_credit(invoice, shown_balance=balance, actor=actor)


def history(record: str, record_id: int, verb: str) -> list[History]:
    conditions = (
        History.record == record,
        History.record_id == record_id,
        History.verb == verb,
    )
    return rows_of(History, *conditions)


def test_the_oldest_money_goes_first_and_only_what_is_needed(
    app: Any, make: Factory, time: Any
) -> None:
    user = make.user()
    payments = []
    for _ in range(3):
        payments.append(give_credit(make, user, 1000))
        time.advance(hours=1)
    assert credit_of(user) == 3000
    invoice = make.invoice(user, total=1700)
    assert use(invoice) == 1700
    closed = fetch(Invoice, invoice)
    assert (closed.state, closed.balance) == ("paid", 0)
    assert closed.paid_at is not None
    assert [fetch(Payment, payment).unapplied for payment in payments] == [0, 300, 1000]
    assert credit_of(user) == 1300


def test_history_says_it_once_on_the_invoice_and_on_each_payment(app: Any, make: Factory) -> None:
    user = make.user()
    first, second = give_credit(make, user, 1000), give_credit(make, user, 500)
    invoice = make.invoice(user, total=2000)
    before = len(rows_of(History))
    assert use(invoice) == 1500
    assert len(rows_of(History)) == before + 3
    number = fetch(Invoice, invoice).number
    [row] = history("invoice", invoice, "use_credit")
    assert row.sentence == "$15.00 of the user's credit used; $5.00 left to pay"
    assert row.details == {"payments": {str(first): 1000, str(second): 500}}
    assert row.actor_kind == "customer"
    [row] = history("payment", first, "apply")
    assert row.sentence == f"$10.00 put on invoice #{number}"


def test_a_part_leaves_the_invoice_where_it_is(app: Any, make: Factory, sandbox: Any) -> None:
    user = make.user()
    keep(user)
    failed = make.invoice(user, total=200_000)
    charge(failed)
    give_credit(make, user, 1000)
    assert use(failed) == 1000
    left = fetch(Invoice, failed)
    assert (left.state, left.balance, left.paid_at) == ("failed", 199_000, None)
    assert refusal_of(lambda: use(failed)).code == "no_credit"


def test_closing_clears_overdue_and_writes_no_second_receipt(
    app: Any, make: Factory, time: Any
) -> None:
    make.settings(overdue_age=0)
    user = make.user()
    give_credit(make, user, 2000)
    invoice = make.invoice(user, total=2000, due_on=clock.now().date())
    time.advance(days=2)
    overdue.mark_overdue()
    receipts = len(emails("receipt"))
    use(invoice)
    assert fetch(Invoice, invoice).overdue_marked_at is None
    assert len(emails("receipt")) == receipts
    assert refusal_of(lambda: use(invoice, 2000)).code == "already_paid"


def test_money_that_never_had_a_receipt_gets_it_when_it_is_used(
    app: Any, make: Factory, sandbox: Any, time: Any
) -> None:
    detached = debit_pending(make)
    user = fetch(Invoice, detached).user_id
    redraft.set_back_to_draft(
        detached, reason="x", confirmed=True, switch_billing_method=True, actor=STAFF
    )
    sandbox.advance(days=4)
    time.advance(days=4)
    reconcile()
    assert credit_of(user) == 2000
    assert emails("receipt") == []
    first, second = make.invoice(user, total=500), make.invoice(user, total=500)
    use(first)
    use(second)
    [letter] = emails("receipt")
    assert letter.payment_id == payments_of(first)[0].id


def test_a_draft_keeps_being_a_draft_and_sending_closes_it_when_all_is_covered(
    app: Any, make: Factory
) -> None:
    user = make.user()
    give_credit(make, user, 3000)
    part, whole = (make.invoice(user, total=total, state="draft") for total in (5000, 1000))
    assert use(whole, actor=STAFF) == 1000
    assert use(part, actor=STAFF) == 2000
    for invoice, balance in ((part, 3000), (whole, 0)):
        draft = fetch(Invoice, invoice)
        assert (draft.state, draft.balance, draft.number, draft.paid_at) == (
            "draft",
            balance,
            None,
            None,
        )
    assert refusal_of(lambda: use(whole)).code == "no_balance"
    invoicing.send_invoice(whole, actor=STAFF)
    invoicing.send_invoice(part, actor=STAFF)
    assert (fetch(Invoice, whole).state, fetch(Invoice, part).state) == ("paid", "sent")
    pay(part)
    assert fetch(Invoice, part).state == "paid"


def test_a_draft_with_credit_on_it_keeps_its_money(app: Any, make: Factory) -> None:
    user = make.user()
    give_credit(make, user, 1000)
    draft = make.invoice(user, total=2000, state="draft")
    use(draft)
    assert refusal_of(lambda: invoicing.delete_invoice(draft, actor=STAFF)).code == "has_money"
    edit = partial(
        invoicing.edit_draft,
        draft,
        description="x",
        due_on=None,
        lines=[Line("x", 999)],
        actor=STAFF,
    )
    assert refusal_of(edit).code == "below_allocated"


def test_what_can_not_take_credit_says_why(app: Any, make: Factory, sandbox: Any) -> None:
    user = make.user()
    give_credit(make, user, 1000)
    invoice = make.invoice(user)
    assert refusal_of(lambda: use(invoice, 1999)).code == "amount_changed"
    deleted = make.invoice(user, state="draft")
    invoicing.delete_invoice(deleted, actor=STAFF)
    assert refusal_of(lambda: use(deleted)).code == "not_open"
    empty = make.invoice(user, total=0, state="draft")
    assert refusal_of(lambda: use(empty)).code == "no_balance"
    hold = in_person.authorise_card(
        invoice, nonce="fake-valid-nonce", amount=2000, shown_balance=2000, actor=STAFF
    )
    assert hold.outcome == "held"
    assert refusal_of(lambda: use(invoice)).code == "live"
    stranger = make.invoice()
    assert refusal_of(lambda: use(stranger)).code == "no_credit"
    assert refusal_of(lambda: use(10**9, 1)).code == "not_found"


def test_money_on_its_way_and_money_going_back_is_no_credit(
    app: Any, make: Factory, sandbox: Any
) -> None:
    pending = debit_pending(make)
    assert credit_of(fetch(Invoice, pending).user_id) == 0
    user = make.user()
    payment = pay(make.invoice(user)).payment_id
    assert credit_of(user) == 0
    sandbox.fault("*", "drop", "before", times=None)
    back = pay_back(payment, amount=2000, then="reopen", reason="x", actor=STAFF)
    assert back.outcome == "unknown"
    assert credit_of(user) == 0


def test_an_applications_balance_paid_by_credit_moves_it_on(app: Any, make: Factory) -> None:
    user = make.user()
    give_credit(make, user, 2000)
    application = make.application(user)
    invoice = invoicing.generate_invoice(
        application, description="x", due_on=None, actor=STAFF
    ).invoice_id
    use(invoice)
    assert fetch(Application, application).outstanding_balance == 0
    assert len(history("application", application, "balance_paid")) == 1


def test_applying_one_payment_has_the_same_consequences(app: Any, make: Factory) -> None:
    user = make.user()
    payment = give_credit(make, user, 2000)
    application = make.application(user)
    invoice = invoicing.generate_invoice(
        application, description="x", due_on=None, actor=STAFF
    ).invoice_id
    put_on(payment, invoice, amount=2000, actor=STAFF)
    assert fetch(Invoice, invoice).state == "paid"
    assert len(history("application", application, "balance_paid")) == 1
    assert len(history("payment", payment, "apply")) == 1


@POSTGRESQL
def test_two_who_use_it_at_once_use_it_once(app: Any, make: Factory) -> None:
    user = make.user()
    payments = [give_credit(make, user, 600) for _ in range(3)]
    invoices = [make.invoice(user, total=1000) for _ in range(2)]
    verbs: list[Callable[[], Any]] = [partial(use, invoice, 1000) for invoice in invoices * 4]
    results = together(app, verbs)
    only_refusals(results)
    assert sum(result for result in results if isinstance(result, int)) == 1800
    assert credit_of(user) == 0
    assert sum(fetch(Invoice, invoice).balance for invoice in invoices) == 200
    assert all(fetch(Payment, payment).unapplied == 0 for payment in payments)


@POSTGRESQL
def test_using_it_while_it_is_paid_back_spends_it_once(app: Any, make: Factory) -> None:
    for _ in range(8):
        user = make.user()
        payments = [give_credit(make, user, 1000) for _ in range(2)]
        invoice = make.invoice(user, total=2000)
        verbs: list[Callable[[], Any]] = [
            partial(use, invoice, 2000),
            *(
                partial(
                    pay_back,
                    each,
                    amount=1000,
                    then="reopen",
                    reason="x",
                    actor=STAFF,
                )
                for each in payments
            ),
            partial(put_on, payments[0], invoice, amount=1000, actor=STAFF),
        ]
        only_refusals(together(app, verbs))
        for each in payments:
            row = fetch(Payment, each)
            assert (row.refunded, row.allocated) == (1000, 100)
        assert (fetch(Invoice, invoice).state, fetch(Invoice, invoice).balance) == ("sent", 2000)


@POSTGRESQL
def test_using_it_while_the_card_pays_ends_with_one_of_them(
    app: Any, make: Factory, sandbox: Any
) -> None:
    user = make.user()
    give_credit(make, user, 2000)
    invoice = make.invoice(user)
    card = partial(
        charging.pay_invoice, invoice, nonce="fake-valid-nonce", shown_balance=2000, actor=CUSTOMER
    )
    results = together(app, [card, partial(use, invoice, 2000)])
    assert len(only_refusals(results)) == 1
    assert fetch(Invoice, invoice).state == "paid"
    assert credit_of(user) in (0, 2000)
    assert credit_of(user) == 2000 * len(sandbox.transactions())


def test_looking_at_the_credit_changes_nothing(app: Any, make: Factory) -> None:
    user = make.user()
    give_credit(make, user, 1000)
    invoice = make.invoice(user)
    before = everything()
    with reading() as session:
        assert credit_use.why_not_use_credit(session, session.get_one(Invoice, invoice)) is None
    assert credit_of(user) == 1000
    assert everything() == before
