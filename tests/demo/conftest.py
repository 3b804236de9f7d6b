"""Stand-ins for the demo's processes: small, real, and as stubborn as the worst of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from demo.services import alive
from tests.ports import free_block

ROOT = Path(__file__).resolve().parents[2]

# Ignores every polite request, and has a child in a session of its own that does so too.
STUBBORN = """
import os, signal, subprocess, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
sleep = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", sleep], start_new_session=True)
time.sleep(0.3)
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}")
time.sleep(60)
"""

# Dies as soon as the file named on its command line is there.
MORTAL = """
import pathlib, sys, time
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.05)
print("the disk is full")
sys.exit(3)
"""

SUPERVISE = """
import os, sys
from pathlib import Path
from demo.__main__ import report
from demo.folder import hold
from demo.services import Service
from demo.supervisor import AskedToEnd, Supervisor
from demo.terminal import Terminal

folder, stubborn, mortal = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
grace = float(sys.argv[4])

def act(terminal):
    here = (folder, os.environ, terminal)
    with hold(folder, terminal) as lock, Supervisor(*here, lock, grace) as all:
        all.start(Service("stubborn", [sys.executable, "-c", stubborn, "pids.new"]))
        dies = all.start(Service("mortal", [sys.executable, "-c", mortal, "die"])).process.pid
        (folder / "mortal").write_text(str(dies))
        all.wait_for("stubborn", lambda: (folder / "pids.new").exists(), 60)
        (folder / "pids.new").rename(folder / "pids")
        all.forever()

sys.exit(report(act, Terminal()))
"""


class Demo:
    """A supervisor over the two stand-ins, and the ids of everything it started.

    What it ends has `grace` seconds to do so by itself; `mortal` is the one that does at once.
    """

    def __init__(self, folder: Path, window: int = subprocess.PIPE, grace: float = 1) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISE, str(folder), STUBBORN, MORTAL, str(grace)],
            cwd=ROOT,
            stdout=window,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert wait_until((folder / "pids").exists, 60)
        self.pids = [int(pid) for pid in (folder / "pids").read_text().split()]
        self.mortal = int((folder / "mortal").read_text())

    @property
    def stdout(self) -> IO[str]:
        """What it says, where it isn't in a window."""
        assert self.process.stdout is not None
        return self.process.stdout

    def ended(self, seconds: float = 20.0) -> bool:
        """Whether supervisor, children and grandchildren are all gone within the time."""
        pids = [self.process.pid, *self.pids]
        return wait_until(
            lambda: self.process.poll() is not None and not any(map(alive, pids)), seconds
        )

    def kill(self) -> None:
        for pid in [self.process.pid, *self.pids]:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A running supervisor; whatever a failing test leaves of it is killed."""
    started = Demo(tmp_path)
    yield started
    started.kill()


@pytest.fixture
def port() -> int:
    """The first port of a free block."""
    return free_block()


@pytest.fixture
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m demo …` to its end."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "MAKELEVEL")}
        return subprocess.run(
            [sys.executable, "-m", "demo", *words],
            cwd=ROOT,
            env=inherited | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Look until it is so; returns whether it came to be so in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.03)
    return True
