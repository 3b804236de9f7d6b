"""The demo's office: a city with a permit desk and two storage sites, some weeks into its work.

Nothing is written into tables that a verb would write: invoices are generated, sent, paid and left
to grow old by the same verbs the panel uses, against the sandbox gateway, with the office's clock
set back to the day each thing happened. So the history is true and ``make verify`` is clean.
"""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from flask import current_app
from flask_security import hash_password
from sqlalchemy import select, update

from billing import clock, overdue
from billing.database import reading, transaction
from demo import people, stories
from models import OutgoingEmail, Role, Settings, Staff

PASSWORD = "counterfoil-demo"  # noqa: S105 -- printed at start, for the demo on this machine
DEMO_SIGN_INS: list[tuple[str, str, str]] = [
    ("Manager", "morgan@riverbend.example", PASSWORD),
    ("Operations", "olive@riverbend.example", PASSWORD),
    ("Administration", "ada@riverbend.example", PASSWORD),
]
NAMES = {"Manager": "Morgan Reyes", "Operations": "Olive Tran", "Administration": "Ada Novak"}
BEGAN_DAYS_AGO = 75


def seed() -> None:
    """Fill a fresh database. An office that has customers already is left alone."""
    with reading() as session:
        if session.scalar(select(Staff.id).limit(1)):
            click.echo("The demo's data are there already.")
            return
    config = current_app.config["COUNTERFOIL"]
    _tell_gateway(config.gateway_url)
    with TemporaryDirectory() as folder:
        travel = Travel(Path(folder) / "clock")
        with travel.days_ago(BEGAN_DAYS_AGO):
            click.echo("  the office and its staff")
            _settings()
            _staff()
            click.echo("  sites, units and customers")
            cast = people.arrive()
        click.echo("  invoices and payments of the last weeks")
        stories.unfold(cast, travel)
    clock.read_offset_from(config.clock_file)
    overdue.mark_overdue()
    _hand_letters_over()


class Travel:
    """Sets the office's clock back for a while, so that a verb happens on an earlier day."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def days_ago(self, days: float) -> Iterator[None]:
        self._path.write_text(str(-int(days * 86400)))
        clock.read_offset_from(self._path)
        try:
            yield
        finally:
            clock.read_offset_from(None)


def _settings() -> None:
    with transaction() as session:
        settings = session.get_one(Settings, 1)
        settings.organisation = "City of Riverbend"
        settings.tagline = "Permits, parks and storage"
        settings.address = "1 Harbor Street\nRiverbend, IL 62999"
        settings.phone = "(555) 010-0142"
        settings.email = "office@riverbend.example"
        settings.website = "https://riverbend.example"
        settings.timezone = "America/Chicago"
        settings.overdue_age = 7
        settings.direct_debit = True
        settings.other_amounts = True
        settings.manual_methods = ["Bank transfer (First Riverbend Bank)", "Money order"]
        settings.invoice_footer = "Thank you for paying on time."


def _staff() -> None:
    now = clock.now()
    with transaction() as session:
        roles = {role.name: role for role in session.scalars(select(Role))}
        for role, email, password in DEMO_SIGN_INS:
            session.add(
                Staff(
                    name=NAMES[role],
                    email=email,
                    password=hash_password(password),
                    active=True,
                    fs_uniquifier=secrets.token_hex(16),
                    create_datetime=now,
                    update_datetime=now,
                    roles=[roles[role]],
                )
            )


def _hand_letters_over() -> None:
    """Let the letters of the past be due from now on: nobody has been keeping them waiting."""
    with transaction() as session:
        session.execute(update(OutgoingEmail).values(next_try_at=clock.now()))


def _tell_gateway(url: str) -> None:
    """Let every amount through: a real bill of $2,500 should not decline as a test amount would."""
    request = urllib.request.Request(  # noqa: S310 -- the sandbox's own address
        f"{url}/control/settings",
        data=json.dumps({"amounts": "plain"}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310
        return
