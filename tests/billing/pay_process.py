"""A process of its own that pays invoices; run by the tests of races and of sudden death.

It binds the heart by itself, because starting the whole application takes seconds.
Usage: python -m tests.billing.pay_process ORDER, where ORDER is JSON: database, gateway, clock,
invoice, nonces, shown and die ("", "before" or "after" the gateway's work). Prints "ready", waits
for a line, then prints one outcome or refusal a nonce.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from billing import clock, database, runtime
from billing.braintree_gateway import BraintreeGateway
from billing.errors import Refusal
from billing.gateway import Account, Answer, Order
from config import SANDBOX_ACCOUNT
from tests.billing.helpers import pay, together


class Doomed:
    """The real gateway in a process that is killed around one sale."""

    def __init__(self, real: BraintreeGateway, when: str) -> None:
        self._real = real
        self._when = when

    def sale(self, order: Order) -> Answer:
        if self._when == "after":
            self._real.sale(order)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("unreachable")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _enqueue_nothing(name: str, ids: list[int]) -> None:
    """Redis is gone: nothing here may depend on it."""


def main(order: dict[str, Any]) -> None:
    clock.read_offset_from(Path(order["clock"]))
    engine = create_engine(order["database"])
    database.prepare_engine(engine)
    gateway: Any = BraintreeGateway(Account("local", *SANDBOX_ACCOUNT, url=order["gateway"]))
    if order["die"]:
        gateway = Doomed(gateway, order["die"])
    runtime.bind(runtime.Runtime(engine, gateway, _enqueue_nothing, "secret", "http://127.0.0.1"))

    def attempt(nonce: str) -> str:
        try:
            return pay(order["invoice"], nonce, shown=order["shown"]).outcome
        except Refusal as refusal:
            return f"refused {refusal.code}"

    print("ready", flush=True)
    sys.stdin.readline()
    results = together(nullcontext, [partial(attempt, nonce) for nonce in order["nonces"]])
    for result in results:
        print(result, flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
