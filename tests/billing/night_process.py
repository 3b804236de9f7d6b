"""A process of its own that charges: one invoice, or a whole night's run; it may die at a sale.

Usage: python -m tests.billing.night_process ORDER, where ORDER is JSON: database, gateway, clock,
invoice (0: the nightly run), die ("", "before" or "after" the gateway's work) and at (which sale,
from 1). Prints "ready", waits for a line, then prints the outcome or refusal.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from billing import charging, clock, database, nightly, runtime
from billing.braintree_gateway import BraintreeGateway
from billing.errors import Refusal
from billing.gateway import Account, Answer, Order
from config import ROOT, SANDBOX_ACCOUNT, Config
from models import Invoice
from tests.support import STAFF, fetch


class DoomedLater:
    """The real gateway in a process that is killed around its n-th sale."""

    def __init__(self, real: BraintreeGateway, when: str, at: int) -> None:
        self._real = real
        self._when = when
        self._left = at

    def sale(self, order: Order) -> Answer:
        self._left -= 1
        if self._left:
            return self._real.sale(order)
        if self._when == "after":
            self._real.sale(order)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("unreachable")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def begin(config: Config, *, invoice: int = 0, die: str = "", at: int = 1) -> subprocess.Popen[str]:
    """Start the process; it is ready and waits for ``finish``."""
    order = {
        "database": config.database_url,
        "gateway": config.gateway_url,
        "clock": str(config.clock_file),
        "invoice": invoice,
        "die": die,
        "at": at,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.billing.night_process", json.dumps(order)],
        cwd=Path(ROOT),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    """Let it begin its work."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def finish(process: subprocess.Popen[str]) -> str:
    """Return what it said at its end."""
    return process.communicate(timeout=120)[0].strip()


def _enqueue_nothing(name: str, ids: list[int]) -> None:
    """Redis is gone: nothing here may depend on it."""


def _work(invoice_id: int) -> str:
    if not invoice_id:
        return nightly.run_nightly().sentence
    balance = fetch(Invoice, invoice_id).balance
    try:
        return charging.charge_customer(invoice_id, shown_balance=balance, actor=STAFF).outcome
    except Refusal as refusal:
        return f"refused {refusal.code}"


def main(order: dict[str, Any]) -> None:
    clock.read_offset_from(Path(order["clock"]))
    engine = create_engine(order["database"])
    database.prepare_engine(engine)
    gateway: Any = BraintreeGateway(Account("local", *SANDBOX_ACCOUNT, url=order["gateway"]))
    if order["die"]:
        gateway = DoomedLater(gateway, order["die"], order["at"])
    runtime.bind(runtime.Runtime(engine, gateway, _enqueue_nothing, "secret", "http://127.0.0.1"))
    print("ready", flush=True)
    sys.stdin.readline()
    print(_work(order["invoice"]), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
