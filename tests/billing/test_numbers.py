"""Invoice numbers: given at the first issue, without a gap, whatever happens at the same time."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from billing import invoicing
from billing.database import lock, transaction
from billing.redraft import set_back_to_draft
from models import Invoice
from tests.billing.helpers import charge, keep, only_refusals, rows_of, together
from tests.support import STAFF, Factory, fetch


class PowerCutError(Exception):
    """Stands for anything that goes wrong after a number was taken."""


def _fail_after_taking_a_number(invoice_id: int) -> None:
    with transaction() as session:
        invoicing.issue(session, lock(session, Invoice, invoice_id))
        raise PowerCutError


def test_a_draft_has_no_number(app: Any, make: Factory) -> None:
    assert fetch(Invoice, make.invoice(state="draft")).number is None


def test_twenty_issues_at_once_leave_no_gap_though_some_fail(app: Any, make: Factory) -> None:
    user = make.user()
    drafts = [make.invoice(user, state="draft") for _ in range(20)]
    verbs: list[Any] = [partial(invoicing.send_invoice, d, actor=STAFF) for d in drafts]
    verbs[::4] = [partial(_fail_after_taking_a_number, d) for d in drafts[::4]]
    results = together(app, verbs)
    only_refusals([result for result in results if not isinstance(result, PowerCutError)])
    numbers = sorted(row.number for row in rows_of(Invoice) if row.number is not None)
    assert numbers == list(range(1, 16))


def test_a_number_of_an_issue_that_failed_is_given_again(app: Any, make: Factory) -> None:
    with pytest.raises(PowerCutError):
        _fail_after_taking_a_number(make.invoice(state="draft"))
    assert fetch(Invoice, make.invoice()).number == 1


def test_back_to_draft_keeps_the_number_and_the_date(app: Any, make: Factory, time: Any) -> None:
    invoice = make.invoice()
    issued_on = fetch(Invoice, invoice).issued_on
    set_back_to_draft(invoice, reason="Mistake", actor=STAFF)
    make.invoice()
    time.advance(days=2)
    invoicing.send_invoice(invoice, actor=STAFF)
    again = fetch(Invoice, invoice)
    assert (again.number, again.issued_on) == (1, issued_on)
    assert again.sent_on > issued_on


def test_a_deleted_invoice_keeps_its_number(app: Any, make: Factory) -> None:
    invoice = make.invoice()
    set_back_to_draft(invoice, reason="Mistake", actor=STAFF)
    invoicing.delete_invoice(invoice, actor=STAFF)
    assert fetch(Invoice, invoice).number == 1
    assert fetch(Invoice, make.invoice()).number == 2


@pytest.mark.usefixtures("sandbox")
def test_a_charge_from_draft_issues_the_invoice(app: Any, make: Factory) -> None:
    user = make.user()
    keep(user)
    invoice = make.invoice(user, state="draft")
    charge(invoice)
    assert fetch(Invoice, invoice).number == 1
