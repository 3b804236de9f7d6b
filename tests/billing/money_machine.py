"""A machine that fires random verbs, crashes, timeouts and days at an office; money never lies.

After every step: everything `make verify` proves holds, no invoice has two live attempts, and what
was allocated plus the balance is the total. At the end the gateway is asked as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from requests import HTTPError

from billing import (
    charging,
    credit_use,
    in_person,
    invoicing,
    nightly,
    own_method,
    proof,
    reconciliation,
    redraft,
    refunds,
)
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.items import Line
from models import Allocation, Invoice, Payment, User
from models.states import AllocationState, BillingMethod, PaymentState, Tender
from tests.billing.disputing import say
from tests.billing.helpers import VISA, reconcile, rows_of
from tests.billing.money_office import FATES, OFFICE, PARTS, PICK, SAID, SuddenDeathError, pick_of
from tests.paying_back import pay_back, put_on
from tests.support import STAFF


class MoneyMachine(RuleBasedStateMachine):
    """Every rule picks its record by chance; a refusal is a fine answer, a crash is a crash."""

    def __init__(self) -> None:
        super().__init__()
        self.office = OFFICE[-1]
        self.first = len(rows_of(Invoice))
        self.payments_before = max((payment.id for payment in rows_of(Payment)), default=0)

    @initialize()
    def clean(self) -> None:
        self.office.sandbox.control("faults", method="DELETE")
        self._make(0, 3)

    @rule(user=st.integers(0, 1), total=st.integers(1, 3))
    def make_invoice(self, user: int, total: int) -> None:
        if len(rows_of(Invoice)[self.first :]) < 4:
            self._make(user, total)

    def _make(self, user: int, thousands: int) -> None:
        self.office.make.invoice(self.office.users[user], total=1000 * thousands, state="draft")

    @rule(pick=PICK)
    def send(self, pick: int) -> None:
        self._do(
            ("draft", "sent", "failed"), lambda i: invoicing.send_invoice(i.id, actor=STAFF), pick
        )

    @rule(pick=PICK, fate=FATES)
    def pay(self, pick: int, fate: str) -> None:
        self._do(
            ("sent", "failed"),
            lambda i: charging.pay_invoice(i.id, nonce=VISA, shown_balance=i.balance, actor=STAFF),
            pick,
            fate,
        )

    @rule(pick=PICK, fate=FATES)
    def pay_a_part(self, pick: int, fate: str) -> None:
        self._do(
            ("sent", "failed"),
            lambda i: charging.pay_invoice(
                i.id, nonce=VISA, shown_balance=i.balance, amount=i.balance // 2, actor=STAFF
            ),
            pick,
            fate,
        )

    @rule(pick=PICK, fate=FATES)
    def pay_with_own_method(self, pick: int, fate: str) -> None:
        chosen = self._invoice(pick, ("sent", "failed"))
        rows = [
            row
            for row in rows_of(Invoice)[self.first :]
            if row.user_id == chosen.user_id and row.state in ("sent", "failed")
        ]
        self._try(
            lambda: own_method.pay_with_method(
                [row.id for row in rows],
                shown_total=sum(row.balance for row in rows),
                actor=STAFF,
            ),
            fate,
        )

    @rule(pick=PICK)
    def use_credit(self, pick: int) -> None:
        self._do(
            ("draft", "sent", "failed"),
            lambda i: credit_use.use_credit(i.id, shown_balance=i.balance, actor=STAFF),
            pick,
        )

    @rule(pick=PICK, fate=FATES, parts=PARTS)
    def charge(self, pick: int, fate: str, parts: int) -> None:
        self._do(
            ("draft", "sent", "failed"),
            lambda i: charging.charge_customer(
                i.id, amount=i.balance // parts, shown_balance=i.balance, actor=STAFF
            ),
            pick,
            fate,
        )

    @rule(fate=FATES)
    def night_falls(self, fate: str) -> None:
        self._try(nightly.run_nightly, fate)

    @rule(pick=PICK, parts=PARTS)
    def take_cash(self, pick: int, parts: int) -> None:
        self._do(
            ("draft", "sent", "failed"),
            lambda i: in_person.process_manual(
                i.id,
                in_person.Manual(Tender.CASH, i.balance // parts),
                shown_balance=i.balance,
                actor=STAFF,
            ),
            pick,
        )

    @rule(pick=PICK, fate=FATES)
    def authorise(self, pick: int, fate: str) -> None:
        self._do(
            ("draft", "sent", "failed"),
            lambda i: in_person.authorise_card(
                i.id, nonce=VISA, amount=i.balance, shown_balance=i.balance, actor=STAFF
            ),
            pick,
            fate,
        )

    @rule(pick=PICK, fate=FATES)
    def process_hold(self, pick: int, fate: str) -> None:
        self._with(("authorised",), lambda p: in_person.process_hold(p.id, actor=STAFF), pick, fate)

    @rule(pick=PICK, fate=FATES)
    def release_hold(self, pick: int, fate: str) -> None:
        self._with(("authorised",), lambda p: in_person.release_hold(p.id, actor=STAFF), pick, fate)

    @rule(pick=PICK, fate=FATES, parts=PARTS, then=st.sampled_from(["reopen", "credit"]))
    def refund(self, pick: int, fate: str, parts: int, then: str) -> None:
        self._with(
            ("submitted", "settled"),
            lambda p: pay_back(
                p.id, amount=(p.amount - p.refunded) // parts, then=then, reason="x", actor=STAFF
            ),
            pick,
            fate,
        )

    @rule(pick=PICK)
    def reverse(self, pick: int) -> None:
        self._with(
            ("settled",), lambda p: refunds.reverse_payment(p.id, reason="x", actor=STAFF), pick
        )

    @rule(pick=PICK)
    def apply_what_is_left(self, pick: int) -> None:
        invoice = self._invoice(pick)
        left = [p for p in rows_of(Payment, Payment.user_id == invoice.user_id) if p.unapplied > 0]
        if left:
            amount = min(left[0].unapplied, invoice.balance)
            self._try(lambda: put_on(left[0].id, invoice.id, amount=amount, actor=STAFF))

    @rule(pick=PICK, fate=FATES, confirmed=st.booleans())
    def set_back(self, pick: int, fate: str, confirmed: bool) -> None:
        self._do(
            ("sent", "failed", "pending"),
            lambda i: redraft.set_back_to_draft(
                i.id, reason="x", confirmed=confirmed, switch_billing_method=True, actor=STAFF
            ),
            pick,
            fate,
        )
        with transaction() as session:
            for user in self.office.users:
                lock(session, User, user).billing_method = BillingMethod.GATEWAY

    @rule(pick=PICK, total=st.integers(1, 5))
    def edit(self, pick: int, total: int) -> None:
        self._do(
            ("draft",),
            lambda i: invoicing.edit_draft(
                i.id, description="x", due_on=None, lines=[Line("x", 700 * total)], actor=STAFF
            ),
            pick,
        )

    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        self._do(("draft",), lambda i: invoicing.delete_invoice(i.id, actor=STAFF), pick)

    @rule(minutes=st.sampled_from([2, 6, 12, 60]))
    def wait(self, minutes: int) -> None:
        self.office.time.advance(minutes=minutes)
        reconcile()

    @rule(days=st.sampled_from([1, 4]))
    def days_pass(self, days: int) -> None:
        self.office.sandbox.advance(days=days)
        self.office.time.advance(days=days)
        reconcile()

    @rule(pick=PICK, action=st.sampled_from(["decline", "return", "refund-fail"]))
    def bank(self, pick: int, action: str) -> None:
        known = [p for p in self._payments() if p.gateway_id]
        if known:
            payment = known[pick % len(known)]
            with suppress(HTTPError):  # 409: the bank can't do that to this payment
                self.office.sandbox.control(f"transactions/{payment.gateway_id}/{action}")
            reconciliation.check_payment(payment.id)

    @rule(pick=PICK, which=st.integers(0, 1), parts=PARTS, said=SAID)
    def dispute(self, pick: int, which: int, parts: int, said: str) -> None:
        self._with(("settled", "returned"), lambda p: say(p, which, said, p.amount // parts), pick)

    def _invoice(self, pick: int, states: Sequence[str] = ()) -> Invoice:
        rows: list[Invoice] = rows_of(Invoice)[self.first :]
        return pick_of(rows, [row for row in rows if row.state in states], pick)

    def _payments(self) -> list[Payment]:
        return rows_of(Payment, Payment.id > self.payments_before)

    def _do(
        self, states: Sequence[str], verb: Callable[[Invoice], Any], pick: int, fate: str = ""
    ) -> None:
        invoice = self._invoice(pick, states)
        self._try(lambda: verb(invoice), fate)

    def _with(
        self, states: Sequence[str], verb: Callable[[Payment], Any], pick: int, fate: str = ""
    ) -> None:
        rows = self._payments()
        if rows:
            payment = pick_of(rows, [row for row in rows if row.state in states], pick)
            self._try(lambda: verb(payment), fate)

    def _try(self, verb: Callable[[], Any], fate: str = "") -> None:
        kind, _, when = fate.partition(" ")
        if kind == "die":
            self.office.gateway.dies = when
        elif fate:
            how = {"kind": "drop", "when": when} if kind == "drop" else {"kind": "status"}
            self.office.sandbox.fault("*", **how)
        with suppress(Refusal, SuddenDeathError):
            verb()
        self.office.gateway.dies = ""
        if fate:
            self.office.sandbox.control("faults", method="DELETE")

    @invariant()
    def nothing_contradicts_itself(self) -> None:
        assert proof.verify(ask_gateway=False) == []

    @invariant()
    def allocations_and_balance_are_the_total(self) -> None:
        for invoice in rows_of(Invoice)[self.first :]:
            shares = rows_of(Allocation, Allocation.invoice_id == invoice.id)
            applied = sum(s.amount for s in shares if s.state is AllocationState.APPLIED)
            assert applied + invoice.credited + invoice.balance == invoice.total
            assert len([s for s in shares if s.state is AllocationState.CLAIMED]) <= 1

    def teardown(self) -> None:
        """Give everything time to be found out; then the gateway must agree."""
        for _ in range(3):
            self.office.time.advance(hours=1)
            reconcile()
        for payment in self._payments():
            reconciliation.check_payment(payment.id)
        assert proof.verify(ask_gateway=False) == []
        fresh = self._payments()
        assert list(proof._gateway_faults([p for p in fresh if p.gateway_id])) == []
        assert [p.id for p in fresh if p.state is PaymentState.STARTED] == []
