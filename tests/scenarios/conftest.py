"""The demo as a newcomer starts it: every process real, and a browser in front of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from demo.ports import Ports
from tests.messaging.conftest import sink
from tests.ports import free_block
from tests.scenarios.office import ROOT, Office
from tools.browser import find_chromium

__all__ = ["sink"]

GIVEN = ("DATABASE_URL", "REDIS_URL", "SMTP_HOST", "GATEWAY_URL", "SECRET_KEY")


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    """A running demo with data of its own, ended with everything it started."""
    folder = Path(tempfile.mkdtemp(prefix="cfd-"))
    port = free_block()
    environment = {name: value for name, value in os.environ.items() if name not in GIVEN}
    environment["PORT"] = str(port)
    process = subprocess.Popen(
        [sys.executable, "-m", "demo", "--folder", str(folder)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        started = Office(Ports(port), folder, process)
        started.wait_until_ready()
        yield started
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield launched
        launched.close()
