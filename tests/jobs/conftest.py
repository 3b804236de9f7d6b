"""Fixtures of the jobs' tests."""

from __future__ import annotations

from tests.billing.conftest import proven
from tests.held import held
from tests.messaging.conftest import sink

__all__ = ["held", "proven", "sink"]
