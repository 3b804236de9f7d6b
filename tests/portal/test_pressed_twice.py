"""A button pressed twice leads to what the first press did."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import html

from models import Payment
from tests.billing.helpers import SEPA, SOFT_DECLINE, charge, give_credit, keep
from tests.portal.methods import (
    MASTERCARD,
    CustomerClient,
    Post,
    door,
    letter_link,
    on_file,
)
from tests.portal.reading import words
from tests.support import Clock, Factory, all_of, emails

__all__ = ["door", "letter_link"]
NOT_THIS_PRESS = "Nothing was charged by this press."


def failed_invoices(make: Factory, sandbox: Any, user: int, nonce: str) -> dict[str, Any]:
    """Two invoices the bank said no to, and what the button that pays them sends."""
    method = keep(user, nonce)
    invoices = [make.invoice(user, total=SOFT_DECLINE) for _ in range(2)]
    for invoice in invoices:
        charge(invoice)
    sandbox.control("settings", {"amounts": "plain"})
    return {
        "invoice": [str(invoice) for invoice in invoices],
        "shown_total": str(2 * SOFT_DECLINE),
        "method": str(method),
    }


@pytest.fixture
def button(door: Any) -> Any:
    """A browser, and where the button for failed invoices leads through each of the two doors."""

    def opened(user: int) -> tuple[Any, str]:
        client, card, _bank = door(user)
        by_link = card.startswith("/m/")
        return client, f"{card}/failed" if by_link else f"/account/pay-failed/{user}"

    return opened


def test_failed_invoices_are_paid_once_and_both_presses_say_so(
    button: Any, make: Factory, post: Post, sandbox: Any
) -> None:
    user = make.user()
    fields = failed_invoices(make, sandbox, user, "fake-valid-nonce")
    client, path = button(user)
    first, second = (post(client, path, fields).headers["Location"] for _ in range(2))
    assert first == second
    assert "You paid $4,000.00" in words(client.get(second))
    assert len(emails("receipt")) == 1


def test_while_nobody_has_answered_both_presses_wait_for_the_same(
    button: Any, make: Factory, post: Post, sandbox: Any
) -> None:
    user = make.user()
    fields = failed_invoices(make, sandbox, user, "fake-valid-nonce")
    client, path = button(user)
    sandbox.fault("sale", "drop", "after")
    first, second = (post(client, path, fields).headers["Location"] for _ in range(2))
    assert first == second
    assert "We are checking your payment" in words(client.get(second))
    taken = [row for row in sandbox.transactions() if row["status"] == "submitted_for_settlement"]
    assert len(taken) == 1


def test_ticked_invoices_too(
    make: Factory, customer_client: CustomerClient, post: Post, sandbox: Any
) -> None:
    user = make.user()
    method = keep(user, SEPA)
    invoice = make.invoice(user, total=2000)
    client = customer_client(user)
    fields = {"invoice": str(invoice), "shown_total": "2000", "method": str(method)}
    pages = [post(client, "/account/pay/method", fields).headers["Location"] for _ in range(2)]
    assert pages[0] == pages[1]
    assert "Your payment is on its way" in words(client.get(pages[1]))
    assert len(all_of(Payment)) == 1


def test_a_page_that_is_long_out_of_date_says_what_this_press_did(
    button: Any, make: Factory, post: Post, sandbox: Any, time: Clock
) -> None:
    user = make.user()
    fields = failed_invoices(make, sandbox, user, "fake-valid-nonce")
    client, path = button(user)
    post(client, path, fields)
    time.advance(minutes=11)
    late = post(client, path, fields)
    assert NOT_THIS_PRESS in words(client.get(late.headers["Location"]))


def test_what_staff_charged_for_a_part_is_not_this_press(
    make: Factory, customer_client: CustomerClient, post: Post, sandbox: Any
) -> None:
    user = make.user()
    fields = failed_invoices(make, sandbox, user, "fake-valid-nonce")
    for invoice in fields["invoice"]:
        charge(int(invoice), 500)
    client = customer_client(user)
    pressed = post(client, f"/account/pay-failed/{user}", fields)
    assert NOT_THIS_PRESS in words(client.get(pressed.headers["Location"]))


def test_invoices_that_cant_be_paid_say_so_in_one_bar(
    make: Factory, customer_client: CustomerClient, post: Post, sandbox: Any
) -> None:
    user = make.user()
    invoice = make.invoice(user, total=2000)
    client = customer_client(user)
    fields = {
        "invoice": str(invoice),
        "shown_balance": "2000",
        "nonce": "fake-valid-nonce",
        "holder": "Zoë",
    }
    assert "You paid" in words(post(client, "/account/pay", fields, follow_redirects=True))
    page = post(client, "/account/pay", fields, follow_redirects=True)
    bars = html.fromstring(page.text).xpath("//div[@role='alert']")
    assert [" ".join(bar.text_content().split()) for bar in bars] == [
        "This invoice has already been paid."
    ]


@pytest.mark.parametrize(
    ("page", "done"),
    [
        ("remove", "Visa ending in 1111 is removed."),
        ("default", "Visa ending in 1111 is used from now on."),
    ],
)
def test_a_payment_method_is_changed_once_and_both_presses_say_so(
    make: Factory,
    customer_client: CustomerClient,
    post: Post,
    sandbox: Any,
    page: str,
    done: str,
) -> None:
    user = make.user()
    old, _new = keep(user), keep(user, MASTERCARD)
    client = customer_client(user)
    for _ in range(2):
        said = words(post(client, f"/account/methods/{old}/{page}", follow_redirects=True))
        assert said.count(done) == 1
        assert "Nothing was changed." not in said
    stranger = customer_client(make.user())
    assert post(stranger, f"/account/methods/{old}/{page}").status_code == 404
    assert len(on_file(user)) == (1 if page == "remove" else 2)


def test_what_was_removed_is_not_used_first(
    make: Factory, customer_client: CustomerClient, post: Post, sandbox: Any
) -> None:
    user = make.user()
    old = keep(user)
    client = customer_client(user)
    post(client, f"/account/methods/{old}/remove", follow_redirects=True)
    said = words(post(client, f"/account/methods/{old}/default", follow_redirects=True))
    assert "This payment method has been removed already. Nothing was changed." in said
    assert client.get(f"/account/methods/{old}/remove").status_code == 404


def test_forms_that_move_money_go_off_once(
    make: Factory, customer_client: CustomerClient, sandbox: Any
) -> None:
    user = make.user()
    fields = failed_invoices(make, sandbox, user, "fake-valid-nonce")
    give_credit(make, user, 500)
    client = customer_client(user)
    button, remove = f"/account/pay-failed/{user}", f"/account/methods/{fields['method']}/remove"
    for path, action in (
        (button, button),
        (f"/account/methods/saved/{user}/{fields['method']}", button),
        (remove, remove),
        ("/account", "/account/credit"),
    ):
        page = html.fromstring(client.get(path).text)
        assert page.xpath(f"//form[@data-once and @action='{action}']"), path
        assert page.xpath("//script[contains(@src, 'once.js')]"), path
