"""When an invoice becomes overdue, said on its page: before it is sent, while open, and after."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from billing import charging, clock, invoicing
from billing.database import transaction
from models import Invoice
from models.states import OverdueBasis
from tests.billing.helpers import debit_pending
from tests.conftest import Gateway
from tests.support import STAFF, Clock, Factory

Build = Callable[..., FlaskClient]

NEVER = "never: no overdue age is set"


@pytest.fixture(autouse=True)
def _noon(make: Factory, time: Clock) -> None:
    make.settings(timezone="UTC", overdue_age=10)
    time.set(dt.datetime(2031, 5, 20, 12, tzinfo=dt.UTC))


@pytest.fixture
def said(staff_client: Build) -> Callable[[int], str]:
    """``said(invoice_id)`` is what stands there on the invoice's page."""

    def read(invoice: int) -> str:
        page = staff_client().get(f"/admin/invoice/details/?id={invoice}").text
        found = re.search(r"<dt>Becomes overdue</dt><dd[^>]*>(.*?)</dd>", page)
        assert found is not None
        return re.sub(r"<[^>]+>", "", html.unescape(found.group(1)))

    return read


Said = Callable[[int], str]


def test_a_draft_says_what_sending_it_today_would_mean(make: Factory, said: Said) -> None:
    plain = make.invoice(state="draft")
    due = make.invoice(state="draft", due_on=dt.date(2031, 6, 1))
    late = make.invoice(state="draft", due_on=dt.date(2031, 5, 9))
    assert said(plain) == "when sent today: on May 31, 2031"
    assert said(due) == "when sent today: on Jun 12, 2031"
    assert said(late) == "at once when sent today, because of its due date"
    make.settings(overdue_age=None)
    assert [said(each) for each in (plain, due, late)] == [NEVER] * 3


def test_what_it_said_of_a_draft_comes_true(make: Factory, said: Said) -> None:
    draft = make.invoice(state="draft", due_on=dt.date(2031, 6, 1))
    promised = said(draft).removeprefix("when sent today: ")
    invoicing.send_invoice(draft, actor=STAFF)
    assert said(draft) == promised == "on Jun 12, 2031"


@pytest.mark.parametrize(
    ("basis", "day"),
    [(OverdueBasis.ISSUED, "May 31, 2031"), (OverdueBasis.INVOICE_DATE, "May 28, 2031")],
)
def test_one_set_back_to_draft_counts_from_its_basis(
    make: Factory, said: Said, basis: OverdueBasis, day: str
) -> None:
    make.settings(overdue_basis=basis)
    draft = make.invoice(state="draft")
    with transaction() as session:
        invoice = session.get_one(Invoice, draft)
        invoice.number, invoice.issued_on = 1, dt.date(2031, 5, 17)
    assert said(draft) == f"when sent today: on {day}"


def test_one_that_is_being_charged_promises_no_day_that_is_over(
    make: Factory, said: Said, time: Clock, sandbox: Gateway
) -> None:
    invoice = debit_pending(make)
    assert said(invoice) == "on May 31, 2031, unless the payment being processed arrives"
    time.set(dt.datetime(2031, 5, 31, 0, 1, tzinfo=dt.UTC))
    assert said(invoice) == "at once if the payment being processed does not arrive"


def test_open_overdue_and_closed(make: Factory, said: Said, time: Clock, sandbox: Gateway) -> None:
    invoice = make.invoice()
    assert said(invoice) == "on May 31, 2031"
    time.set(dt.datetime(2031, 5, 30, 23, 59, tzinfo=dt.UTC))
    assert said(invoice) == "on May 31, 2031"
    time.set(dt.datetime(2031, 5, 31, 0, 1, tzinfo=dt.UTC))
    assert said(invoice) == "overdue since May 31, 2031 (1 day)"
    time.set(dt.datetime(2031, 6, 2, 9, tzinfo=dt.UTC))
    assert said(invoice) == "overdue since May 31, 2031 (3 days)"
    charging.pay_invoice(invoice, nonce="fake-valid-nonce", shown_balance=2000, actor=STAFF)
    assert said(invoice) == "never: it is paid"
    deleted = make.invoice(state="draft")
    invoicing.delete_invoice(deleted, actor=STAFF)
    assert said(deleted) == "never: it is deleted"
    make.settings(overdue_age=None)
    assert said(make.invoice()) == NEVER
    assert clock.now().year == 2031
