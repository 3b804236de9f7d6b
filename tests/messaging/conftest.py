"""Fixtures of the tests of messages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from jobs.smtp import mail
from tests.messaging.helpers import Sink


@pytest.fixture
def sink(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    """A real mail server that this process's letters go to; it keeps what it accepted."""
    with Sink() as server:
        monkeypatch.setattr(mail, "suppress", False)
        monkeypatch.setattr(mail, "server", server.host)
        monkeypatch.setattr(mail, "port", server.port)
        monkeypatch.setattr(mail, "use_tls", False)
        yield server
