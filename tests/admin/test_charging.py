"""Charge customer in the panel: the question, how it can end, bad input, and the doors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import clock, crediting
from billing.database import reading, transaction
from models import Invoice, PaymentMethod, User
from models.states import BillingMethod, InvoiceState, PaymentState
from tests.admin.counter import text_of
from tests.billing.helpers import HARD_DECLINE, SEPA, SOFT_DECLINE, everything, keep
from tests.conftest import Gateway
from tests.support import STAFF, Factory, emails, fetch, payments_of

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


def at(invoice_id: Any) -> str:
    return f"/admin/invoice/charge/customer/?id={invoice_id}"


def eye(invoice_id: int) -> str:
    return f"/admin/invoice/details/?id={invoice_id}"


def asked(invoice_id: int, amount: str | None = None, named: int | None = None) -> dict[str, str]:
    """The form as a browser with script posts it: the amount that is typed is the one named."""
    invoice = fetch(Invoice, invoice_id)
    typed = amount if amount is not None else f"{invoice.balance / 100:.2f}"
    if named is None:
        named = round(float(typed) * 100) if typed.replace(".", "").isdigit() else invoice.balance
    return {
        "amount": typed,
        "shown_balance": str(invoice.balance),
        "named": str(named),
        "method": str(default_method(invoice.user_id)),
    }


def default_method(user_id: int) -> int | None:
    with reading() as session:
        rows = session.query(PaymentMethod).filter_by(user_id=user_id, is_default=True)
        found = rows.first()
        return found.id if found else None


@pytest.fixture
def owed(make: Factory, sandbox: Gateway) -> int:
    """A sent invoice over $99.00 of somebody with a Visa on file."""
    user = make.user("Maria Alvarez", email="maria@example.org")
    keep(user)
    return make.invoice(user, total=9900)


class TestQuestion:
    def test_it_names_person_card_and_amount_and_the_button_says_the_amount(
        self, owed: int, staff_client: Build
    ) -> None:
        client = staff_client()
        assert at(owed) in text_of(client.get(eye(owed)))
        before = everything()
        page = text_of(client.get(at(owed)))
        plain = " ".join(_without_tags(page).split())
        sentence = "Maria Alvarez’s Visa ending in 1111 will be charged $99.00 for invoice #1."
        assert sentence in plain
        assert "Charge $99.00" in plain
        assert 'value="99.00"' in page
        assert "The receipt goes to maria@example.org" in plain
        assert everything() == before

    def test_a_draft_is_said_to_be_issued(
        self, make: Factory, sandbox: Gateway, staff_client: Build
    ) -> None:
        user = make.user(email=None, no_email=True)
        keep(user)
        page = text_of(staff_client().get(at(make.invoice(user, state="draft"))))
        assert "The draft is issued, gets its number" in page
        assert "no receipt will be sent" in page

    def test_another_amount_without_script_is_asked_once_more(
        self, owed: int, staff_client: Build, post: Post
    ) -> None:
        client = staff_client()
        typed = asked(owed, "40.00", named=9900)
        answer = post(client, at(owed), typed)
        assert answer.status_code == 200
        page = text_of(answer)
        assert "nothing has been charged yet" in page
        assert "Charge $40.00" in " ".join(_without_tags(page).split())
        assert 'name="named" value="4000"' in page
        assert payments_of(owed) == []
        answer = post(client, at(owed), {**typed, "named": "4000"})
        assert answer.status_code == 303
        assert fetch(Invoice, owed).balance == 5900


class TestAnswers:
    def test_paid(self, owed: int, staff_client: Build, post: Post) -> None:
        client = staff_client()
        answer = post(client, at(owed), asked(owed))
        assert answer.status_code == 303
        assert answer.location == eye(owed)
        page = text_of(client.get(answer.location))
        assert "$99.00 was charged to Visa ending in 1111." in page
        assert "The receipt is e-mailed to maria@example.org." in page
        assert fetch(Invoice, owed).state is InvoiceState.PAID
        assert [mail.kind for mail in emails("receipt")] == ["receipt"]

    def test_a_part_leaves_the_rest(self, owed: int, staff_client: Build, post: Post) -> None:
        client = staff_client()
        answer = post(client, at(owed), asked(owed, "40"))
        assert "$59.00 is left to pay." in text_of(client.get(answer.location))
        left = fetch(Invoice, owed)
        assert (left.state, left.balance) == (InvoiceState.SENT, 5900)

    def test_pending(
        self, make: Factory, sandbox: Gateway, staff_client: Build, post: Post
    ) -> None:
        user = make.user()
        keep(user, SEPA)
        invoice = make.invoice(user)
        client = staff_client()
        page = text_of(client.get(at(invoice)))
        assert "The bank takes some days to answer" in page
        answer = post(client, at(invoice), asked(invoice))
        shown = text_of(client.get(answer.location))
        assert "The bank has been asked for $20.00" in shown
        assert "the invoice is pending until it answers" in shown
        assert fetch(Invoice, invoice).state is InvoiceState.PENDING

    @pytest.mark.parametrize(
        ("total", "outlook"), [(SOFT_DECLINE, "a soft decline"), (HARD_DECLINE, "a hard decline")]
    )
    def test_declined(
        self,
        make: Factory,
        sandbox: Gateway,
        staff_client: Build,
        post: Post,
        total: int,
        outlook: str,
    ) -> None:
        user = make.user()
        keep(user)
        invoice = make.invoice(user, total=total)
        client = staff_client()
        answer = post(client, at(invoice), asked(invoice))
        assert answer.status_code == 303
        shown = text_of(client.get(answer.location))
        code = payments_of(invoice)[0].code
        notice = shown.split('role="status">')[1].split("</p>")[0]
        assert "could not be charged to Visa ending in 1111" in notice
        assert f"(code {code})" in notice
        assert "Nothing was charged." in notice
        assert outlook not in notice
        assert shown.count(outlook) == 1
        failed = fetch(Invoice, invoice)
        assert failed.state is InvoiceState.FAILED
        assert "note-error" in shown

    def test_unknown(self, owed: int, sandbox: Gateway, staff_client: Build, post: Post) -> None:
        sandbox.fault("sale", "drop", "after")
        client = staff_client()
        answer = post(client, at(owed), asked(owed))
        shown = text_of(client.get(answer.location))
        assert "Nobody has answered yet whether $99.00 was charged." in shown
        assert "do not charge again" in shown
        assert payments_of(owed)[0].state is PaymentState.STARTED
        again = post(client, at(owed), asked(owed))
        assert again.status_code == 422
        assert "Please do not pay again." in text_of(again)
        assert len(payments_of(owed)) == 1

    def test_refused_the_balance_has_changed(
        self, owed: int, staff_client: Build, post: Post
    ) -> None:
        client = staff_client()
        typed = asked(owed)
        crediting.credit_invoice(
            owed, amount=900, shown_balance=9900, reason="Late key", actor=STAFF
        )
        before = everything()
        for amount, field in (("99.00", 'value="99.00"'), ("80.00", 'value="80.00"')):
            named = amount.replace(".", "")
            answer = post(client, at(owed), {**typed, "amount": amount, "named": named})
            assert answer.status_code == 422
            assert field not in text_of(answer) or amount == "80.00"
        assert "The amount has changed: $90.00 is to pay now. Nothing was charged." in text_of(
            answer
        )
        assert 'name="shown_balance" value="9000"' in text_of(answer)
        assert everything() == before

    def test_pressing_twice_charges_once(self, owed: int, staff_client: Build, post: Post) -> None:
        client = staff_client()
        typed = asked(owed)
        assert post(client, at(owed), typed).status_code == 303
        again = post(client, at(owed), typed)
        assert again.status_code == 422
        assert "This invoice is paid." in text_of(again)
        assert len(payments_of(owed)) == 1


class TestBadInput:
    @pytest.mark.parametrize(
        ("amount", "sentence"),
        [
            ("0", "more than zero"),
            ("0.00", "more than zero"),
            ("-1", "Enter an amount such as"),
            ("abc", "Enter an amount such as"),
            ("", "Enter the amount."),
            ("99.01", "Only $99.00 is left to pay."),
            ("1.005", "at most 2 decimals"),
            ("9" * 30, ""),
            ("NaN", "Enter an amount such as"),
        ],
    )
    def test_an_amount_that_is_none_is_refused_at_its_field(
        self, owed: int, staff_client: Build, post: Post, amount: str, sentence: str
    ) -> None:
        before = everything()
        typed = {**asked(owed), "amount": amount, "named": "9900"}
        answer = post(staff_client(), at(owed), typed)
        assert answer.status_code == 422
        page = text_of(answer)
        assert 'class="error"' in page
        assert sentence in page
        assert f'value="{amount}"' in page
        after = everything()
        for table in ("payments", "invoices", "allocations", "history"):
            assert after[table] == before[table]

    @pytest.mark.parametrize("missing", ["shown_balance", "method"])
    def test_an_incomplete_form_charges_nothing(
        self, owed: int, staff_client: Build, post: Post, missing: str
    ) -> None:
        for broken in ("", "x", "-5", "1" * 25):
            answer = post(staff_client(), at(owed), {**asked(owed), missing: broken})
            assert answer.status_code == 422
        assert payments_of(owed) == []

    def test_another_card_than_the_one_asked_about_is_not_charged(
        self, owed: int, staff_client: Build, post: Post
    ) -> None:
        typed = asked(owed)
        keep(fetch(Invoice, owed).user_id, "fake-valid-mastercard-nonce")
        answer = post(staff_client(), at(owed), typed)
        assert answer.status_code == 422
        page = text_of(answer)
        assert "The payment method has changed: MasterCard ending in" in page
        assert payments_of(owed) == []

    def test_billing_method_invoice(self, owed: int, staff_client: Build, post: Post) -> None:
        typed = asked(owed)
        with transaction() as session:
            user = session.get_one(User, session.get_one(Invoice, owed).user_id)
            user.billing_method = BillingMethod.INVOICE
        self._refuses(owed, typed, "billing method is invoice", staff_client(), post)

    def test_no_method(self, make: Factory, staff_client: Build, post: Post) -> None:
        invoice = make.invoice()
        typed = {"amount": "20.00", "named": "2000", "shown_balance": "2000", "method": "1"}
        self._refuses(invoice, typed, "no payment method on file", staff_client(), post)

    def test_an_expired_card(self, owed: int, staff_client: Build, post: Post) -> None:
        typed = asked(owed)
        with transaction() as session:
            method = session.get_one(PaymentMethod, int(typed["method"]))
            method.expires_on = clock.now().date() - dt.timedelta(days=40)
        self._refuses(owed, typed, "expired", staff_client(), post)

    def _refuses(
        self, invoice: int, typed: dict[str, str], why: str, client: FlaskClient, post: Post
    ) -> None:
        """Button, page and POST say the same sentence; nothing is charged."""
        for answer in (client.get(eye(invoice)), client.get(at(invoice))):
            assert why in text_of(answer)
        assert at(invoice) not in text_of(client.get(eye(invoice)))
        answer = post(client, at(invoice), typed)
        assert answer.status_code == 422
        assert why in text_of(answer)
        assert payments_of(invoice) == []


def _without_tags(page: str) -> str:
    import re

    return re.sub(r"<[^>]*>", "", page)
