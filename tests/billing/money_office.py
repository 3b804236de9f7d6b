"""What the money machine works on: an office, a process that may die, the draws of chance."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from billing import runtime
from models.states import BillingTrigger
from tests.billing.helpers import SEPA, VISA, keep
from tests.support import Factory


class SuddenDeathError(BaseException):
    """The process is gone: nothing of ours may run any more, no handler either."""


class Fragile:
    """The real gateway, in a process that may die before a call or after it."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.dies = ""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._real, name)

        def call(*args: Any, **named: Any) -> Any:
            dies, self.dies = self.dies, ""
            if dies == "before":
                raise SuddenDeathError
            answer = method(*args, **named)
            if dies == "after":
                raise SuddenDeathError
            return answer

        return call


class Office:
    """What the machine works on: two customers of one database, and the knobs of chance."""

    def __init__(self, make: Factory, sandbox: Any, time: Any) -> None:
        self.make, self.sandbox, self.time = make, sandbox, time
        self.gateway = Fragile(runtime.current().gateway)
        bound: Any = self.gateway
        runtime.bind(dataclasses.replace(runtime.current(), gateway=bound))
        make.settings(other_amounts=True)
        self.users = [make.user(billing_trigger=BillingTrigger.AUTOMATIC) for _ in range(2)]
        keep(self.users[0], VISA)
        keep(self.users[1], SEPA)


def pick_of(rows: list[Any], fitting: list[Any], pick: int) -> Any:
    """Mostly a record the verb may do something with, now and then any."""
    chosen = rows if pick % 8 == 0 or not fitting else fitting
    return chosen[pick // 8 % len(chosen)]


OFFICE: list[Office] = []
FATES = st.sampled_from(["", "", "", "die before", "die after", "drop before", "drop after", "500"])
PARTS = st.sampled_from([1, 2, 2])
SAID = st.sampled_from(["open", "won", "lost", "lost"])
PICK = st.integers(0, 10**6)
