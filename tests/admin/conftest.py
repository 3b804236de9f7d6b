"""An office full of records, some of them hostile."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from billing import clock
from billing.database import transaction
from models import (
    Application,
    Billable,
    Form,
    Invoice,
    OutgoingEmail,
    Payment,
    Rental,
    Role,
    Site,
    Staff,
    Unit,
    User,
)
from models.states import InvoiceState, PaymentState, Tender
from tests.support import Factory

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
    "</td></tr><b>",
)


@pytest.fixture
def sixty(make: Factory) -> int:
    """Sixty of everything, some of it hostile; returns the site's id."""
    now = clock.now()
    site = make.site("Riverside")
    form = make.form("Dog park", site)
    with transaction() as session:
        for number in range(60):
            name = HOSTILE[number % 5] if number < 5 else f"Person {number}"
            user = User(name=name, email=f"p{number}@example.org", site_id=site, created_at=now)
            session.add(user)
            session.flush()
            billable = _billable(session, number, site)
            session.add(
                Application(
                    reference=f"A-{number:03}",
                    user_id=user.id,
                    form_id=form,
                    site_id=site,
                    billable_id=billable,
                    state="approved",
                    fees_total=100,
                )
            )
            unit = Unit(site_id=site, billable_id=_billable(session, 100 + number, site))
            unit.name = f"Unit {number}"
            session.add(unit)
            session.flush()
            session.add(Rental(unit_id=unit.id, user_id=user.id, started_on=dt.date(2026, 1, 1)))
            _invoice(session, user.id, site, number, now)
            session.add(_payment(user.id, site, number, now))
            session.add(OutgoingEmail(**_email(user.id, number, now)))
            session.add(Site(name=f"Site {number}"))
            session.add(Form(name=f"Form {number}"))
            session.add(Role(name=f"Extra role {number}"))
            session.add(_staff(number, now))
    return site


def _billable(session: Any, number: int, site: int) -> int:
    billable = Billable(kind="test", site_id=site, label=f"Thing {number}")
    session.add(billable)
    session.flush()
    return int(billable.id)


def _invoice(session: Any, user: int, site: int, number: int, now: dt.datetime) -> None:
    state = (InvoiceState.DRAFT, InvoiceState.SENT, InvoiceState.DELETED)[number % 3]
    issued = state is InvoiceState.SENT
    session.add(
        Invoice(
            user_id=user,
            site_id=site,
            state=state,
            number=500 + number if issued else None,
            issued_on=now.date() if issued else None,
            currency="USD",
            description=HOSTILE[number % 5],
            total=1000 + number // 7,
            due_on=now.date() - dt.timedelta(days=number) if number % 4 else None,
            overdue_on=now.date() - dt.timedelta(days=3) if issued and number % 2 else None,
            created_at=now,
        )
    )


def _payment(user: int, site: int, number: int, now: dt.datetime) -> Payment:
    return Payment(
        user_id=user,
        site_id=site,
        tender=Tender.CARD,
        state=PaymentState.SETTLED,
        amount=100 + number,
        currency="USD",
        reference=f"ref-{number}",
        started_at=now,
    )


def _email(user: int, number: int, now: dt.datetime) -> dict[str, Any]:
    return {
        "kind": "invoice",
        "occasion": f"test:{number}",
        "to_address": f"p{number}@example.org",
        "user_id": user,
        "queued_at": now,
    }


def _staff(number: int, now: dt.datetime) -> Staff:
    return Staff(
        name=f"Colleague {number}",
        email=f"c{number}@example.org",
        fs_uniquifier=f"unique-{number}",
        create_datetime=now,
        update_datetime=now,
    )
