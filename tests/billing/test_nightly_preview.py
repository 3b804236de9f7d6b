"""The preview of the nightly run: the run's own rules, in a few statements."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from billing import invoicing, nightly, reconciliation, runtime
from billing.billing_choice import set_billing_method
from billing.items import Line
from billing.nightly_plan import Plan, Why
from models import Invoice
from models.states import BillingMethod, BillingTrigger
from tests.billing.helpers import (
    SOFT_DECLINE,
    charge,
    pay,
)
from tests.billing.nights import automatic_user, draft, expire, look, states, tonight
from tests.support import STAFF, Factory

pytestmark = pytest.mark.usefixtures("sandbox", "proven")

AUTOMATIC = BillingTrigger.AUTOMATIC


def test_the_preview_says_what_the_run_then_does(make: Factory) -> None:
    charged = [draft(make, automatic_user(make), total) for total in (2000, 3000)]
    by_invoice = automatic_user(make)
    set_billing_method(by_invoice, BillingMethod.INVOICE, actor=STAFF)
    expired = automatic_user(make)
    expire(expired)
    bare = automatic_user(make, method=False, email=None)
    sent = [draft(make, user, 500) for user in (by_invoice, expired, bare)]
    draft(make, make.user(), 70_000)
    found = look()
    assert (found.to_charge.count, found.to_charge.total) == (2, 5000)
    assert (found.to_send.count, found.to_send.total) == (3, 1500)
    assert (found.without_email.count, found.to_skip.count, found.to_retry.count) == (1, 0, 0)
    assert (found.cannot(Why.NO_METHOD).count, found.cannot(Why.CARD_EXPIRED).total) == (1, 500)
    assert [row.invoice.id for row in found.charges] == charged
    assert {row.method for row in found.charges} == {"Visa ending in 1111"}
    assert [(row.invoice.id, row.reason, row.reachable) for row in found.sends] == [
        (sent[0], "", True),
        (sent[1], "Card expired: will be sent instead", True),
        (sent[2], "No payment method on file: will be sent instead", False),
    ]
    tonight()
    assert states(*charged, *sent) == ["paid"] * 2 + ["sent"] * 3


def test_the_preview_foresees_tomorrows_date(make: Factory, time: Any) -> None:
    time.set(dt.datetime(2027, 3, 3, 18, tzinfo=dt.UTC))
    user = automatic_user(make)
    draft(make, user)
    expire(user, dt.date(2027, 3, 3))
    assert look().cannot(Why.CARD_EXPIRED).count == 1
    assert look(on=dt.date(2027, 3, 3)).to_charge.count == 1


def test_the_preview_has_the_retries_and_why_some_will_not_be(make: Factory, time: Any) -> None:
    users = [automatic_user(make) for _ in range(3)]
    invoices = [make.invoice(user, total=SOFT_DECLINE) for user in users]
    for invoice in invoices:
        charge(invoice)
    expire(users[1])
    assert look().to_retry.count == 0
    time.advance(days=2)
    pay(make.invoice(users[2]))
    found = look()
    assert (found.to_retry.count, found.to_retry.total) == (2, 2 * SOFT_DECLINE)
    assert [(row.invoice.id, row.plan, row.reason) for row in found.retries] == [
        (invoices[0], Plan.CHARGE, ""),
        (invoices[1], Plan.SKIP, "Card expired: will not be charged again"),
        (invoices[2], Plan.CHARGE, ""),
    ]


def test_the_preview_shows_a_part_but_counts_all_and_keeps_to_a_site(make: Factory) -> None:
    sites = [make.site(), make.site()]
    user = automatic_user(make)
    for site in sites:
        for _ in range(3):
            draft(make, user, 1000, site_id=site)
    found = look(limit=2)
    assert (len(found.charges), found.to_charge.count) == (2, 6)
    scoped = look(scope=[Invoice.site_id.in_([sites[1]])])
    assert scoped.to_charge.count == len(scoped.charges) == 3


@contextmanager
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    engine = runtime.current().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_the_preview_asks_as_little_for_many_as_for_one(make: Factory) -> None:
    draft(make, automatic_user(make))
    counts = []
    for _ in range(2):
        with statements() as seen:
            look()
        counts.append(len([each for each in seen if each.lstrip().startswith("SELECT")]))
        for _ in range(15):
            draft(make, automatic_user(make, method=False))
    assert counts[0] == counts[1] <= 7


def test_the_run_keeps_the_same_rules_as_the_preview_for_every_kind_of_draft(
    make: Factory,
) -> None:
    user = automatic_user(make)
    lines = [Line("Free", 0)]
    free = draft(make, user, 0)
    invoicing.edit_draft(free, description="x", due_on=None, lines=lines, actor=STAFF)
    taken = draft(make, user)
    planned = {row.invoice.id for row in look().charges}
    assert planned == set(nightly.due_drafts(10)) == {taken}
    assert reconciliation.due_payments() == []
