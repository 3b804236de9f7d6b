"""One unit of work: an open database transaction with the knobs and the time that hold in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox import clock
from sandbox.options import Options
from sandbox.store import Store


@dataclass(frozen=True)
class Work:
    """What a piece of gateway logic needs: rows, settings, options, and the sandbox's time."""

    db: sqlite3.Connection
    settings: dict[str, Any]
    options: Options
    now: int


@dataclass(frozen=True)
class Desk:
    """Where work is begun: the store together with the options it serves."""

    store: Store
    options: Options

    @contextmanager
    def reading(self) -> Iterator[Work]:
        """Look without changing anything."""
        with self.store.reading() as db:
            yield self._work(db)

    @contextmanager
    def writing(self) -> Iterator[Work]:
        """Change things, all or nothing, one writer at a time."""
        with self.store.writing() as db:
            yield self._work(db)

    def _work(self, db: sqlite3.Connection) -> Work:
        return Work(db, self.store.settings(db), self.options, clock.now(db))
