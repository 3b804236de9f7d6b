"""What the tests of payments in person share: the counter's address, its forms, its answers."""

from __future__ import annotations

import html
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from applications.fees import lock_with_user, recompute
from billing.database import reading, transaction
from models import Application, Invoice, Payment
from models.states import FeeRule
from tests.applications.helpers import set_fee
from tests.support import STAFF, fetch

VISA = "fake-valid-nonce"


def at_counter(invoice_id: int) -> str:
    return f"/admin/invoice/in-person/?id={invoice_id}"


def at_settle(application_id: int) -> str:
    return f"/admin/application/settle/?id={application_id}"


def text_of(answer: Any) -> str:
    return html.unescape(answer.get_data(as_text=True))


def paying(invoice_id: int, tender: str, amount: str | None = None, **typed: str) -> dict[str, str]:
    """The counter's form as it would be posted; ``amount`` as typed, else the whole balance."""
    balance = fetch(Invoice, invoice_id).balance
    return {
        "do": "process",
        "tender": tender,
        "amount": f"{balance / 100:.2f}" if amount is None else amount,
        "shown_balance": str(balance),
        **typed,
    }


def hold_on(post: Any, client: FlaskClient, invoice_id: int, **typed: str) -> Payment:
    """Authorize a card at the counter and return the payment that holds the amount."""
    form = paying(invoice_id, "card", do="authorise", nonce=VISA)
    assert post(client, at_counter(invoice_id), {**form, **typed}).status_code == 303
    return newest_payment()


def newest_payment() -> Payment:
    with reading() as session:
        found = session.scalars(select(Payment).order_by(Payment.id.desc()).limit(1)).first()
    assert found is not None
    return found


def step(payment: Payment, do: str, **typed: str) -> dict[str, str]:
    return {"do": do, "hold": str(payment.id), **typed}


def application_eye(application_id: int) -> str:
    return f"/admin/application/details/?id={application_id}"


def change_fees(application_id: int, amount: int) -> None:
    """Let the form's resident fee be another and work the application's fees out anew."""
    set_fee(fetch(Application, application_id).form_id, FeeRule.RESIDENT, amount)
    with transaction() as session:
        recompute(session, lock_with_user(session, application_id), STAFF, "Fees changed")
