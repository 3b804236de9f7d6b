"""What a payment was made with, in words, as the real SDK reads the gateway's answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from billing import braintree_answers, methods
from billing.gateway import Check
from models import PaymentMethod
from sandbox.server import Server
from tests.billing.helpers import VISA, charge, debit_pending, keep, rows_of
from tests.support import STAFF, Factory, payments_of


def test_a_sepa_debit_names_the_end_of_its_account(make: Factory, sandbox: Any) -> None:
    invoice = debit_pending(make)
    [payment] = payments_of(invoice)
    [method] = rows_of(PaymentMethod)
    assert payment.instrument == f"account ending in {method.last_four}"
    assert len(method.last_four) == 4


def test_a_us_debit_names_the_end_of_its_account(
    make: Factory, sandbox: Any, sandbox_server: Server
) -> None:
    user = make.user()
    nonce = sandbox_server.desk.store.create_bank_nonce(
        account_number="1000000000", routing_number="021000021", account_holder_name="Zoë Martin"
    ).nonce
    methods.register_method(
        user, nonce=nonce, mandate="I agree.", check=Check.US_ACCOUNT, actor=STAFF
    )
    invoice = make.invoice(user)
    charge(invoice)
    [payment] = payments_of(invoice)
    [method] = rows_of(PaymentMethod)
    assert payment.instrument == f"account ending in {method.last_four}"
    assert len(method.last_four) == 4


def test_a_card_names_its_brand(make: Factory, sandbox: Any) -> None:
    user = make.user()
    keep(user, VISA)
    invoice = make.invoice(user)
    charge(invoice)
    assert [each.instrument for each in payments_of(invoice)] == ["Visa ending in 1111"]


@pytest.mark.parametrize("kind", ["sepa_debit_account", "us_bank_account", "credit_card"])
def test_without_its_digits_nothing_is_said_to_end_in_nothing(kind: str) -> None:
    for details in (None, SimpleNamespace(last_4=None), SimpleNamespace(last_4="")):
        said = SimpleNamespace(
            payment_instrument_type=kind,
            sepa_direct_debit_account_details=details,
            us_bank_account=details,
            credit_card_details=details,
        )
        assert braintree_answers._instrument(said) == ""
