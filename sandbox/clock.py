"""The sandbox's own time: the machine's clock plus an offset kept in its database.

Moving the offset is how a demo settles a debit that takes three days. Times are whole seconds
since 1970, UTC.
"""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime

DAY = 86_400
HOUR = 3_600


def now(db: sqlite3.Connection) -> int:
    """Seconds since 1970 (UTC) by the sandbox's clock."""
    row = db.execute("SELECT seconds FROM clock").fetchone()
    return int(time.time()) + int(row[0])


def advance(db: sqlite3.Connection, seconds: int) -> int:
    """Move the clock by `seconds` (it may only go forward) and return the new time.

    Raises ValueError for a negative step: what has settled cannot unsettle.
    """
    if seconds < 0:
        raise ValueError("The clock only moves forward.")
    db.execute("UPDATE clock SET seconds = seconds + ?", (seconds,))
    return now(db)


def moment(seconds: int) -> datetime:
    """The aware UTC datetime of `seconds`."""
    return datetime.fromtimestamp(seconds, UTC)
