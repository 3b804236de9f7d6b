"""The card "Billing" of a user's page: one click each, what is on file, and the letter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing import clock
from billing.database import reading, transaction
from billing.method_letters import ask_for_method
from jobs.letters import render
from models import BulkRow, BulkRun, History, Invoice, PaymentMethod, User
from models.states import BillingMethod, BillingTrigger, BulkResult, Tender
from tests.admin.counter import text_of
from tests.billing.helpers import SOFT_DECLINE, charge, everything, keep, refusal_of, rows_of
from tests.conftest import Gateway
from tests.support import STAFF, Factory, emails, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]

ONE_CLICK = ["method", "trigger", "default-method", "ask"]


def do(verb: str, record_id: Any) -> str:
    return f"/admin/user/billing/{verb}/?id={record_id}"


def eye(user_id: int) -> str:
    return f"/admin/user/details/?id={user_id}"


def card_of(client: FlaskClient, user_id: int) -> str:
    page = text_of(client.get(eye(user_id)))
    return page.split('id="billing"')[1].split("</section>")[0]


def change(model: type[Any], record_id: int, **values: Any) -> None:
    with transaction() as session:
        record = session.get_one(model, record_id)
        for name, value in values.items():
            setattr(record, name, value)


class TestMethod:
    def test_one_click_there_and_one_back_each_logged(
        self, make: Factory, staff_client: Build, post: Post
    ) -> None:
        user, client = make.user(), staff_client()
        for wanted, said in (
            ("invoice", "Invoices are sent from now on"),
            ("gateway", "The registered payment method is charged from now on."),
        ):
            answer = post(client, do("method", user), {"to": wanted})
            assert answer.status_code == 303
            assert answer.location == f"{eye(user)}#billing"
            assert said in text_of(client.get(eye(user)))
            assert fetch(User, user).billing_method == wanted
            assert f'value="{wanted}" aria-pressed="true"' in card_of(client, user)
        assert len(rows_of(History, History.verb == "billing_method")) == 2

    def test_the_same_again_changes_nothing(
        self, make: Factory, staff_client: Build, post: Post
    ) -> None:
        user, client = make.user(), staff_client()
        before = everything()["history"]
        post(client, do("method", user), {"to": "gateway"})
        post(client, do("trigger", user), {"to": "default"})
        assert "nothing was changed" in text_of(client.get(eye(user)))
        assert everything()["history"] == before

    def test_it_says_how_many_planned_charges_stop(
        self, make: Factory, sandbox: Gateway, staff_client: Build, post: Post
    ) -> None:
        user, client = make.user(), staff_client()
        keep(user)
        failed, queued = make.invoice(user, total=SOFT_DECLINE), make.invoice(user)
        make.invoice(user)
        assert charge(failed).outcome == "declined"
        assert fetch(Invoice, failed).retry_on is not None
        run = BulkRun(verb="charge", staff_id=make.staff(), created_at=clock.now())
        run.rows = [
            BulkRow(invoice_id=failed, shown_balance=SOFT_DECLINE, result=BulkResult.DECLINED),
            BulkRow(invoice_id=queued, shown_balance=2000),
        ]
        make.add(run)
        assert "Switching to Invoice stops 2 planned charges at once." in card_of(client, user)
        post(client, do("method", user), {"to": "invoice"})
        assert "2 planned charges were stopped." in text_of(client.get(eye(user)))
        assert fetch(Invoice, failed).retry_on is None

    @pytest.mark.parametrize("wanted", ["", "cash", "GATEWAY", None])
    @pytest.mark.parametrize("verb", ["method", "trigger"])
    def test_what_is_no_choice_is_not_found(
        self, make: Factory, staff_client: Build, post: Post, verb: str, wanted: str | None
    ) -> None:
        user = make.user()
        data = {} if wanted is None else {"to": wanted}
        assert post(staff_client(), do(verb, user), data).status_code == 404
        assert fetch(User, user).billing_method is BillingMethod.GATEWAY


class TestTrigger:
    def test_it_says_what_the_default_is_now(
        self, make: Factory, staff_client: Build, post: Post
    ) -> None:
        user, client = make.user(), staff_client()
        assert "Default (manual)" in card_of(client, user)
        make.settings(billing_trigger=BillingTrigger.AUTOMATIC)
        card = card_of(client, user)
        assert "Default (automatic)" in card
        assert "The nightly run charges or sends" in card

    def test_one_click_each(self, make: Factory, staff_client: Build, post: Post) -> None:
        user, client = make.user(), staff_client()
        for wanted in ("automatic", "manual", "default"):
            assert post(client, do("trigger", user), {"to": wanted}).status_code == 303
            assert fetch(User, user).billing_trigger == wanted
        assert "The billing trigger is default (now: manual)." in text_of(client.get(eye(user)))
        assert len(rows_of(History, History.verb == "billing_trigger")) == 3


class TestOnFile:
    def test_each_with_expiry_default_and_mandate(self, make: Factory, staff_client: Build) -> None:
        user = make.user()
        today = clock.now().date()
        old = make.payment_method(user, "old")
        change(PaymentMethod, old, is_default=False, expires_on=today - dt.timedelta(days=40))
        debit = make.payment_method(user, "debit", Tender.DIRECT_DEBIT)
        change(
            PaymentMethod,
            debit,
            is_default=False,
            brand="Bank account",
            last_four="3333",
            holder="M. Alvarez",
            mandate="I agree.\n<b>Really.</b>",
        )
        soon = make.payment_method(user, "soon")
        change(PaymentMethod, soon, last_four="2222", expires_on=today + dt.timedelta(days=9))
        page = staff_client().get(eye(user)).get_data(as_text=True)
        card = page.split('id="billing"')[1].split("</section>")[0]
        assert "Visa ending in 2222" in card
        assert 'class="badge badge-wait">Expired' in card
        assert 'class="badge badge-wait">Expires' in card
        assert card.count(">Default</span>") == 1
        assert "<summary>Mandate</summary>" in card
        assert "I agree.\n&lt;b&gt;Really.&lt;/b&gt;" in card
        assert "M. Alvarez" in card

    def test_another_default(
        self, make: Factory, sandbox: Gateway, staff_client: Build, post: Post
    ) -> None:
        user, client = make.user(), staff_client()
        first, second = keep(user), keep(user, "fake-valid-mastercard-nonce")
        assert fetch(PaymentMethod, second).is_default
        assert do("default-method", first) in card_of(client, user)
        assert do("default-method", second) not in card_of(client, user)
        answer = post(client, do("default-method", first))
        assert answer.status_code == 303
        assert "Visa ending in 1111 is charged from now on." in text_of(client.get(eye(user)))
        assert fetch(PaymentMethod, first).is_default
        again = post(client, do("default-method", first))
        assert again.status_code == 303
        assert "already" in text_of(client.get(eye(user)))

    def test_removing_asks_first(
        self, make: Factory, sandbox: Gateway, staff_client: Build, post: Post
    ) -> None:
        user, client = make.user(), staff_client()
        first, second = keep(user), keep(user, "fake-valid-mastercard-nonce")
        before = everything()
        page = text_of(client.get(do("remove-method", second)))
        assert "forgotten here and at the gateway" in page
        assert "Visa ending in 1111 is charged from then on." in page
        assert everything() == before
        answer = post(client, do("remove-method", second))
        assert answer.location == eye(user)
        assert fetch(PaymentMethod, second).removed_at is not None
        page = text_of(client.get(do("remove-method", first)))
        assert "No payment method is left on file then" in page
        gone = post(client, do("remove-method", second))
        assert gone.status_code == 422
        assert "removed already" in text_of(gone)

    def test_nothing_on_file_says_how_one_is_added(
        self, make: Factory, staff_client: Build
    ) -> None:
        card = card_of(staff_client(), make.user())
        assert "None on file." in card
        assert "E-mail a link to add a payment method" in card


class TestLetter:
    def test_it_carries_a_link_that_is_never_kept(
        self, app: Flask, make: Factory, staff_client: Build, post: Post
    ) -> None:
        user, client = make.user(email="maria@example.org"), staff_client()
        answer = post(client, do("ask", user))
        assert answer.status_code == 303
        shown = text_of(client.get(eye(user)))
        assert "A link to add a payment method goes to maria@example.org." in shown
        [mail] = emails("method_link")
        assert mail.params == {}
        with reading() as session:
            letter = render(session.get_one(type(mail), mail.id), session)
        assert "http://127.0.0.1:8000/m/" in letter.text
        assert "http://127.0.0.1:8000/m/" in letter.html
        assert letter.subject.startswith("Add a payment method at ")
        [row] = rows_of(History, History.verb == "ask_for_method")
        assert (row.record, row.record_id) == ("user", user)
        page = text_of(client.get(f"/admin/outgoingemail/details/?id={mail.id}"))
        assert "only the person it was sent to may use" in page

    def test_pressed_twice_is_one_letter(
        self, make: Factory, staff_client: Build, post: Post, time: Any
    ) -> None:
        user, client = make.user(), staff_client()
        post(client, do("ask", user))
        assert do("ask", user) not in card_of(client, user)
        post(client, do("ask", user))
        assert "a moment ago" in text_of(client.get(eye(user)))
        assert len(emails("method_link")) == 1
        time.advance(minutes=6)
        post(client, do("ask", user))
        assert len(emails("method_link")) == 2

    def test_somebody_without_email_is_not_asked(
        self, make: Factory, staff_client: Build, post: Post
    ) -> None:
        user, client = make.user(email=None, no_email=True), staff_client()
        assert "no e-mail, so no link can be sent" in card_of(client, user)
        assert post(client, do("ask", user)).status_code == 303
        refusal = refusal_of(lambda: ask_for_method(user, actor=STAFF))
        assert refusal.code == "unreachable"
        assert emails("method_link") == []


class TestDoors:
    def test_without_the_permission_the_card_is_only_words(
        self, make: Factory, sandbox: Gateway, staff_client: Build, post: Post
    ) -> None:
        user = make.user()
        method = keep(user)
        looker = staff_client(["users.view"])
        card = card_of(looker, user)
        assert "Gateway" in card
        assert "Visa ending in 1111" in card
        assert "<form" not in card
        assert "<button" not in card
        before = everything()
        for verb in (*ONE_CLICK, "remove-method"):
            number = method if "method" in verb and verb != "method" else user
            assert post(looker, do(verb, number), {"to": "invoice"}).status_code == 403
        assert everything() == before

    def test_a_token_a_post_and_the_right_site(
        self, make: Factory, sandbox: Gateway, staff_client: Build, post: Post
    ) -> None:
        ours, theirs = make.site(), make.site()
        user = make.user(site_id=theirs)
        method = keep(user)
        able, bound = staff_client(), staff_client(sites=(ours,))
        before = everything()
        for verb in (*ONE_CLICK, "remove-method"):
            number = method if verb in ("default-method", "remove-method") else user
            assert able.post(do(verb, number), data={"to": "invoice"}).status_code == 400
            if verb in ONE_CLICK:
                assert able.get(do(verb, number)).status_code == 405
            for wrong in (number, 10**25, 999_999, "x", ""):
                assert post(bound, do(verb, wrong), {"to": "invoice"}).status_code == 404
        assert bound.get(do("remove-method", method)).status_code == 404
        assert everything() == before
