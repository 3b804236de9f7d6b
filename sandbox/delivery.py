"""Sending webhooks, and letting time pass, in the background."""

from __future__ import annotations

import http.client
import sqlite3
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

from sandbox import lifecycle, notifications
from sandbox.work import Desk, Work

# Braintree tries again hourly; a demo's receiver is usually only being restarted.
RETRY_SECONDS = (2, 10, 30, 120, 600, 3600, 3600, 3600)
TIMEOUT_SECONDS = 30
LEASE_SECONDS = 60
POLL_SECONDS = 0.25
TICK_SECONDS = 2


@dataclass(frozen=True)
class Parcel:
    """One delivery about to be attempted."""

    number: int
    attempts: int
    url: str
    fields: dict[str, str]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())


class Courier:
    """Two threads: one applies what is due every few seconds, one delivers webhooks in order."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._tick, name="sandbox-clock", daemon=True),
            threading.Thread(target=self._deliver, name="sandbox-webhooks", daemon=True),
        ]

    def start(self) -> None:
        """Begin; returns at once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask both threads to end and give them a moment."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout=2)

    def _tick(self) -> None:
        while not self._stopped.wait(TICK_SECONDS):
            try:
                lifecycle.catch_up(self._desk)
            except sqlite3.OperationalError:
                # A busy or full disk: the next tick, or the next read, finds the same work.
                continue

    def _deliver(self) -> None:
        while not self._stopped.is_set():
            try:
                busy = deliver_next(self._desk)
            except sqlite3.OperationalError:
                busy = False
            if not busy:
                self._stopped.wait(POLL_SECONDS)


def deliver_next(desk: Desk) -> bool:
    """Attempt the delivery that is due first; False when none is."""
    parcel = _take(desk)
    if parcel is None:
        return False
    status, error = _post(parcel)
    with desk.writing() as work:
        _record(work, parcel, status, error)
    return True


_DUE = (
    "SELECT * FROM deliveries WHERE held = 0 AND next_attempt_at <= ? "
    "ORDER BY next_attempt_at, number LIMIT 1"
)


def _take(desk: Desk) -> Parcel | None:
    moment = time.time()
    with desk.reading() as work:
        found = work.db.execute(_DUE, (moment,)).fetchone()
        if found is None or not work.settings["webhook_url"]:
            return None
    with desk.writing() as work:
        row = work.db.execute(_DUE, (moment,)).fetchone()
        if row is None:
            return None
        # A lease: if this process dies while sending, the delivery is tried again.
        work.db.execute(
            "UPDATE deliveries SET next_attempt_at = ?, attempts = attempts + 1 WHERE number = ?",
            (moment + LEASE_SECONDS, row["number"]),
        )
        payload = work.db.execute(
            "SELECT payload FROM notifications WHERE number = ?", (row["notification"],)
        ).fetchone()["payload"]
        fields = notifications.signed(work, payload, row["forge"])
        url = str(work.settings["webhook_url"])
        return Parcel(row["number"], row["attempts"] + 1, url, fields)


def _post(parcel: Parcel) -> tuple[int | None, str]:
    body = urllib.parse.urlencode(parcel.fields).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Sandbox"}
    # The address was checked to be http(s) when it was set.
    request = urllib.request.Request(parcel.url, body, headers)  # noqa: S310
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return int(answer.status), ""
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, error.reason
    except (OSError, ValueError, http.client.HTTPException) as error:
        return None, str(error)


def _record(work: Work, parcel: Parcel, status: int | None, error: str) -> None:
    delivered = status is not None and 200 <= status < 300
    tries_left = parcel.attempts <= len(RETRY_SECONDS)
    again = not delivered and tries_left
    work.db.execute(
        "UPDATE deliveries SET last_status = ?, last_error = ?, delivered_at = ?, "
        "next_attempt_at = ? WHERE number = ?",
        (
            status,
            error[:200],
            work.now if delivered else None,
            time.time() + RETRY_SECONDS[parcel.attempts - 1] if again else None,
            parcel.number,
        ),
    )
