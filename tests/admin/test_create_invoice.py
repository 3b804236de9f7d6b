"""Create invoice from the pages of a user, a unit and an application."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import clock
from models import Application, History, Invoice, Item, Rental, Unit, User
from tests.admin.conftest import HOSTILE
from tests.admin.drafting import change, choices, create_address, edit_address, rent, text_of
from tests.billing.helpers import everything, rows_of
from tests.support import Factory, all_of, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


def eye(client: FlaskClient, kind: str, record: int) -> str:
    return text_of(client.get(f"/admin/{kind}/details/?id={record}"))


def test_from_a_user_without_a_unit(make: Factory, staff_client: Build, post: Post) -> None:
    site = make.site()
    user = make.user(site_id=site)
    client = staff_client()
    assert create_address("user", user) in eye(client, "user", user)
    assert 'name="rental"' not in client.get(create_address("user", user)).text
    answer = post(client, create_address("user", user), {"description": " A lock "})
    [invoice] = all_of(Invoice)
    assert answer.status_code == 303
    assert answer.location.endswith(edit_address(invoice.id))
    assert (invoice.user_id, invoice.site_id, invoice.description) == (user, site, "A lock")
    assert (invoice.state, invoice.number, invoice.total) == ("draft", None, 0)
    page = client.get(answer.location)
    assert page.status_code == 200
    assert "The draft was created." in page.text
    [row] = rows_of(History, History.record == "invoice")
    assert (row.verb, row.actor_name) == ("create", "Sam Staff")


def test_from_a_user_about_one_of_their_present_units(
    make: Factory, staff_client: Build, post: Post
) -> None:
    site = make.site("Riverside")
    user = make.user()
    first, second = (make.unit(site, name) for name in ("A1", "A2"))
    rent(make, first, user)
    rental = rent(make, second, user)
    client = staff_client()
    shown = choices(client.get(create_address("user", user)).text)
    named = ["Choose …", "A1, Riverside", "A2, Riverside", "No unit"]
    assert [text for _key, text in shown] == named
    for unsaid in ({}, {"rental": ""}):
        answer = post(client, create_address("user", user), {"description": "Rent", **unsaid})
        assert answer.status_code == 422
        assert "Choose what the invoice is about" in text_of(answer)
    assert all_of(Invoice) == []
    data = {"description": "Rent", "rental": f"{rental}:{site}"}
    assert post(client, create_address("user", user), data).status_code == 303
    [invoice] = all_of(Invoice)
    assert (invoice.rental_id, invoice.site_id) == (rental, site)
    assert invoice.billable_id == fetch(Unit, second).billable_id


def test_from_a_unit_its_one_tenant_is_proposed(
    make: Factory, staff_client: Build, post: Post
) -> None:
    site = make.site("Riverside")
    unit, user = make.unit(site, "A1"), make.user("Zoë")
    rental = rent(make, unit, user)
    client = staff_client()
    assert create_address("unit", unit) in eye(client, "unit", unit)
    page = text_of(client.get(create_address("unit", unit)))
    assert choices(page) == [(f"{rental}:{site}", "Zoë")]
    assert "A1, Riverside</textarea>" in page
    data = {"description": "Rent", "rental": f"{rental}:{site}"}
    answer = post(client, create_address("unit", unit), data)
    [invoice] = all_of(Invoice)
    assert (invoice.user_id, invoice.rental_id) == (user, rental)
    assert "Rent of A1 · $99.00" in text_of(client.get(answer.location))


def test_from_a_unit_with_several_tenants_one_is_chosen(
    make: Factory, staff_client: Build, post: Post
) -> None:
    site = make.site()
    unit, first, second = make.unit(site), make.user("Ada"), make.user("Bob", email=None)
    rent(make, unit, first)
    rental = rent(make, unit, second)
    client = staff_client()
    shown = choices(client.get(create_address("unit", unit)).text)
    assert [text for _key, text in shown] == ["Choose …", "Ada", "Bob (no e-mail)"]
    before = everything()
    for nobody in ({}, {"rental": ""}):
        answer = post(client, create_address("unit", unit), {"description": "Kept", **nobody})
        assert answer.status_code == 422
        assert "Choose who the invoice is for." in text_of(answer)
        assert "Kept" in answer.text
    assert everything() == before
    data = {"description": "Rent", "rental": f"{rental}:{site}"}
    assert post(client, create_address("unit", unit), data).status_code == 303
    assert all_of(Invoice)[0].user_id == second


def test_an_empty_unit_and_an_erased_user_say_why_not(
    make: Factory, staff_client: Build, post: Post
) -> None:
    unit, user = make.unit(make.site()), make.user(erased_at=clock.now())
    client = staff_client()
    for kind, record, sentence in (
        ("unit", unit, "Nobody has rented this unit in the last 12 months."),
        ("user", user, "This user was erased; nothing can be invoiced to them."),
    ):
        page = eye(client, kind, record)
        assert sentence in page
        assert create_address(kind, record) not in page
        for answer in (
            client.get(create_address(kind, record)),
            post(client, create_address(kind, record), {"description": "x"}),
        ):
            assert answer.status_code == 422
            assert sentence in text_of(answer)
    assert all_of(Invoice) == []


class TestChangedMeanwhile:
    """What was true when the page was opened is asked again, and nothing is half done."""

    @pytest.fixture
    def opened(self, make: Factory) -> tuple[int, int, int, int, dict[str, str]]:
        site = make.site()
        unit, user = make.unit(site), make.user()
        rental = rent(make, unit, user)
        other = make.user()
        rent(make, unit, other)
        data = {"description": "Kept", "rental": f"{rental}:{site}"}
        return unit, user, rental, site, data

    @pytest.mark.parametrize("kind", ["unit", "user"])
    def test_the_unit_was_moved(
        self, make: Factory, staff_client: Build, post: Post, opened: Any, kind: str
    ) -> None:
        unit, user, _rental, _site, data = opened
        change(Unit, unit, site_id=make.site("Hilltop"))
        client = staff_client()
        record = unit if kind == "unit" else user
        answer = post(client, create_address(kind, record), data)
        assert answer.status_code == 422
        assert "was moved to Hilltop meanwhile. Look again." in text_of(answer)
        assert "Kept" in answer.text
        assert all_of(Invoice) == []

    @pytest.mark.parametrize("kind", ["unit", "user"])
    def test_the_rental_was_ended_long_ago(
        self, make: Factory, staff_client: Build, post: Post, opened: Any, kind: str
    ) -> None:
        unit, user, rental, _site, data = opened
        ended = clock.now().date() - dt.timedelta(days=400)
        change(Rental, rental, started_on=ended, ended_on=ended)
        record = unit if kind == "unit" else user
        answer = post(staff_client(), create_address(kind, record), data)
        assert answer.status_code == 422
        assert "This rental ended on" in text_of(answer)
        assert "Kept" in answer.text
        assert all_of(Invoice) == []

    def test_the_unit_left_for_a_site_that_is_not_mine(
        self, make: Factory, staff_client: Build, post: Post, opened: Any
    ) -> None:
        unit, user, _rental, site, data = opened
        change(User, user, site_id=site)
        mine = staff_client(sites=(site,))
        change(Unit, unit, site_id=make.site("Hilltop"))
        assert post(mine, create_address("unit", unit), data).status_code == 404
        answer = post(mine, create_address("user", user), data)
        assert "This rental is not among your records any more." in text_of(answer)
        assert "Hilltop" not in answer.text
        assert all_of(Invoice) == []

    @pytest.mark.parametrize("rental", ["999999:1", "x", "1:", ":", "9" * 30, "-1:1", "<script>"])
    def test_a_rental_that_was_never_offered(
        self, staff_client: Build, post: Post, opened: Any, rental: str
    ) -> None:
        unit, _user, _rental, _site, data = opened
        asked = {**data, "rental": rental}
        answer = post(staff_client(), create_address("unit", unit), asked)
        assert answer.status_code == 422
        assert "This rental is not among your records any more." in text_of(answer)
        assert all_of(Invoice) == []

    def test_another_units_and_another_users_rental(
        self, make: Factory, staff_client: Build, post: Post, opened: Any
    ) -> None:
        unit, user, _rental, site, data = opened
        stranger = make.user()
        elsewhere = rent(make, make.unit(site), stranger)
        asked = {**data, "rental": f"{elsewhere}:{site}"}
        client = staff_client()
        answer = post(client, create_address("unit", unit), asked)
        assert "This rental is not among your records any more." in text_of(answer)
        answer = post(client, create_address("user", user), asked)
        assert "This rental is another user's." in text_of(answer)
        assert all_of(Invoice) == []


class TestApplication:
    def test_its_debt_is_on_the_draft(self, make: Factory, staff_client: Build, post: Post) -> None:
        site = make.site()
        application = fetch(Application, make.application(fees=2500, site_id=site))
        client = staff_client()
        address = create_address("application", application.id)
        assert address in eye(client, "application", application.id)
        answer = post(client, address, {"description": "Fees"})
        [invoice] = all_of(Invoice)
        assert answer.location.endswith(edit_address(invoice.id))
        assert (invoice.billable_id, invoice.user_id) == (
            application.billable_id,
            application.user_id,
        )
        assert (invoice.site_id, invoice.total) == (site, 2500)
        assert [item.description for item in all_of(Item)] == ["Outstanding application balance"]
        again = post(client, address, {"description": "Fees"})
        assert "This debt is already on a draft invoice." in text_of(again)
        assert len(all_of(Invoice)) == 1

    def test_a_pending_one_offers_neither(self, make: Factory, staff_client: Build) -> None:
        application = make.application(state="pending")
        page = eye(staff_client(), "application", application)
        assert "Create invoice" not in page
        assert "Generate Invoice" not in page


def test_where_the_new_draft_opens_is_what_one_may_see(
    make: Factory, staff_client: Build, post: Post
) -> None:
    user = make.user()
    for permissions, place in (
        (["invoices.create", "users.view", "invoices.view"], "/admin/invoice/details/"),
        (["invoices.create", "users.view"], "/admin/user/details/"),
    ):
        client = staff_client(permissions)
        answer = post(client, create_address("user", user), {"description": "x"})
        assert place in answer.location


def test_hostile_words_stay_words(make: Factory, staff_client: Build, post: Post) -> None:
    site = make.site(HOSTILE[0])
    unit, user = make.unit(site, HOSTILE[1]), make.user(HOSTILE[0])
    rent(make, unit, user)
    client = staff_client()
    for kind, record in (("unit", unit), ("user", user)):
        answer = post(client, create_address(kind, record), {"description": "", "rental": "1"})
        for page in (client.get(create_address(kind, record)).text, answer.text):
            assert "<script>alert" not in page
            assert "<img src=x" not in page


@pytest.mark.parametrize("kind", ["user", "unit", "application"])
def test_its_doors(make: Factory, staff_client: Build, post: Post, kind: str) -> None:
    mine, theirs = make.site(), make.site()
    user = make.user(site_id=theirs)
    unit = make.unit(theirs)
    rental = rent(make, unit, user)
    application = make.application(user, site_id=theirs)
    record = {"user": user, "unit": unit, "application": application}[kind]
    data = {"description": "x", "rental": f"{rental}:{theirs}"}
    address = create_address(kind, record)
    before = everything()
    able = staff_client()
    assert able.get(address).status_code == 200
    assert able.post(address, data=data).status_code == 400
    looker = staff_client(["users.view", "sites.view", "applications.view", "invoices.view"])
    assert looker.get(address).status_code == 403
    assert post(looker, address, data).status_code == 403
    bound = staff_client(sites=(mine,))
    for unknown in (record, 10**25, "x", ""):
        assert bound.get(create_address(kind, unknown)).status_code == 404
        assert post(bound, create_address(kind, unknown), data).status_code == 404
    after = everything()
    assert (after["invoices"], after["history"]) == (before["invoices"], before["history"])
