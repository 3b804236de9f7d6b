"""The only source of time. Inside, a point in time is aware UTC; a day is the office's local date.

In the demo, staff move time: every process then reads the same small file, which holds by how many
seconds the office's clock is ahead.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

_offset: Callable[[], dt.timedelta] = dt.timedelta


def now() -> dt.datetime:
    """Return the present moment, aware, in UTC."""
    return dt.datetime.now(dt.UTC) + _offset()


def today(timezone: str) -> dt.date:
    """Return the local date in ``timezone`` (an IANA name such as ``America/Chicago``)."""
    return now().astimezone(ZoneInfo(timezone)).date()


def local(moment: dt.datetime, timezone: str) -> dt.datetime:
    """Return ``moment`` as the wall clock in ``timezone`` shows it."""
    return moment.astimezone(ZoneInfo(timezone))


def read_offset_from(path: Path | None) -> None:
    """Take the demo clock's offset in seconds from ``path`` from now on; None: real time."""
    global _offset
    _offset = dt.timedelta if path is None else lambda: file_offset(path)


def file_offset(path: Path) -> dt.timedelta:
    """Return the offset that ``path`` holds, nothing when it is missing or empty."""
    try:
        return dt.timedelta(seconds=int(path.read_text() or 0))
    except (FileNotFoundError, ValueError):
        return dt.timedelta()
