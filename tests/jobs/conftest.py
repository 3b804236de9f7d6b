"""Fixtures of the jobs' tests."""

from __future__ import annotations

from tests.billing.conftest import proven
from tests.messaging.conftest import sink

__all__ = ["proven", "sink"]
