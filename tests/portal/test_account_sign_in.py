"""Signing in by e-mail: nothing is told to strangers, a link works once, staff stay staff."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing.database import lock, transaction
from models import History, User
from portal.customers import hint
from portal.discretion import mask
from tests.support import Clock, Factory, all_of, emails, fetch

Post = Callable[..., Any]
MailedLink = Callable[[str], str]
SignedIn = Callable[[int], FlaskClient]


def test_everybody_gets_the_same_answer(client: FlaskClient, make: Factory, post: Post) -> None:
    make.user(email="maria@example.org")
    make.user(no_email=True, email=None)
    pages = set()
    for email in ("maria@example.org", "MARIA@example.org", "stranger@example.org"):
        response = post(client, "/sign-in", {"email": email})
        assert response.status_code == 303
        pages.add(client.get(response.headers["Location"]).text)
    assert len({re.sub(r'nonce="[^"]*"', "", page) for page in pages}) == 1
    assert "If we know this address" in pages.pop()
    assert [email.to_address for email in emails("sign_in")] == ["maria@example.org"] * 2


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Please enter your e-mail address."),
        ("   ", "Please enter your e-mail address."),
        ("maria", "That is not an e-mail address."),
        ("a@b.example\r\nBcc: x@y.example", "That is not an e-mail address."),
        ("a" * 250 + "@example.org", "That is not an e-mail address."),
        ("<script>alert(1)</script>", "That is not an e-mail address."),
    ],
)
def test_what_is_no_address_is_said_at_the_field(
    client: FlaskClient, post: Post, typed: str, sentence: str
) -> None:
    response = post(client, "/sign-in", {"email": typed})
    assert response.status_code == 400
    assert f'id="email-problem">{sentence}' in response.text
    assert 'aria-describedby="email-problem"' in response.text
    assert "<script>alert" not in response.text
    assert emails() == []


def test_asking_is_limited(client: FlaskClient, post: Post) -> None:
    asked = [post(client, "/sign-in", {"email": "a@b.example"}).status_code for _ in range(11)]
    assert asked == [303] * 10 + [429]


def test_a_link_shows_a_button_and_works_once(
    client: FlaskClient, make: Factory, post: Post, mailed_link: MailedLink
) -> None:
    make.user("Zoë Alvarez", email="zoe@alvarez.example")
    path = mailed_link("zoe@alvarez.example")
    for _ in range(3):
        page = client.get(path)
        assert page.status_code == 200
    assert "Sign in as z•••@a•••.example" in page.text
    assert "zoe@" not in page.text
    assert "Zoë" not in page.text
    assert client.get("/account").headers["Location"] == "/sign-in"
    assert post(client, path).headers["Location"] == "/account"
    assert "Zoë Alvarez" in client.get("/account").text
    again = client.application.test_client()
    for response in (post(again, path), again.get(path)):
        assert response.status_code == 404
        assert "This link no longer works" in response.text
    assert again.get("/account").headers["Location"] == "/sign-in"
    assert [row.verb for row in all_of(History) if row.record == "user"] == ["sign_in"]


def test_dead_links_look_alike(
    client: FlaskClient, make: Factory, post: Post, mailed_link: MailedLink, time: Clock
) -> None:
    make.user(email="zoe@example.org")
    expired = mailed_link("zoe@example.org")
    time.advance(minutes=31)
    paths = (expired, "/sign-in/nonsense", "/sign-in/" + "A" * 4000, "/sign-in/%00%ff")
    pages = set()
    for path in paths:
        for response in (client.get(path), post(client, path)):
            assert response.status_code == 404
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert response.headers["Cache-Control"] == "no-store"
            pages.add(re.sub(r'nonce="[^"]*"', "", response.text))
    assert len(pages) == 1


def test_without_the_forms_token_nothing_happens(
    client: FlaskClient, make: Factory, mailed_link: MailedLink, customer_client: SignedIn
) -> None:
    make.user(email="zoe@example.org")
    path = mailed_link("zoe@example.org")
    before = len(emails())
    assert client.post(path).status_code == 400
    assert client.post("/sign-in", data={"email": "zoe@example.org"}).status_code == 400
    assert client.get(path).status_code == 200
    assert len(emails()) == before
    inside = customer_client(make.user())
    assert inside.post("/sign-out").status_code == 400
    assert inside.get("/account").status_code == 200


def test_it_ends_after_twelve_hours_and_by_signing_out(
    make: Factory, customer_client: SignedIn, post: Post, time: Clock
) -> None:
    user = make.user()
    client = customer_client(user)
    time.advance(hours=11, minutes=55)
    assert client.get("/account").status_code == 200
    time.advance(minutes=6)
    assert client.get("/account").headers["Location"] == "/sign-in"
    client = customer_client(user)
    assert client.get("/sign-in").headers["Location"] == "/account"
    out = post(client, "/sign-out", follow_redirects=True)
    assert "You are signed out." in out.text
    assert client.get("/account").headers["Location"] == "/sign-in"


@pytest.mark.parametrize(
    "change",
    [
        {"email": "somebody.else@example.org"},
        {"email": None, "no_email": True},
        {"erased_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)},
    ],
)
def test_who_loses_the_address_is_out_at_once(
    make: Factory, customer_client: SignedIn, change: dict[str, Any]
) -> None:
    user_id = make.user()
    client = customer_client(user_id)
    with transaction() as session:
        user = lock(session, User, user_id)
        for name, value in change.items():
            setattr(user, name, value)
    assert client.get("/account").headers["Location"] == "/sign-in"


def test_staff_stay_staff_and_customers_are_never_staff(
    make: Factory, staff_client: Callable[..., FlaskClient], mailed_link: MailedLink, post: Post
) -> None:
    user = make.user("Zoë Alvarez")
    staff = staff_client()
    post(staff, mailed_link(fetch(User, user).email))
    assert "Zoë Alvarez" in staff.get("/account").text
    assert staff.get("/admin/").status_code == 200
    post(staff, "/sign-out")
    assert staff.get("/account").headers["Location"] == "/sign-in"
    assert staff.get("/admin/").status_code == 200


def test_a_customer_gets_nothing_of_the_panel(make: Factory, customer_client: SignedIn) -> None:
    answer = customer_client(make.user()).get("/admin/")
    assert answer.status_code in (302, 303)
    assert "/admin/login" in answer.headers["Location"]


def test_the_cookie_is_not_for_scripts_or_other_sites(
    client: FlaskClient, make: Factory, mailed_link: MailedLink, post: Post
) -> None:
    cookie = post(client, mailed_link(fetch(User, make.user()).email)).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("more", ["?next=https://evil.example", "?next=//evil.example"])
def test_nothing_leads_elsewhere(
    client: FlaskClient, make: Factory, mailed_link: MailedLink, post: Post, more: str
) -> None:
    assert client.get(f"/account{more}").headers["Location"] == "/sign-in"
    path = mailed_link(fetch(User, make.user()).email)
    assert post(client, path + more).headers["Location"] == "/account"
    assert post(client, f"/sign-out{more}").headers["Location"] == "/sign-in"


@pytest.mark.parametrize(
    ("address", "shown"),
    [("maria@city.example", "m•••@c•••.example"), ("a@b.co.uk", "a•••@b•••.uk")],
)
def test_a_hint_is_no_address(address: str, shown: str) -> None:
    assert hint(address) == shown


@pytest.mark.parametrize("kind", ["i", "a", "sign-in", "unsubscribe"])
def test_no_log_holds_a_link(kind: str) -> None:
    token = "MTIz.AuN12QDCmrTpiUDP2NvQHDkE_7WXYna9"
    assert mask(f"GET /{kind}/{token}/pay 200") == f"GET /{kind}/…/pay 200"
