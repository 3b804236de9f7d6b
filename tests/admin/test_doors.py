"""Doors of the panel: nobody enters without signing in, the permission, and the right site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from admin.base.access import known
from admin.base.registry import registry
from models import Invoice, User
from tests.support import Factory, all_of, fetch

OPEN = {"security.login", "security.forgot_password", "security.reset_password"}
# Answers of their own to a signed-in person without any permission.
HOME = "admin.index"


def panel_rules(app: Flask) -> list[Any]:
    return [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin")]


def address(rule: Any) -> str:
    arguments = {name: "csv" if name == "export_type" else "1" for name in rule.arguments}
    path = str(rule.rule)
    for name, value in arguments.items():
        path = path.replace(f"<{name}>", value).replace(f"<int:{name}>", value)
    return f"{path}?id=1"


def test_anonymous_is_sent_to_sign_in_from_every_address(app: Flask, client: FlaskClient) -> None:
    rules = [rule for rule in panel_rules(app) if rule.endpoint not in OPEN]
    assert len(rules) > 60
    for rule in rules:
        if "GET" in rule.methods:
            answer = client.get(address(rule))
            assert answer.status_code == 302, rule
            assert answer.headers["Location"].startswith("/admin/login"), rule


def test_anonymous_can_post_nothing(
    app: Flask, client: FlaskClient, post: Any, make: Factory
) -> None:
    make.user("Zoë")
    for rule in panel_rules(app):
        if "POST" in rule.methods and rule.endpoint not in OPEN:
            answer = post(client, address(rule), {"name": "Mallory"})
            assert answer.status_code == 302, rule
            assert answer.headers["Location"].startswith("/admin/login"), rule
    assert [person.name for person in all_of(User)] == ["Zoë"]


def test_a_person_without_permissions_gets_in_nowhere(
    app: Flask, staff_client: Callable[..., FlaskClient]
) -> None:
    client = staff_client([])
    for rule in panel_rules(app):
        if "GET" in rule.methods and not rule.endpoint.startswith("security."):
            expected = 404 if rule.endpoint == HOME and not _has_dashboard() else 403
            answer = client.get(address(rule))
            assert answer.status_code == expected, rule
            assert "none of your roles" in answer.text or expected == 404


def _has_dashboard() -> bool:
    return type(registry().entries[0]).__name__ != "Home"


def test_the_answer_names_the_missing_right_kindly(
    staff_client: Callable[..., FlaskClient],
) -> None:
    page = staff_client(["users.view"]).get("/admin/invoice/")
    assert page.status_code == 403
    assert "See invoices" in page.text


def test_view_is_not_edit(staff_client: Callable[..., FlaskClient], make: Factory) -> None:
    user = make.user()
    client = staff_client(["users.view"])
    assert client.get(f"/admin/user/details/?id={user}").status_code == 200
    assert client.get(f"/admin/user/edit/?id={user}").status_code == 403
    assert client.get("/admin/user/new/").status_code == 403
    assert "New user" not in client.get("/admin/user/").text


def test_what_verbs_write_has_no_form_even_for_everything(
    staff_client: Callable[..., FlaskClient], make: Factory
) -> None:
    invoice = make.invoice()
    client = staff_client()
    for name in ("invoice", "payment", "application", "outgoingemail", "history"):
        assert client.get(f"/admin/{name}/edit/?id={invoice}").status_code == 404
        assert client.get(f"/admin/{name}/new/").status_code == 404


def test_flask_admins_own_ways_to_write_are_not_there(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in panel_rules(app)}
    for name in registry().views:
        assert f"{name}.details_view" in endpoints
        for method in ("delete_view", "action_view", "ajax_update", "ajax_lookup"):
            assert f"{name}.{method}" not in endpoints


def test_a_misspelt_permission_stops_the_start() -> None:
    with pytest.raises(ValueError, match=r"invoices\.veiw"):
        known("invoices.veiw")


def test_next_leads_back_here_and_never_away(client: FlaskClient, make: Factory, post: Any) -> None:
    sent = client.get("/admin/invoice/?state=overdue")
    assert "next=/admin/invoice/?state%3Doverdue" in sent.headers["Location"]


def test_a_deactivated_person_is_out_at_once(
    staff_client: Callable[..., FlaskClient], make: Factory
) -> None:
    from billing.database import transaction
    from models import Staff

    client = staff_client()
    assert client.get("/admin/invoice/").status_code == 200
    with transaction() as session:
        for person in session.query(Staff):
            person.active = False
    assert client.get("/admin/invoice/").status_code == 302


def test_a_post_without_token_changes_nothing(
    staff_client: Callable[..., FlaskClient], make: Factory
) -> None:
    user = make.user("Zoë")
    client = staff_client()
    answer = client.post(f"/admin/user/edit/?id={user}", data={"name": "Mallory"})
    assert answer.status_code == 400
    assert client.post("/admin/user/new/", data={"name": "Mallory"}).status_code == 400
    assert client.post("/admin/logout").status_code == 400
    assert [person.name for person in all_of(User)] == ["Zoë"]


class TestSites:
    """A person bound to a site meets only its records, whichever way they come."""

    @pytest.fixture
    def two(self, make: Factory, staff_client: Callable[..., FlaskClient]) -> Any:
        ours, theirs = make.site("Riverside"), make.site("Hilltop")
        mine = make.user("Ada Ours", site_id=ours)
        other = make.user("Bob Theirs", site_id=theirs)
        make.invoice(mine, site_id=ours)
        foreign = make.invoice(other, site_id=theirs)
        unit = make.unit(theirs, "Foreign unit")
        return staff_client(None, (ours,)), {
            "user": other,
            "invoice": foreign,
            "unit": unit,
            "site": theirs,
        }

    def test_lists_searches_counts_and_exports(self, two: Any) -> None:
        client, _foreign = two
        for path in (
            "/admin/user/",
            "/admin/invoice/",
            "/admin/unit/",
            "/admin/site/",
            "/admin/outgoingemail/",
            "/admin/history/",
            "/admin/user/?q=bob",
            "/admin/invoice/?q=bob",
            "/admin/user/export/csv/",
            "/admin/invoice/export/csv/",
            "/admin/user/lookup/?q=bob",
            "/admin/site/lookup/",
            "/admin/history/export/csv/",
        ):
            text = client.get(path).get_data(as_text=True)
            for secret in ("Theirs", "Hilltop", "Foreign unit"):
                assert secret not in text, path
        assert "All <span>1</span>" in client.get("/admin/invoice/").text
        about = client.get("/admin/history/?record=invoice").text
        assert "Invoice #1</a>" in about
        assert "Invoice #2" not in about

    def test_eye_pages_and_forms(self, two: Any) -> None:
        client, foreign = two
        for name, record_id in foreign.items():
            for page in ("details", "edit"):
                answer = client.get(f"/admin/{name}/{page}/?id={record_id}")
                assert answer.status_code == 404, (name, page)

    def test_a_record_of_theirs_looks_like_none_at_all(self, two: Any) -> None:
        client, foreign = two
        texts = {
            _without_tokens(client.get(f"/admin/invoice/details/?id={record_id}"))
            for record_id in (foreign["invoice"], 987654, "abc", "-1", "9" * 30, "1%00", "")
        }
        assert len(texts) == 1

    def test_a_name_filtered_by_is_not_told(self, two: Any) -> None:
        client, foreign = two
        page = client.get(f"/admin/invoice/?user={foreign['user']}&site={foreign['site']}")
        assert page.status_code == 200
        assert "Theirs" not in page.text
        assert "Hilltop" not in page.text

    def test_a_post_reaches_no_record_of_theirs(self, two: Any, post: Any) -> None:
        client, foreign = two
        answer = post(client, f"/admin/user/edit/?id={foreign['user']}", {"name": "Mallory"})
        assert answer.status_code == 404
        assert fetch(User, foreign["user"]).name == "Bob Theirs"

    def test_nobody_is_moved_to_their_site(self, two: Any, post: Any) -> None:
        client, foreign = two
        answer = post(client, "/admin/user/new/", {"name": "New", "site": foreign["site"]})
        assert "Choose one from the list." in answer.text
        answer = post(client, "/admin/user/new/", {"name": "New", "site": ""})
        assert "Choose one of your sites." in answer.text
        assert len(all_of(User)) == 2

    def test_no_new_site_by_somebody_bound_to_sites(self, two: Any) -> None:
        client, _foreign = two
        assert client.get("/admin/site/new/").status_code == 404

    def test_related_tables_hold_only_what_is_theirs_to_see(
        self, make: Factory, staff_client: Callable[..., FlaskClient]
    ) -> None:
        ours, theirs = make.site(), make.site()
        moved = make.user(site_id=ours)
        make.invoice(moved, site_id=ours, description="Bill from here")
        make.invoice(moved, site_id=theirs, description="Bill from elsewhere")
        page = staff_client(None, (ours,)).get(f"/admin/user/details/?id={moved}").text
        assert "Bill from here" in page
        assert "Bill from elsewhere" not in page
        assert len(all_of(Invoice)) == 2


def _without_tokens(answer: Any) -> tuple[int, str]:
    import re

    text = re.sub(r'(value|nonce)="[^"]*"', "", answer.get_data(as_text=True))
    return answer.status_code, text
