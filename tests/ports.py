"""Ports for what can't be told to take any free one: found free now, listened on a while later.

They lie below those the system gives to outgoing connections, and every worker of a run has a range
of its own, so nobody else takes them in between.
"""

from __future__ import annotations

import os
import random

from demo.ports import BLOCK, probe

LOWEST = 20_000
RANGE = 400
WORKERS = 30


def free_block() -> int:
    """The first of as many neighbouring free ports as a demo occupies."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    lowest = LOWEST + worker * RANGE
    blocks = list(range(lowest, lowest + RANGE, BLOCK))
    random.shuffle(blocks)
    for first in blocks:
        try:
            for port in range(first, first + BLOCK):
                probe(port)
        except OSError:
            continue
        return first
    raise RuntimeError(f"no {BLOCK} free ports in a row from {lowest} on")
