"""The demo clock: staff move time, and everything that waits for time happens.

Every process of the demo reads the same small file; the sandbox gateway keeps a clock of its own
and is told over its control address, so debits settle and cards are collected there as well.
"""

from __future__ import annotations

import datetime as dt
import json
import urllib.request
from pathlib import Path

from billing import clock

TIMEOUT_SECONDS = 20


class DemoClock:
    """Moves the office's and the gateway's time forward together; never back."""

    def __init__(self, path: Path, gateway_url: str) -> None:
        self._path = path
        self._gateway_url = gateway_url

    def advance(self, delta: dt.timedelta) -> None:
        """Make it ``delta`` later. Raises ``OSError`` when the gateway can't be told, and then
        changes nothing here either."""
        seconds = int(delta.total_seconds())
        self._tell_gateway(seconds)
        ahead = int(clock.file_offset(self._path).total_seconds()) + seconds
        fresh = self._path.with_suffix(".new")
        fresh.write_text(str(ahead))
        fresh.replace(self._path)

    def _tell_gateway(self, seconds: int) -> None:
        request = urllib.request.Request(  # noqa: S310 -- the sandbox's own address
            f"{self._gateway_url}/control/clock",
            data=json.dumps({"advance_seconds": seconds}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
            return
