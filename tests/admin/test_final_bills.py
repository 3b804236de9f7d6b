"""Create invoice about a rental that has ended: the final bill after somebody has moved out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from billing import clock
from models import Invoice, Rental, User
from tests.admin.drafting import change, choices, create_address, rent, text_of
from tests.support import Clock, Factory, all_of

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


def test_the_final_bill_of_a_unit_they_have_left(
    make: Factory, staff_client: Build, post: Post, time: Clock
) -> None:
    time.set(dt.datetime(2026, 11, 22, 20, tzinfo=dt.UTC))
    site, elsewhere = make.site("Riverside"), make.site("Hilltop")
    user = make.user(site_id=site)
    left, kept, foreign, forgotten = (
        make.unit(site, "B12"),
        make.unit(site, "A1"),
        make.unit(elsewhere, "C3"),
        make.unit(site, "D4"),
    )
    began = {"started_on": dt.date(2024, 1, 1)}
    ended = make.add(Rental(unit_id=left, user_id=user, ended_on=dt.date(2026, 10, 31), **began))
    make.add(Rental(unit_id=foreign, user_id=user, ended_on=dt.date(2025, 12, 1), **began))
    make.add(Rental(unit_id=forgotten, user_id=user, ended_on=dt.date(2025, 11, 1), **began))
    rent(make, kept, user)
    client = staff_client()
    shown = choices(client.get(create_address("user", user)).text)
    assert [text for _key, text in shown] == [
        "A1, Riverside",
        "B12, Riverside, ended Oct 31",
        "C3, Hilltop, ended Dec 1, 2025",
        "No unit",
    ]
    mine = staff_client(sites=(site,))
    assert "C3" not in mine.get(create_address("user", user)).text
    data = {"description": "Final bill", "rental": shown[2][0]}
    answer = post(mine, create_address("user", user), data)
    assert "This rental is not among your records any more." in text_of(answer)
    assert all_of(Invoice) == []
    data["rental"] = shown[1][0]
    answer = post(mine, create_address("user", user), data)
    [invoice] = all_of(Invoice)
    assert (invoice.rental_id, invoice.site_id, invoice.user_id) == (ended, site, user)
    assert "Rent of B12 · $99.00" in text_of(mine.get(answer.location))


def test_a_former_tenant_is_offered_but_never_proposed_instead_of_the_present_one(
    make: Factory, staff_client: Build, post: Post, time: Clock
) -> None:
    time.set(dt.datetime(2026, 11, 22, 20, tzinfo=dt.UTC))
    site = make.site()
    unit, former, present = make.unit(site), make.user("Ada"), make.user("Bob")
    began, left = dt.date(2026, 1, 1), dt.date(2026, 10, 31)
    old = make.add(Rental(unit_id=unit, user_id=former, started_on=began, ended_on=left))
    client = staff_client()
    address = create_address("unit", unit)
    assert [text for _key, text in choices(client.get(address).text)] == ["Ada, ended Oct 31"]
    rent(make, unit, present)
    page = client.get(address).text
    assert [text for _key, text in choices(page)] == ["Bob", "Ada, ended Oct 31"]
    assert "Choose …" not in page
    data = {"description": "Final bill", "rental": f"{old}:{site}"}
    assert post(client, address, data).status_code == 303
    assert (all_of(Invoice)[0].user_id, all_of(Invoice)[0].rental_id) == (former, old)
    change(User, former, erased_at=clock.now())
    assert "Ada" not in client.get(address).text
