"""Money never lies, whatever verbs, crashes, timeouts and days an office goes through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.billing.money_machine import MoneyMachine
from tests.billing.money_office import OFFICE, Office
from tests.support import Factory


@pytest.fixture
def office(app: Any, make: Factory, sandbox: Any, time: Any) -> Iterator[Office]:
    sandbox.control("settings", {"duplicate_checking": False, "bank_debits_voidable": True})
    OFFICE.append(Office(make, sandbox, time))
    yield OFFICE[-1]
    OFFICE.pop()


def test_no_sequence_of_verbs_and_accidents_makes_money_lie(office: Office) -> None:
    run_state_machine_as_test(
        MoneyMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
        ),
    )
