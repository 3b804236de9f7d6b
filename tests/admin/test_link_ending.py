"""End links on a user's page: old letters open nothing, new ones do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from applications.links import application_url
from billing.database import reading
from billing.invoicing import send_invoice
from billing.links import invoice_url
from billing.method_letters import ask_for_method
from billing.method_links import method_url
from jobs.letters import render
from models import Application, History, Invoice, User
from tests.admin.drafting import text_of
from tests.support import STAFF, Factory, all_of, emails, fetch

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


def page_of(user: Any) -> str:
    return f"/admin/user/links/end/?id={user}"


def path_in(kind: str, start: str) -> str:
    """The newest letter of a kind as it would be written now: where its link leads."""
    with reading() as session:
        letter = render(session.merge(emails(kind)[-1], load=False), session)
    [path] = {
        urlsplit(word).path for word in letter.text.split() if urlsplit(word).path.startswith(start)
    }
    return path


@pytest.fixture
def mailed(make: Factory) -> tuple[int, int, dict[str, str]]:
    """A user, their invoice, and the paths that letters led them to."""
    user = make.user()
    invoice, application = make.invoice(user), make.application(user)
    paths = {
        "method": method_url(fetch(User, user)),
        "invoice": invoice_url(fetch(Invoice, invoice)),
        "application": application_url(fetch(Application, application)),
    }
    return user, invoice, {name: urlsplit(url).path for name, url in paths.items()}


def test_old_links_are_dead_and_new_letters_lead_on(
    app: Flask,
    client: FlaskClient,
    staff_client: Build,
    post: Post,
    mailed: tuple[int, int, dict[str, str]],
) -> None:
    user, invoice, paths = mailed
    desk = staff_client()
    assert page_of(user) in text_of(desk.get(f"/admin/user/details/?id={user}"))
    page = text_of(desk.get(page_of(user)))
    assert "stops working at once" in page
    assert "This can’t be undone." in page
    assert {client.get(path).status_code for path in paths.values()} == {200}
    answer = post(desk, page_of(user))
    assert answer.status_code == 303
    landed = text_of(desk.get(answer.location))
    assert "The links were ended. New letters carry new ones." in landed
    assert "All links in letters ended; new letters carry new ones" in landed
    for path in paths.values():
        dead = client.get(path)
        assert dead.status_code == 404
        assert "This link no longer works" in text_of(dead)
    assert post(client, paths["method"], {"nonce": "fake-valid-nonce"}).status_code == 404
    eye = text_of(desk.get(f"/admin/invoice/details/?id={invoice}"))
    assert "Link replaced with all of this user's; older links no longer work" in eye

    ask_for_method(user, actor=STAFF)
    send_invoice(invoice, actor=STAFF)
    assert client.get(path_in("method_link", "/m/")).status_code == 200
    assert client.get(path_in("invoice", "/i/")).status_code == 200


def test_from_a_dead_invoice_link_a_new_one_is_sent(
    client: FlaskClient, staff_client: Build, post: Post, mailed: tuple[int, int, dict[str, str]]
) -> None:
    user, _invoice, paths = mailed
    post(staff_client(), page_of(user))
    post(client, f"{paths['invoice']}/fresh-link")
    assert client.get(path_in("fresh_link", "/i/")).status_code == 200


def test_doors(
    make: Factory, staff_client: Build, post: Post, mailed: tuple[int, int, dict[str, str]]
) -> None:
    user, _invoice, _paths = mailed
    looker = staff_client(["users.view", "users.billing", "invoices.send"])
    assert page_of(user) not in text_of(looker.get(f"/admin/user/details/?id={user}"))
    elsewhere = staff_client(sites=(make.site(),))
    owner = staff_client()
    for client, nowhere, status in (
        (looker, user, 403),
        (elsewhere, user, 404),
        (owner, "abc", 404),
        (owner, 987, 404),
    ):
        assert client.get(page_of(nowhere)).status_code == status
        assert post(client, page_of(nowhere)).status_code == status
    assert owner.post(page_of(user)).status_code == 400
    assert [row for row in all_of(History) if row.verb == "end_links"] == []
    assert fetch(User, user).link_version == 1
