"""What the heart is handed at start: a database, a gateway, a way to ask for later work.

``wsgi.py`` binds it once a process. Keeping it in one place is what lets billing know neither
Flask nor RQ nor the environment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Engine

if TYPE_CHECKING:
    from billing.gateway import Gateway


class Enqueue(Protocol):
    """Ask for a named job over some record ids. Called after the commit; may lose the request:
    every job also has a sweep that finds its work in the database."""

    def __call__(self, name: str, ids: list[int]) -> None: ...


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Runtime:
    """The heart's surroundings.

    engine        -- the database
    gateway       -- the payment gateway's adapter
    enqueue       -- asks for later work
    link_secret   -- key of the invoice links
    public_url    -- address customers reach us at, without a trailing slash
    end_reading   -- ends the caller's reading transaction before a verb begins its own
    forget_read   -- makes the caller read anew what a verb may have changed
    is_reading    -- whether the caller has a reading transaction open
    """

    engine: Engine
    gateway: Gateway
    enqueue: Enqueue
    link_secret: str
    public_url: str
    end_reading: Callable[[], None] = _nothing
    forget_read: Callable[[], None] = _nothing
    is_reading: Callable[[], bool] = bool


_current: Runtime | None = None


def bind(runtime: Runtime) -> None:
    """Make ``runtime`` this process's surroundings."""
    global _current
    _current = runtime


def current() -> Runtime:
    """Return what was bound; a process that forgot to bind is a programming error."""
    if _current is None:
        raise RuntimeError("billing.runtime.bind() has not been called in this process")
    return _current
