"""The gateway's slowness in the hands of a test, whose own process the sandbox runs in."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest


class Held:
    """Requests that a latency fault struck: they wait until `released`, not for a time.

    The first `passing` of them don't wait at all.
    """

    def __init__(self) -> None:
        self.passing = 0
        self.begun = threading.Event()
        self.released = threading.Event()

    def sleep(self, _seconds: float) -> None:
        """What the sandbox calls instead of ``time.sleep``."""
        self.passing -= 1
        if self.passing < 0:
            self.begun.set()
            self.released.wait(60)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """From now on latency holds requests; `begun` is set when one is, at the fault's moment."""
    holding = Held()
    monkeypatch.setattr("sandbox.faults.time", holding)
    yield holding
    holding.released.set()
