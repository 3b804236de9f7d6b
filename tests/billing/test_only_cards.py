"""A bank is never asked for money without a mandate, whatever the form for a card is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from billing import charging, in_person
from billing.errors import Refusal
from models import Invoice, Payment
from sandbox.server import Server
from tests.billing.helpers import CUSTOMER, SEPA, pay
from tests.support import STAFF, Factory, all_of, fetch, payments_of

pytestmark = pytest.mark.usefixtures("sandbox", "proven")


def account(server: Server) -> str:
    """What the gateway's script makes of a bank account that somebody typed."""
    return server.desk.store.create_bank_nonce(
        account_number="1000000000", routing_number="021000021", account_holder_name="Zoë Martin"
    ).nonce


def typed(invoice: int, nonce: str) -> object:
    return pay(invoice, nonce)


def typed_for_several(invoice: int, nonce: str) -> object:
    return charging.pay_invoices([invoice], nonce=nonce, shown_total=2000, actor=CUSTOMER)


def held(invoice: int, nonce: str) -> object:
    return in_person.authorise_card(
        invoice, nonce=nonce, amount=2000, shown_balance=2000, actor=STAFF
    )


@pytest.mark.parametrize("verb", [typed, typed_for_several, held])
@pytest.mark.parametrize("tokenise", [account, lambda _server: SEPA])
def test_an_account_is_refused_before_its_bank_is_asked(
    make: Factory,
    sandbox: Any,
    sandbox_server: Server,
    verb: Callable[[int, str], object],
    tokenise: Callable[[Server], str],
) -> None:
    invoice = make.invoice(total=2000)
    with pytest.raises(Refusal) as refused:
        verb(invoice, tokenise(sandbox_server))
    assert refused.value.code == "not_a_card"
    assert refused.value.sentence == "Only cards can be used here. Nothing was charged."
    assert sandbox.transactions() == []
    # Staff find the attempt; the customer can pay with a card at once.
    [payment] = payments_of(invoice)
    assert (payment.state, payment.message) == ("failed", "Only cards can be used here")
    assert fetch(Invoice, invoice).state == "sent"
    assert pay(invoice).outcome == "paid"


def test_without_an_answer_about_the_card_nothing_is_asked_for(make: Factory, sandbox: Any) -> None:
    invoice = make.invoice(total=2000)
    sandbox.fault("nonce", "drop", "after")
    assert pay(invoice).outcome == "failed"
    assert sandbox.transactions() == []
    assert [payment.message for payment in all_of(Payment)] == ["Gateway not reachable"]
    assert fetch(Invoice, invoice).state == "sent"


def test_a_card_nobody_knows_is_to_be_typed_again(make: Factory, sandbox: Any) -> None:
    invoice = make.invoice(total=2000)
    attempt = pay(invoice, "made-up")
    assert (attempt.outcome, attempt.code) == ("failed", "91565")
    assert attempt.sentence == "Nothing was charged. Please enter the card again."
    assert sandbox.transactions() == []
