"""``/healthz``: the process is up. ``/readyz``: it can do its work, or what is wrong."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select, text

from billing import clock
from models import OutgoingEmail, db
from models.states import EmailState

log = logging.getLogger(__name__)

OUTBOX_PATIENCE = dt.timedelta(minutes=15)
Probe = Callable[[], str | None]


def register(app: Flask, probes: dict[str, Probe]) -> None:
    """Add both addresses. A probe returns None when all is well, else what is wrong."""
    everything: dict[str, Probe] = {"database": _database, "outbox": _outbox, **probes}

    def healthz() -> ResponseReturnValue:
        return jsonify(status="up")

    def readyz() -> ResponseReturnValue:
        problems = {}
        for name, probe in everything.items():
            try:
                problem = probe()
            except Exception:
                log.exception("readiness probe %s failed", name)
                problem = "does not answer"
            if problem:
                problems[name] = problem
        checks = {name: problems.get(name, "ok") for name in everything}
        status = "not ready" if problems else "ready"
        return jsonify(status=status, checks=checks), 503 if problems else 200

    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)


def _database() -> str | None:
    db.session.execute(text("SELECT 1"))
    return None


def _outbox() -> str | None:
    waiting = db.session.scalar(
        select(func.min(OutgoingEmail.next_try_at)).where(
            OutgoingEmail.state.in_((EmailState.QUEUED, EmailState.SENDING))
        )
    )
    if waiting and clock.now() - waiting > OUTBOX_PATIENCE:
        return "e-mail has been waiting for more than 15 minutes"
    return None
