"""Failed invoices the registered method can't pay lead to where a card is typed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

import pytest
from flask.testing import FlaskClient
from lxml import html

from billing import clock
from billing.database import lock, transaction
from models import Invoice, PaymentMethod, User
from models.states import BillingMethod
from tests.billing.helpers import SOFT_DECLINE, charge, keep
from tests.portal.methods import letter_link
from tests.portal.reading import words
from tests.portal.test_failed import Failed, failed
from tests.support import Factory, fetch

__all__ = ["failed", "letter_link"]

SignedIn = Callable[[int], FlaskClient]


def invoice_links(text: str) -> list[SplitResult]:
    """Where the invoices the page lists lead, by id."""
    found = html.fromstring(text).xpath("//table[@class='items']/tbody//a/@href")
    return [urlsplit(each) for each in reversed(found)]


@pytest.mark.parametrize("why", ["by invoice", "no method", "expired"])
def test_behind_the_letters_link_each_invoice_leads_to_where_a_card_is_typed(
    failed: Failed, client: FlaskClient, letter_link: Callable[[int], str], why: str
) -> None:
    path = f"{letter_link(failed.user)}/failed"
    said = words(client.get(path))
    assert "Or open an invoice above to pay it by card." in said
    with transaction() as session:
        method = lock(session, PaymentMethod, failed.method)
        if why == "by invoice":
            lock(session, User, failed.user).billing_method = BillingMethod.INVOICE
        elif why == "no method":
            method.removed_at = clock.now()
            method.is_default = False
        else:
            method.expires_on = clock.now().date() - dt.timedelta(days=2)
    page = client.get(path)
    assert "To pay by card, open each invoice above." in words(page)
    assert "Pay by card" not in html.fromstring(page.text).xpath("//a/text()")
    for invoice, there in zip(failed.invoices, invoice_links(page.text), strict=True):
        opened = words(client.get(there.path))
        assert str(fetch(Invoice, invoice)) in opened
        assert "Pay $2,000.00" in opened
    assert failed.untouched()


def test_one_failed_invoice_behind_the_link_has_a_button_to_its_page(
    make: Factory, sandbox: Any, client: FlaskClient, letter_link: Callable[[int], str]
) -> None:
    user = make.user()
    keep(user)
    invoice = make.invoice(user, total=SOFT_DECLINE)
    charge(invoice)
    with transaction() as session:
        lock(session, User, user).billing_method = BillingMethod.INVOICE
    page = client.get(f"{letter_link(user)}/failed")
    [path] = html.fromstring(page.text).xpath("//a[text()='Pay by card']/@href")
    assert str(fetch(Invoice, invoice)) in words(client.get(path))


def test_signed_in_too_each_invoice_is_a_link(
    failed: Failed, client: FlaskClient, customer_client: SignedIn
) -> None:
    page = customer_client(failed.user).get("/account/pay-failed")
    for invoice, there in zip(failed.invoices, invoice_links(page.text), strict=True):
        assert there.fragment == "pay"
        opened = words(client.get(there.path))
        assert str(fetch(Invoice, invoice)) in opened
        assert "Pay $2,000.00" in opened
