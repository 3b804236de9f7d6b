"""Forms: made from the columns, checked at the field, saved through the one door."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing.database import transaction
from models import History, Rental, Role, Site, Staff, Unit, User
from tests.support import Factory, all_of, fetch


def shown(client: FlaskClient, path: str) -> str:
    """Return the values a form was opened with, as its hidden field carries them."""
    found = re.search(r'name="seen" value="([^"]*)"', client.get(path).text)
    assert found is not None
    return html.unescape(found.group(1))


def saved(answer: Any) -> bool:
    return bool(answer.status_code == 302 and "/details/" in answer.headers["Location"])


def test_a_new_user_and_the_history_of_it(
    staff_client: Callable[..., FlaskClient], make: Factory, post: Any
) -> None:
    site = make.site("Riverside")
    client = staff_client()
    answer = post(
        client,
        "/admin/user/new/",
        {"name": " Zoë ", "email": "zoe@example.org", "site": site, "city": "Köln"},
    )
    assert saved(answer)
    (user,) = all_of(User)
    assert (user.name, user.email, user.site_id, user.city) == (
        "Zoë",
        "zoe@example.org",
        site,
        "Köln",
    )
    page = client.get(answer.headers["Location"]).text
    assert "User added." in page
    assert "Sam Staff" in page


def test_amounts_are_typed_as_decimals(
    staff_client: Callable[..., FlaskClient], make: Factory, post: Any
) -> None:
    site = make.site()
    client = staff_client()
    values = {"site": site, "name": "A1", "size": "", "rate": "1,250.50", "active": "y"}
    assert saved(post(client, "/admin/unit/new/", values))
    (unit,) = all_of(Unit)
    assert unit.rate == 125050
    assert 'value="1250.50"' in client.get(f"/admin/unit/edit/?id={unit.id}").text
    for wrong in ("abc", "1.234", "-5", "99999999999999999999", ""):
        answer = post(client, "/admin/unit/new/", {**values, "name": "A2", "rate": wrong})
        assert answer.status_code == 200, wrong
        assert 'role="alert"' in answer.text, wrong
        if wrong:
            assert f'value="{wrong}"' in answer.text
    assert len(all_of(Unit)) == 1


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "This can't be empty."),
        ("name", "x" * 161, "Use at most 160 characters."),
        ("email", "not an address", "Enter an address such as"),
        ("site", "99999", "Choose one from the list."),
        ("site", "abc", "Choose one from the list."),
        ("site", "9" * 40, "Choose one from the list."),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_kept(
    field: str, value: str, sentence: str, staff_client: Callable[..., FlaskClient], post: Any
) -> None:
    client = staff_client()
    values = {"name": "Zoë", "email": "zoe@example.org", "phone": "555 0199", field: value}
    answer = post(client, "/admin/user/new/", values)
    assert answer.status_code == 200
    assert sentence in html.unescape(answer.text)
    assert "555 0199" in answer.text
    assert all_of(User) == []


def test_a_rule_of_the_heart_is_said_at_its_field(
    staff_client: Callable[..., FlaskClient], make: Factory, post: Any
) -> None:
    client = staff_client()
    values = {"name": "Zoë", "email": "zoe@example.org", "no_email": "y"}
    answer = post(client, "/admin/user/new/", values)
    assert "untick “No e-mail”" in html.unescape(answer.text)
    unit, user = make.unit(make.site()), make.user()
    rental = {"unit": unit, "user": user, "started_on": "2026-05-02", "ended_on": "2026-05-01"}
    assert "end before it starts" in html.unescape(post(client, "/admin/rental/new/", rental).text)
    assert all_of(Rental) == []


def test_the_same_name_twice_is_refused_in_words(
    staff_client: Callable[..., FlaskClient], make: Factory, post: Any
) -> None:
    make.site("Riverside")
    answer = post(staff_client(), "/admin/site/new/", {"name": "Riverside"})
    assert "There is another site with the same name" in answer.text
    assert "SQL" not in answer.text
    assert len(all_of(Site)) == 1


def test_the_second_of_two_who_edit_is_told(
    staff_client: Callable[..., FlaskClient], make: Factory, post: Any
) -> None:
    user = make.user("Zoë", phone="1")
    client = staff_client()
    path = f"/admin/user/edit/?id={user}"
    mark = shown(client, path)
    values = {"name": "Zoë", "email": "", "seen": mark}
    assert saved(post(client, path, {**values, "phone": "2"}))
    answer = post(client, path, {**values, "phone": "3"})
    assert "Somebody else saved this record" in answer.text
    assert "Somebody else has just changed this." in answer.text
    assert 'value="3"' in answer.text
    assert fetch(User, user).phone == "2"
    newer = re.search(r'name="seen" value="([^"]*)"', answer.text)
    assert newer is not None
    again = {**values, "phone": "3", "seen": html.unescape(newer.group(1))}
    assert saved(post(client, path, again))
    assert fetch(User, user).phone == "3"


def test_a_form_without_its_mark_never_overwrites(
    staff_client: Callable[..., FlaskClient], make: Factory, post: Any
) -> None:
    user = make.user("Zoë")
    client = staff_client()
    for mark in ("", "{", "[1]", '"x"'):
        answer = post(client, f"/admin/user/edit/?id={user}", {"name": "Mallory", "seen": mark})
        assert answer.status_code == 200
    assert fetch(User, user).name == "Zoë"


def test_fields_no_form_shows_can_not_be_posted(
    staff_client: Callable[..., FlaskClient], make: Factory, post: Any
) -> None:
    user = make.user("Zoë")
    client = staff_client()
    path = f"/admin/user/edit/?id={user}"
    values = {
        "name": "Zoë",
        "email": "",
        "gateway_customer_id": "stolen",
        "id": "99",
        "seen": shown(client, path),
    }
    assert saved(post(client, path, values))
    assert fetch(User, user).gateway_customer_id is None


def test_staff_and_roles(
    staff_client: Callable[..., FlaskClient], make: Factory, post: Any
) -> None:
    site = make.site("Riverside")
    client = staff_client()
    role = {"name": "Desk", "permissions": ["users.view", "invoices.view"]}
    assert saved(post(client, "/admin/role/new/", role))
    made = next(each for each in all_of(Role) if each.name == "Desk")
    assert made.permissions == ["users.view", "invoices.view"]
    person = {
        "name": "Bo",
        "email": "Bo@Example.org",
        "active": "y",
        "roles": [str(made.id)],
        "sites": [str(site)],
    }
    assert saved(post(client, "/admin/staff/new/", person))
    with transaction() as session:
        bo = session.query(Staff).filter_by(email="bo@example.org").one()
        assert [each.name for each in bo.roles] == ["Desk"]
        assert bo.site_ids == {site}
        assert bo.password is None
    wrong = post(client, "/admin/role/new/", {"name": "X", "permissions": ["everything.do"]})
    assert "Choose from the list only." in wrong.text


def test_a_change_is_told_with_before_and_after(
    staff_client: Callable[..., FlaskClient], make: Factory, post: Any
) -> None:
    unit = make.unit(make.site("Riverside"), "A1")
    client = staff_client()
    path = f"/admin/unit/edit/?id={unit}"
    record = fetch(Unit, unit)
    values = {"site": record.site_id, "name": "A1", "rate": "120", "active": "y"}
    answer = post(client, path, {**values, "seen": shown(client, path)})
    assert saved(answer)
    assert any(row.verb == "edit" and row.record == "unit" for row in all_of(History))
    assert "Rate: $99.00 → $120.00" in client.get(answer.headers["Location"]).text


def test_a_look_up_finds_by_name(staff_client: Callable[..., FlaskClient], make: Factory) -> None:
    zoe = make.user("Zoë Müller")
    make.user("Ada")
    client = staff_client()
    assert client.get("/admin/user/lookup/?q=mull").json == [{"id": zoe, "text": "Zoë Müller"}]
    assert len(client.get("/admin/user/lookup/").get_json()) == 2
    assert client.get("/admin/user/lookup/?q=%00").json is not None


def test_many_choices_become_a_look_up(
    staff_client: Callable[..., FlaskClient], make: Factory
) -> None:
    from sqlalchemy import insert

    with transaction() as session:
        session.execute(insert(Site), [{"name": f"Site {n:03}"} for n in range(201)])
    client = staff_client()
    assert 'data-lookup="/admin/site/lookup/"' in client.get("/admin/user/new/").text
    page = client.get("/admin/user/?site=7").text
    assert 'data-lookup="/admin/site/lookup/"' in page
    assert 'data-value="7" value="Site 006"' in page
