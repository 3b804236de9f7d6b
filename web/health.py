"""``/healthz``: the process is up. ``/readyz``: it can do its work, or what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import and_, func, or_, select, text

from billing import clock
from billing.mailing import MAX_TRIES, PATIENCE, tried_in_vain
from models import OutgoingEmail, db
from models.states import EmailState

log = logging.getLogger(__name__)

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
    unsent = OutgoingEmail.state.in_((EmailState.QUEUED, EmailState.SENDING))
    longest = db.session.scalar(select(func.min(OutgoingEmail.next_try_at)).where(unsent))
    if longest and clock.now() - longest > PATIENCE:
        return "e-mail has been waiting for more than 15 minutes"
    if _nothing_gets_out():
        return "the mail server has taken no e-mail for more than 15 minutes"
    return None


def _nothing_gets_out() -> bool:
    """Whether letters were tried in vain and none that is newer has got out.

    A single address that takes nothing is no reason to be unwell: that is staff's to look at.
    """
    sent, failed = (OutgoingEmail.state == state for state in (EmailState.SENT, EmailState.FAILED))
    newest = select(func.max(OutgoingEmail.id)).where(sent).scalar_subquery()
    given_up = and_(failed, OutgoingEmail.tries >= MAX_TRIES)
    stuck = select(OutgoingEmail.id).where(
        or_(tried_in_vain(), given_up), OutgoingEmail.id > func.coalesce(newest, 0)
    )
    return bool(db.session.scalar(select(stuck.exists())))
