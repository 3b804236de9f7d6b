"""Signing in: uniform failures, limits, passwords by the outbox, and safe ways back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_security import hash_password

from billing.database import transaction
from models import OutgoingEmail, Staff
from tests.support import Factory, emails, fetch

PASSWORD = "correct horse battery"


@pytest.fixture
def person(app: Flask, make: Factory) -> Staff:
    staff_id = make.staff()
    with transaction() as session:
        session.get_one(Staff, staff_id).password = hash_password(PASSWORD)
    return fetch(Staff, staff_id)


def sign_in(post: Any, client: FlaskClient, email: str, password: str, query: str = "") -> Any:
    return post(client, f"/admin/login{query}", {"email": email, "password": password})


def alert(answer: Any) -> str:
    found = re.search(r'role="alert">([^<]*)<', answer.text)
    return found.group(1) if found else ""


def test_in_and_out(client: FlaskClient, person: Staff, post: Any) -> None:
    answer = sign_in(post, client, person.email.upper(), PASSWORD)
    assert answer.headers["Location"] == "/admin/"
    assert client.get("/admin/invoice/").status_code == 200
    assert fetch(Staff, person.id).login_count == 1
    assert client.get("/admin/logout").status_code in (302, 405)
    assert client.get("/admin/invoice/").status_code == 200
    post(client, "/admin/logout")
    assert client.get("/admin/invoice/").status_code == 302


def test_every_failure_looks_the_same(client: FlaskClient, person: Staff, post: Any) -> None:
    sentences = {alert(sign_in(post, client, person.email, "wrong password"))}
    sentences.add(alert(sign_in(post, client, "nobody@example.org", PASSWORD)))
    with transaction() as session:
        session.get_one(Staff, person.id).active = False
    sentences.add(alert(sign_in(post, client, person.email, PASSWORD)))
    assert len(sentences) == 1
    assert "fit together" in sentences.pop()
    assert client.get("/admin/invoice/").status_code == 302


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "///evil.example", "/\\evil.example"]
)
def test_nobody_is_sent_away(target: str, client: FlaskClient, person: Staff, post: Any) -> None:
    assert "evil" not in client.get(f"/admin/login?next={target}").text
    answer = sign_in(post, client, person.email, PASSWORD, f"?next={target}")
    assert re.match(r"/(?![/\\])", answer.headers.get("Location", "/"))


def test_one_comes_back_to_where_one_wanted(client: FlaskClient, person: Staff, post: Any) -> None:
    answer = sign_in(post, client, person.email, PASSWORD, "?next=/admin/user/?q%3Dada")
    assert answer.headers["Location"].endswith("/admin/user/?q=ada")


def test_guessing_is_stopped(client: FlaskClient, person: Staff, post: Any) -> None:
    for _ in range(10):
        assert sign_in(post, client, person.email, "wrong password").status_code == 200
    answer = sign_in(post, client, person.email, PASSWORD)
    assert answer.status_code == 429
    assert "Too many tries" in answer.text
    assert client.get("/admin/invoice/").status_code == 302


def test_a_new_password_by_the_outbox(client: FlaskClient, person: Staff, post: Any) -> None:
    known = post(client, "/admin/reset", {"email": person.email})
    unknown = post(client, "/admin/reset", {"email": "nobody@example.org"})
    assert known.status_code == unknown.status_code
    (email,) = emails("staff_password")
    assert email.to_address == person.email
    path = email.params["link"].partition("127.0.0.1:8000")[2] or email.params["link"]
    path = re.sub(r"^https?://[^/]+", "", path)
    form = client.get(path)
    assert form.status_code == 200
    new = {"password": "a quite new password", "password_confirm": "a quite new password"}
    assert post(client, path, new).status_code == 302
    assert sign_in(post, client, person.email, PASSWORD).status_code == 200
    assert sign_in(post, client, person.email, "a quite new password").status_code == 302


def test_changing_the_password(client: FlaskClient, person: Staff, post: Any) -> None:
    sign_in(post, client, person.email, PASSWORD)
    new = "another good password"
    values = {"password": PASSWORD, "new_password": new, "new_password_confirm": new}
    assert client.get("/admin/password").status_code == 200
    assert post(client, "/admin/password", values).status_code == 302
    (notice,) = emails("staff_notice")
    assert notice.to_address == person.email
    assert notice.params["title"] == "Your password was changed"
    post(client, "/admin/logout")
    assert sign_in(post, client, person.email, new).status_code == 302


def test_there_is_no_registration(client: FlaskClient) -> None:
    assert client.get("/admin/register").status_code == 404
    assert client.get("/register").status_code == 404


def test_no_password_leaves_by_a_page(client: FlaskClient, person: Staff, post: Any) -> None:
    sign_in(post, client, person.email, PASSWORD)
    secret = fetch(Staff, person.id)
    for path in (
        f"/admin/staff/details/?id={person.id}",
        f"/admin/staff/edit/?id={person.id}",
        "/admin/staff/export/csv/",
        "/admin/staff/",
    ):
        text = client.get(path).get_data(as_text=True)
        assert secret.password not in text
        assert secret.fs_uniquifier not in text


def test_the_cookie_is_not_for_scripts(client: FlaskClient, person: Staff, post: Any) -> None:
    cookie = sign_in(post, client, person.email, PASSWORD).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_letter_with_a_link_is_not_shown_to_colleagues(
    client: FlaskClient, person: Staff, post: Any
) -> None:
    post(client, "/admin/reset", {"email": person.email})
    sign_in(post, client, person.email, PASSWORD)
    (email,) = emails("staff_password")
    page = client.get(f"/admin/outgoingemail/details/?id={email.id}").text
    assert fetch(OutgoingEmail, email.id).params["link"] not in page
