"""Fixtures of the heart's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from billing import clock
from billing.proof import verify
from sandbox.server import Server

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
