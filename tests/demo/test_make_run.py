"""The whole demo, as `make run` starts it: twice, with a kill in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

from demo.folder import hold
from demo.layout import Layout
from demo.ports import HOST, Ports, refuse_taken
from demo.terminal import Terminal
from tests.demo.conftest import ROOT, wait_until

SET = {"COUNTERFOIL_MODE", "DATABASE_URL", "GATEWAY_URL", "MAKELEVEL", "REDIS_URL", "SMTP_HOST"}


def start(folder: Path, port: int) -> tuple[subprocess.Popen[str], str]:
    """A demo that is ready, and what it has said until then."""
    environment = {name: value for name, value in os.environ.items() if name not in SET}
    process = subprocess.Popen(
        [sys.executable, "-m", "demo", "--folder", str(folder)],
        cwd=ROOT,
        env=environment | {"PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("Ctrl-C ends everything."):
            return process, said
    raise AssertionError(said)


def end(process: subprocess.Popen[str], number: signal.Signals, layout: Layout) -> None:
    """Send the signal, and see that folder and ports are free again by then."""
    process.send_signal(number)
    process.wait(20)
    with hold(layout.folder, Terminal()):
        refuse_taken(layout.occupied())
    assert process.stdout is not None
    process.stdout.close()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}{address}", timeout=20) as answer:
            return bool(answer.status == 200)
    except HTTPError as refused:
        refused.close()
        return False


def test_the_demo_starts_by_itself_and_keeps_its_data(tmp_path: Path, port: int) -> None:
    layout = Layout(tmp_path, Ports(port), {})
    first, said = start(tmp_path, port)
    try:
        assert f"http://{HOST}:{port}/admin" in said
        assert "Filling it with demo data" in said
        assert answers(f":{port}/healthz")
        assert answers(f":{port + 2}/")
        assert wait_until(lambda: answers(f":{port}/readyz"))
        made = layout.database.stat().st_ino
    finally:
        end(first, signal.SIGKILL, layout)
    again, said = start(tmp_path, port)
    try:
        assert "Filling it with demo data" not in said
        assert answers(f":{port}/healthz")
        assert layout.database.stat().st_ino == made
    finally:
        end(again, signal.SIGTERM, layout)
    assert again.returncode == 0
