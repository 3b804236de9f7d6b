"""However the demo ends, nothing it started is left."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo.folder import hold
from demo.guard import end_all
from demo.services import alive
from demo.terminal import Terminal
from tests.demo.conftest import Demo, wait_until

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("number", "why"),
    [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGHUP")],
)
def test_a_signal_ends_everything(demo: Demo, number: signal.Signals, why: str) -> None:
    demo.process.send_signal(number)
    assert demo.ended()
    assert demo.process.returncode == 0
    assert f"Everything has ended ({why}); the data are kept." in demo.stdout.read()


def test_killing_the_supervisor_ends_everything(demo: Demo) -> None:
    demo.process.kill()
    assert demo.ended()


def test_a_machine_that_stood_still_ends_everything(tmp_path: Path) -> None:
    """A laptop is closed while the demo ends: all its seconds are over when it wakes up."""
    demo = Demo(tmp_path)
    try:
        end_all(set(demo.pids), "no mark", 0.1, lambda _seconds: time.sleep(1.5))
        assert demo.ended()
    finally:
        demo.kill()


def test_a_second_request_to_end_hurries(tmp_path: Path) -> None:
    demo = Demo(tmp_path, grace=50)
    try:
        demo.process.send_signal(signal.SIGTERM)
        assert wait_until(lambda: not alive(demo.mortal))
        assert demo.process.poll() is None
        demo.process.send_signal(signal.SIGTERM)
        assert demo.ended()
    finally:
        demo.kill()


def test_a_dying_process_is_named_and_takes_all_along(demo: Demo) -> None:
    (demo.folder / "die").touch()
    assert demo.ended()
    said = demo.stdout.read()
    assert demo.process.returncode == 1
    assert said.rstrip().splitlines()[-2:] == [
        "mortal    | the disk is full",
        "mortal has ended (exit code 3; its last lines are above), so everything is ended.",
    ]


def test_a_closed_terminal_is_survived_long_enough_to_end(demo: Demo) -> None:
    demo.stdout.close()
    (demo.folder / "die").touch()
    assert demo.ended()
    assert demo.process.returncode == 1


def test_a_closed_window_ends_everything_even_without_a_signal(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    demo = Demo(tmp_path, theirs)
    os.close(theirs)
    os.close(ours)
    try:
        assert demo.ended()
    finally:
        demo.kill()


def test_a_second_start_is_refused_in_one_line(demo: Demo, command: Command, port: int) -> None:
    second = command("--folder", str(demo.folder), PORT=str(port))
    assert second.returncode == 1
    assert second.stderr == ""
    assert second.stdout == (
        f"A demo is already running in {demo.folder} (process {demo.process.pid}). "
        "End it there with Ctrl-C first.\n"
    )


def test_data_are_not_deleted_under_a_running_demo(demo: Demo, command: Command) -> None:
    refused = command("--folder", str(demo.folder), "reset")
    assert refused.returncode == 1
    assert "already running" in refused.stdout
    assert (demo.folder / "pids").exists()


def test_a_start_after_a_kill_waits_for_the_remains(demo: Demo, capsys: Any) -> None:
    os.kill(demo.process.pid, signal.SIGKILL)
    demo.process.wait()
    with hold(demo.folder, Terminal()):
        assert demo.ended(0.1)
    assert capsys.readouterr().out.count("\n") == 1
