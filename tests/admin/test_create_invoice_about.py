"""Create invoice from a user: which unit is proposed, and the site without one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from billing import clock
from models import Invoice, Rental
from tests.admin.drafting import change, choices, create_address, rent
from tests.support import Factory, all_of, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


def test_from_a_user_the_one_unit_they_rent_is_proposed(
    make: Factory, staff_client: Build, post: Post
) -> None:
    site = make.site("Riverside")
    user = make.user()
    left = clock.now().date() - dt.timedelta(days=30)
    began = left - dt.timedelta(days=30)
    make.add(Rental(unit_id=make.unit(site, "A1"), user_id=user, started_on=began, ended_on=left))
    client = staff_client()
    address = create_address("user", user)
    assert next(iter(choices(client.get(address).text))) == ("", "Choose …")
    rental = rent(make, make.unit(site, "A2"), user)
    shown = choices(client.get(address).text)
    assert shown[0] == (f"{rental}:{site}", "A2, Riverside")
    assert shown[1][1].startswith("A1, Riverside, ended")
    assert shown[2:] == [("none:", "No unit")]
    data = {"description": "A lock", "rental": "none:"}
    assert post(client, address, data).status_code == 303
    [invoice] = all_of(Invoice)
    assert (invoice.rental_id, invoice.billable_id, invoice.site_id) == (None, None, None)


def test_about_no_unit_is_at_a_site_one_may_look_at(
    make: Factory, staff_client: Build, post: Post
) -> None:
    mine, also_mine, theirs = make.site("Riverside"), make.site("Hilltop"), make.site("Far")
    user = make.user(site_id=mine)
    rental = rent(make, make.unit(mine), user)
    address = create_address("user", user)
    offered = {
        "all": (staff_client(), [("none:", "No unit")]),
        "own": (staff_client(sites=(mine, also_mine)), [("none:", "No unit")]),
    }
    for client, none in offered.values():
        assert [each for each in choices(client.get(address).text) if "No unit" in each[1]] == none
    for forged in (f"none:{theirs}", f"none:{also_mine}", "none:x", "none:999999", "none"):
        answer = post(offered["own"][0], address, {"description": "x", "rental": forged})
        assert answer.status_code == 422
    assert all_of(Invoice) == []
    answer = post(offered["own"][0], address, {"description": "x", "rental": "none:"})
    assert answer.status_code == 303
    assert all_of(Invoice)[0].site_id == mine
    assert fetch(Rental, rental).user_id == user


def test_of_a_user_of_another_site_the_invoice_is_at_mine(
    make: Factory, staff_client: Build, post: Post
) -> None:
    mine, also_mine, theirs = make.site("Riverside"), make.site("Hilltop"), make.site("Far")
    user = make.user(site_id=theirs)
    rental = rent(make, make.unit(mine, "A1"), user)
    address = create_address("user", user)
    client, one_site = staff_client(sites=(mine, also_mine)), staff_client(sites=(mine,))
    assert choices(client.get(address).text) == [
        (f"{rental}:{mine}", "A1, Riverside"),
        (f"none:{also_mine}", "No unit, Hilltop"),
        (f"none:{mine}", "No unit, Riverside"),
    ]
    data = {"description": "x", "rental": f"none:{also_mine}"}
    for forged in ("none:", f"none:{theirs}"):
        assert post(client, address, {**data, "rental": forged}).status_code == 422
    assert post(client, address, data).status_code == 303
    long_ago = clock.now().date() - dt.timedelta(days=500)
    change(Rental, rental, started_on=long_ago, ended_on=long_ago)
    assert 'name="rental"' not in one_site.get(address).text
    assert post(one_site, address, {"description": "y"}).status_code == 303
    assert post(client, address, {"description": "z"}).status_code == 422
    found = [(each.description, each.site_id, each.rental_id) for each in all_of(Invoice)]
    assert found == [("x", also_mine, None), ("y", mine, None)]
