"""Fixtures of the tests of applications."""

from __future__ import annotations

from tests.billing.conftest import POSTGRESQL, card, proven

__all__ = ["POSTGRESQL", "card", "proven"]
