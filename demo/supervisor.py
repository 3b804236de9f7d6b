"""Runs the demo's processes as one: they start together, are heard together and end together."""

from __future__ import annotations

import contextlib
import secrets
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

from demo.guard import GRACE, end_all
from demo.problems import DemoProblem
from demo.services import Running, Service
from demo.terminal import Terminal

MARK = "COUNTERFOIL_DEMO_RUN"
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
POLL = 0.1


class AskedToEnd(Exception):
    """Ctrl-C, SIGTERM, or the terminal was closed; the message says which."""


class Supervisor:
    """A context: on leaving it, for whatever reason, every process it started is gone.

    `folder` is where commands run, `environment` what they see; `lock` is the file whose lock is
    to be held for as long as anything runs; processes asked to end have `grace` seconds to do so.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        terminal: Terminal,
        lock: int,
        grace: float = GRACE,
    ) -> None:
        self.folder = folder
        self.terminal = terminal
        self.lock = lock
        self.grace = grace
        run = secrets.token_hex(16)
        self.mark = f"{MARK}={run}"
        self.environment = {**environment, MARK: run}
        self.running: dict[int, Running] = {}
        self.selector = selectors.DefaultSelector()
        self.asked = 0
        self.why = ""

    def __enter__(self) -> Supervisor:
        for number in ENDING:
            signal.signal(number, self.ask)
        self.guard = subprocess.Popen(
            [sys.executable, "-m", "demo.guard", self.mark, str(self.grace)],
            cwd=Path(__file__).resolve().parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[self.lock],
        )
        return self

    def __exit__(self, *problem: object) -> None:
        # What came twice at once is one request: a closing window says so by more than one way.
        self.asked = 0
        direct = {each.process.pid for each in self.running.values()}
        end_all(direct, self.mark, self.grace, self.wind_down)
        self.tell("done")
        with contextlib.suppress(BrokenPipeError):
            self.guard.communicate(timeout=5)
        self.selector.close()

    def ask(self, number: int, frame: FrameType | None) -> None:
        """The signal handler: note it; the loop acts within a moment."""
        self.asked += 1
        self.why = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name

    def tell(self, word: str) -> None:
        """Let the guard know."""
        assert self.guard.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.guard.stdin.write(f"{word}\n".encode())
            self.guard.stdin.flush()

    def start(self, service: Service) -> Running:
        """Start one service. Raises DemoProblem if its program can't be run."""
        try:
            started = Running(service, self.environment, self.folder)
        except OSError as problem:
            raise DemoProblem(f"{service.name} can't be started: {problem.strerror}") from problem
        self.tell(f"+{started.process.pid}")
        self.running[started.output] = started
        self.selector.register(started.output, selectors.EVENT_READ, started)
        return started

    def step(self, service: Service) -> None:
        """Run a service that does its work and ends. Raises DemoProblem when it fails."""
        started = self.start(service)
        while started.process.poll() is None:
            self.pump(ending=started)
        self.hear(started)
        self.forget(started)
        if started.process.returncode:
            self.repeat(started)
            raise DemoProblem(f"{service.name} failed; its last lines are above.")

    def wait_for(self, name: str, answers: Callable[[], bool], seconds: float) -> None:
        """Wait until a service answers. Raises DemoProblem after `seconds`."""
        deadline = time.monotonic() + seconds
        while not answers():
            if time.monotonic() > deadline:
                raise DemoProblem(f"{name} didn't answer within {seconds:.0f} seconds.")
            self.pump()

    def forever(self) -> None:
        """Pass on what the processes say until one ends or we are asked to end."""
        while True:
            self.pump()

    def pump(self, ending: Running | None = None) -> None:
        """Hear the processes for a moment.

        Raises AskedToEnd, or DemoProblem when one of them, except `ending`, has ended.
        """
        for key, _ in self.selector.select(POLL):
            self.hear(key.data)
        if self.asked:
            raise AskedToEnd(self.why)
        if self.terminal.closed():
            raise AskedToEnd("the window was closed")
        for each in list(self.running.values()):
            if each is not ending and each.process.poll() is not None:
                self.hear(each)
                self.forget(each)
                self.repeat(each)
                raise DemoProblem(self.obituary(each))

    def hear(self, each: Running) -> None:
        lines = each.read()
        if lines is None:
            with contextlib.suppress(KeyError):
                self.selector.unregister(each.output)
        for line in [] if each.service.quiet else lines or []:
            self.terminal.said(each.service.name, line)

    def repeat(self, each: Running) -> None:
        """Say again what it said last: the cause, which others may have talked over."""
        self.terminal.line()
        for line in each.last:
            self.terminal.said(each.service.name, line)

    def obituary(self, each: Running) -> str:
        code = each.process.returncode
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        words = "its last lines are above" if each.last else "it said nothing"
        return f"{each.service.name} has ended ({how}; {words}), so everything is ended."

    def forget(self, each: Running) -> None:
        self.tell(f"-{each.process.pid}")
        with contextlib.suppress(KeyError):
            self.selector.unregister(each.output)
        del self.running[each.output]

    def wind_down(self, seconds: float) -> None:
        """While ending: collect the dead; asked a second time, be quick about it."""
        time.sleep(seconds)
        for each in self.running.values():
            each.process.poll()
            with contextlib.suppress(OSError):
                each.read()
            if self.asked:
                each.process.kill()
