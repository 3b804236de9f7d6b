"""Builders and helpers that tests share."""

from __future__ import annotations

import contextvars
import datetime as dt
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from billing import clock, invoicing
from billing.actor import SYSTEM, Actor
from billing.database import reading, transaction
from billing.items import Line
from billing.transitions import move
from models import (
    Application,
    ApplicationFee,
    Billable,
    Form,
    Invoice,
    OutgoingEmail,
    Payment,
    PaymentMethod,
    Role,
    Settings,
    Site,
    Staff,
    Unit,
    User,
)
from models.permissions import PERMISSIONS
from models.states import ActorKind, Tender

STAFF = Actor(ActorKind.STAFF, 1, "Sam Staff", "127.0.0.1")
PASSWORD = "correct horse battery"


class Factory:
    """Makes records through the heart's own transactions and verbs; returns ids."""

    def __init__(self) -> None:
        self._count = 0

    def _next(self) -> int:
        self._count += 1
        return self._count

    def settings(self, **values: Any) -> None:
        with transaction() as session:
            settings = session.get_one(Settings, 1)
            for name, value in values.items():
                setattr(settings, name, value)

    def site(self, name: str = "") -> int:
        return self.add(Site(name=name or f"Site {self._next()}"))

    def unit(self, site_id: int, name: str = "") -> int:
        name = name or f"Unit {self._next()}"
        billable = self.add(Billable(kind="unit", site_id=site_id, label=name))
        return self.add(Unit(site_id=site_id, billable_id=billable, name=name, rate=9900))

    def user(self, name: str = "Maria Alvarez", **values: Any) -> int:
        values = {
            "email": f"user{self._next()}@example.org",
            "street": "12 Elm Street",
            "city": "Springfield",
            "postal_code": "62704",
            "created_at": clock.now(),
            **values,
        }
        return self.add(User(name=name, **values))

    def payment_method(self, user_id: int, token: str, tender: Tender = Tender.CARD) -> int:
        return self.add(
            PaymentMethod(
                user_id=user_id,
                token=token,
                tender=tender,
                brand="Visa",
                last_four="1111",
                mandate="I agree." if tender is Tender.DIRECT_DEBIT else "",
                created_at=clock.now(),
            )
        )

    def form(self, name: str = "2027 Dog Park", site_id: int | None = None) -> int:
        return self.add(Form(name=name, site_id=site_id))

    def application(
        self,
        user_id: int | None = None,
        *,
        fees: int = 2000,
        state: str = "approved",
        form_id: int | None = None,
        site_id: int | None = None,
    ) -> int:
        user_id = user_id or self.user()
        form_id = form_id or self.form()
        reference = f"A-{self._next():04d}"
        billable = self.add(Billable(kind="application", site_id=site_id, label=reference))
        with transaction() as session:
            application = Application(
                reference=reference,
                user_id=user_id,
                form_id=form_id,
                site_id=site_id,
                billable_id=billable,
                fees_total=fees,
                submitted_at=clock.now(),
            )
            move(session, application, "create", "draft", SYSTEM, "Created")
            for verb, target in (("submit", "pending"), ("approve", "approved")):
                if state in ("pending", "approved") and application.state != state:
                    move(session, application, verb, target, SYSTEM, verb.title())
            if fees:
                session.add(ApplicationFee(application_id=application.id, label="Fee", amount=fees))
            return application.id

    def invoice(
        self,
        user_id: int | None = None,
        *,
        total: int = 2000,
        state: str = "sent",
        due_on: dt.date | None = None,
        site_id: int | None = None,
        description: str = "Outstanding balance for 2027 Dog Park",
    ) -> int:
        """An invoice in "draft" or "sent"; other states are reached by the verbs under test."""
        user_id = user_id or self.user()
        lines = [Line("Outstanding application balance", total)] if total else []
        invoice_id = invoicing.create_invoice(
            user_id,
            description=description,
            lines=lines,
            due_on=due_on,
            site_id=site_id,
            actor=STAFF,
        )
        if state == "sent":
            invoicing.send_invoice(invoice_id, actor=STAFF)
        return invoice_id

    def staff(
        self,
        permissions: Iterable[str] | None = None,
        sites: Iterable[int] = (),
        name: str = "Sam Staff",
    ) -> int:
        """A staff member with a role of exactly ``permissions`` (None: all there are)."""
        number = self._next()
        names = list(PERMISSIONS) if permissions is None else list(permissions)
        with transaction() as session:
            role = Role(name=f"Role {number}", description="", permissions=names)
            staff = Staff(
                name=name,
                email=f"staff{number}@example.org",
                active=True,
                fs_uniquifier=secrets.token_hex(16),
                create_datetime=clock.now(),
                update_datetime=clock.now(),
                roles=[role],
                sites=list(session.scalars(select(Site).where(Site.id.in_(list(sites))))),
            )
            session.add(staff)
            session.flush()
            return staff.id

    def add(self, record: Any) -> int:
        with transaction() as session:
            session.add(record)
            session.flush()
            return int(record.id)


class Browser(FlaskClient):
    """A client whose every request starts from nothing, as on a server.

    In the tests' own application context ``flask.g`` would outlive a request: the next client would
    be signed in as the one before.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        return contextvars.Context().run(super().open, *args, **kwargs)


class Clock:
    """Moves the office's clock; the offset file is what every process of the demo reads."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def advance(self, **delta: float) -> None:
        seconds = clock.file_offset(self._path) + dt.timedelta(**delta)
        self._path.write_text(str(int(seconds.total_seconds())))

    def set(self, moment: dt.datetime) -> None:
        """Make ``clock.now()`` (almost) ``moment``."""
        offset = moment - dt.datetime.now(dt.UTC)
        self._path.write_text(str(round(offset.total_seconds())))


def fetch(model: type[Any], record_id: int) -> Any:
    """Read one record anew."""
    with reading() as session:
        return session.get_one(model, record_id)


def payments_of(invoice_id: int) -> list[Payment]:
    """All attempts at an invoice, the oldest first."""
    with reading() as session:
        invoice = session.get_one(Invoice, invoice_id)
        return sorted((row.payment for row in invoice.allocations), key=lambda row: row.id)


def emails(kind: str | None = None) -> list[OutgoingEmail]:
    """The outbox, optionally of one kind."""
    with reading() as session:
        rows = select(OutgoingEmail).order_by(OutgoingEmail.id)
        if kind is not None:
            rows = rows.where(OutgoingEmail.kind == kind)
        return list(session.scalars(rows))


def all_of(model: type[Any]) -> list[Any]:
    """Every row of a table by id."""
    with reading() as session:
        return list(session.scalars(select(model).order_by(model.id)))


def sign_in(client: FlaskClient, staff_id: int) -> None:
    """Sign a staff member in without the form (the form has tests of its own)."""
    staff = fetch(Staff, staff_id)
    with client.session_transaction() as session:
        session["_user_id"] = staff.fs_uniquifier
        session["_fresh"] = True
        session["fs_cc"] = "set"
        session["fs_paa"] = clock.now().timestamp()


def csrf_token(app: Flask, client: FlaskClient) -> str:
    """Return a token that this client's next POST is accepted with."""
    from flask import session as flask_session
    from flask_wtf.csrf import generate_csrf

    with client.session_transaction() as kept:
        raw = kept.get("csrf_token")
    with app.app_context(), app.test_request_context():
        if raw:
            flask_session["csrf_token"] = raw
        token = str(generate_csrf())
        raw = flask_session["csrf_token"]
    with client.session_transaction() as kept:
        kept["csrf_token"] = raw
    return token
