"""The demo clock: staff move the office's time and watch debits settle and invoices turn overdue.

Only in the demo is this page there at all. ``wsgi.py`` hands in what moves the time, everywhere at
once, as ``app.extensions["demo_clock"]``.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Protocol

from flask import Blueprint, current_app, flash, make_response, redirect, request, url_for
from flask_admin import expose

from admin.base.page import PanelPage
from admin.base.refusing import REFUSED
from admin.base.words import words
from billing import clock
from billing.errors import Refusal

CLOCK = "demo_clock"
STEPS = (
    (1, "hours", "+1 hour"),
    (1, "days", "+1 day"),
    (3, "days", "+3 days"),
    (7, "days", "+7 days"),
    (30, "days", "+30 days"),
)
SHORTEST, LONGEST = dt.timedelta(hours=1), dt.timedelta(days=400)
OUT_OF_BOUNDS = "Enter a whole number: at least 1 hour, at most 400 days."


class DemoClock(Protocol):
    """What moves the demo's time."""

    def advance(self, delta: dt.timedelta) -> None:
        """Move every process, and the gateway, ahead; ``OSError`` when the gateway is gone."""


UNMOVED = "The sandbox gateway does not answer, so the clock was not moved. Try again in a moment."


def read_step(amount: str, unit: str) -> dt.timedelta:
    """Return how far to move; ``Refusal`` for anything but 1 hour to 400 days."""
    if unit not in ("hours", "days") or not re.fullmatch(r"[0-9]{1,5}", amount.strip()):
        raise Refusal(OUT_OF_BOUNDS, "step", "amount")
    step = dt.timedelta(**{unit: int(amount)})
    if not SHORTEST <= step <= LONGEST:
        raise Refusal(OUT_OF_BOUNDS, "step", "amount")
    return step


def in_words(step: dt.timedelta) -> str:
    """Return a step as people say it."""
    hours = int(step.total_seconds()) // 3600
    count, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{count} {unit}{'' if count == 1 else 's'}"


def office_time() -> str:
    """Return the time at the office now."""
    return words().moment(clock.now())


class ClockPage(PanelPage):
    """The office's time, and buttons that move it."""

    label = "Demo clock"
    permission = "clock.move"
    slug = "clock"
    icon = "clock"
    # The chip below the menu leads here, on every page.
    in_menu = False

    def create_blueprint(self, admin: Any) -> Blueprint:
        blueprint: Blueprint = super().create_blueprint(admin)
        blueprint.app_context_processor(lambda: {"office_time": office_time})
        return blueprint

    @expose("/")
    def index(self) -> Any:
        return self._page()

    @expose("/advance/", methods=("POST",))
    def advance(self) -> Any:
        """Move the clock by what the form says."""
        moving: DemoClock = current_app.extensions[CLOCK]
        try:
            step = read_step(request.form.get("amount", ""), request.form.get("unit", ""))
            moving.advance(step)
        except Refusal as refusal:
            return make_response(self._page(refusal.sentence), REFUSED)
        except OSError:
            return make_response(self._page(UNMOVED), 503)
        flash(
            f"The clock moved {in_words(step)} ahead. What became due meanwhile is being done now; "
            "the history of each record tells it.",
            "success",
        )
        return redirect(url_for(".index"), 303)

    def _page(self, problem: str = "") -> str:
        return str(
            self.render(
                "admin/pages/clock.html",
                steps=STEPS,
                problem=problem,
                typed=request.form,
            )
        )
