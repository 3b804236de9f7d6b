"""Fixtures of the heart's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from billing import clock, reconciliation
from billing.proof import verify
from models import Payment
from sandbox.server import Server
from tests.billing.disputing import settled
from tests.held import held
from tests.support import Factory, fetch

__all__ = ["held"]

# What the machine asserts shall say what it saw, as a test does.
pytest.register_assert_rewrite("tests.billing.money_machine")

POSTGRESQL = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)


@pytest.fixture
def card(sandbox_server: Server, sandbox: Any) -> Callable[..., str]:
    """Return a fresh single-use nonce, as the browser's card fields get one."""

    def nonce(number: str = "4111111111111111") -> str:
        year = str(clock.now().year + 2)
        made = sandbox_server.desk.store.create_card_nonce(number, "12", year, "123")
        return made.nonce

    return nonce


@pytest.fixture
def proven(app: Any, sandbox: Any) -> Iterator[None]:
    """Prove every balance and state anew after the test, the gateway's word included."""
    yield
    sandbox.control("faults", method="DELETE")
    assert verify() == []


@pytest.fixture
def paid_once(app: Any, make: Factory, sandbox: Any) -> tuple[int, Payment]:
    """A paid invoice over 2000 and its settled payment."""
    make.settings(email="office@example.org")
    invoice, payment, _gateway_id = settled(make, sandbox)
    reconciliation.check_payment(payment)
    return invoice, fetch(Payment, payment)
