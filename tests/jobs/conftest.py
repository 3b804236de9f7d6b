"""Fixtures of the jobs' tests."""

from __future__ import annotations

from tests.messaging.conftest import sink

__all__ = ["sink"]
