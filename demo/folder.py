"""The demo's folder: private, used by one demo at a time, emptied only when nothing runs."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.problems import DemoProblem
from demo.services import alive
from demo.terminal import Terminal

LOCK = ".lock"
# A killed demo's processes are gone after this many seconds.
AFTERMATH = 30.0


@contextmanager
def hold(folder: Path, terminal: Terminal) -> Iterator[int]:
    """Have the folder for ourselves; gives the file that carries the lock.

    Waits for the remains of a killed demo. Raises DemoProblem when a living one has the folder.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        wait_for_lock(folder, lock, terminal)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield lock
    finally:
        os.close(lock)


def wait_for_lock(folder: Path, lock: int, terminal: Terminal) -> None:
    deadline = time.monotonic() + AFTERMATH
    waiting = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            owner = os.pread(lock, 20, 0).decode().strip()
            if (owner.isdigit() and alive(int(owner))) or time.monotonic() > deadline:
                raise DemoProblem(
                    f"A demo is already running in {folder} (process {owner or 'unknown'}). "
                    "End it there with Ctrl-C first."
                ) from held
            if not waiting:
                terminal.step("The last run was cut off; waiting for its processes to end.")
                waiting = True
            time.sleep(0.1)
        else:
            return


def empty(folder: Path, keep: Collection[str] = ()) -> None:
    """Delete everything in the folder but what to keep, and its lock, which we are holding."""
    for entry in folder.iterdir():
        if entry.name in (LOCK, *keep):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
