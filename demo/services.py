"""One process of the demo: how it is started, heard, and tied to the life of its supervisor."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
PR_SET_PDEATHSIG = 1
LAST_LINES = 15
LONGEST_LINE = 4000


@dataclass(frozen=True)
class Service:
    """A command with a name; what a quiet one says is shown only if it fails."""

    name: str
    command: list[str]
    quiet: bool = False


class Running:
    """A started service. It leads its own session, so a terminal's Ctrl-C reaches us alone."""

    def __init__(self, service: Service, environment: Mapping[str, str], folder: Path) -> None:
        self.service = service
        self.last: deque[str] = deque(maxlen=LAST_LINES)
        self.unfinished = b""
        self.process = subprocess.Popen(
            service.command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=tied_to(os.getpid()),
        )
        assert self.process.stdout is not None
        self.output = self.process.stdout.fileno()
        os.set_blocking(self.output, False)

    def read(self) -> list[str] | None:
        """The whole lines said since last time; None once it has closed its output."""
        try:
            piece = os.read(self.output, 65536)
        except BlockingIOError:
            return []
        *whole, self.unfinished = (self.unfinished + piece).split(b"\n")
        if self.unfinished and (not piece or len(self.unfinished) > LONGEST_LINE):
            whole.append(self.unfinished)
            self.unfinished = b""
        lines = [readable(line) for line in whole]
        self.last.extend(line for line in lines if line)
        return lines if piece else (lines or None)


def readable(line: bytes) -> str:
    """A process's line with nothing in it that could steer the terminal."""
    text = line.decode("utf-8", "replace").rstrip()
    return "".join(sign if sign.isprintable() or sign == "\t" else "�" for sign in text)


def tied_to(parent: int) -> Callable[[], None] | None:
    """What a process does to be sent SIGTERM when `parent` is gone, however that ended.

    Linux sees to it (`PR_SET_PDEATHSIG`); elsewhere the guard alone does.
    """
    if platform.system() != "Linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return tie


def marked(mark: str) -> set[int]:
    """All processes that have `mark` in their environment: a service's descendants, however far
    they moved away from it (own session, own group, orphaned)."""
    if (PROC / "self" / "environ").exists():
        sign = mark.encode()
        found = set()
        for entry in PROC.iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if sign in (entry / "environ").read_bytes().split(b"\0"):
                        found.add(int(entry.name))
        return found - {os.getpid()}
    listed = subprocess.run(
        ["ps", "-axEww", "-o", "pid=,command="], capture_output=True, text=True, errors="replace"
    )
    lines = (line.split(None, 1) for line in listed.stdout.splitlines() if mark in line)
    return {int(line[0]) for line in lines} - {os.getpid()}


def alive(pid: int) -> bool:
    """Whether this process still runs; one that only waits to be collected doesn't."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not (PROC / "self" / "stat").exists()


def send(pids: set[int], number: signal.Signals) -> None:
    """Send a signal to those of the processes that are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
