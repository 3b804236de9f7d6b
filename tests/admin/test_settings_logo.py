"""The office's logo: chosen in the settings, shown to customers, never anything but a picture."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing.errors import Refusal
from billing.logo import MAX_BYTES
from billing.settings import change_settings
from models import History, Settings
from tests.support import STAFF, Factory, all_of, fetch

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


def choose(post: Post, client: FlaskClient, data: bytes) -> Any:
    return post(client, "/admin/settings/", {"logo": (io.BytesIO(data), "logo.png")})


def test_a_logo_is_shown_to_customers(staff_client: Build, post: Post, client: FlaskClient) -> None:
    assert client.get("/logo").status_code == 404
    assert "/logo" not in client.get("/").text
    assert choose(post, staff_client(), PNG).status_code == 303
    shown = client.get("/logo")
    assert (shown.data, shown.mimetype) == (PNG, "image/png")
    assert client.get("/logo", headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    assert "/logo?v=" in client.get("/").text
    assert any(row.sentence == "Logo changed" for row in all_of(History))


@pytest.mark.parametrize("data", [b"<svg onload=alert(1)>", PNG + b"0" * MAX_BYTES])
def test_what_is_no_small_picture_is_refused(
    staff_client: Build, post: Post, client: FlaskClient, data: bytes
) -> None:
    answer = choose(post, staff_client(), data)
    assert answer.status_code == 422
    assert "logo" in answer.text.lower()
    assert client.get("/logo").status_code == 404


def test_a_logo_can_be_removed(staff_client: Build, post: Post, client: FlaskClient) -> None:
    staff = staff_client()
    choose(post, staff, PNG)
    post(staff, "/admin/settings/", {"no_logo": "1"})
    assert client.get("/logo").status_code == 404


def test_only_who_may_change_the_settings_may_choose_it(
    staff_client: Build, post: Post, client: FlaskClient
) -> None:
    assert choose(post, staff_client(["settings.view"]), PNG).status_code == 403
    assert client.get("/logo").status_code == 404


def test_it_says_only_what_happened(staff_client: Build, post: Post) -> None:
    staff = staff_client()
    choose(post, staff, PNG)
    page = staff.get("/admin/settings/").text
    assert "The logo was changed." in page
    assert "Nothing was changed." not in page


def test_a_refused_form_keeps_the_logo_as_it_was(
    staff_client: Build, post: Post, client: FlaskClient, make: Factory
) -> None:
    make.settings(organisation="Changed by a colleague")
    stale = {"organisation": "Mine", "seen": json.dumps({"organisation": "What I saw"})}
    form = {**stale, "logo": (io.BytesIO(PNG), "logo.png")}
    assert post(staff_client(), "/admin/settings/", form).status_code == 422
    assert client.get("/logo").status_code == 404


def test_settings_and_logo_are_saved_together_or_not_at_all(
    staff_client: Build, post: Post, client: FlaskClient, make: Factory
) -> None:
    make.settings(organisation="As it was")
    with pytest.raises(Refusal):
        change_settings({"organisation": "Another"}, STAFF, logo=b"<svg onload=alert(1)>")
    make.invoice()
    with pytest.raises(Refusal):
        change_settings({"currency": "EUR"}, STAFF, logo=PNG)
    assert fetch(Settings, 1).organisation == "As it was"
    assert client.get("/logo").status_code == 404
    form = {"organisation": "Another", "logo": (io.BytesIO(PNG), "logo.png")}
    staff = staff_client()
    assert post(staff, "/admin/settings/", form).status_code == 303
    page = staff.get("/admin/settings/").text
    assert "Saved." in page
    assert "The logo was changed." in page
    assert fetch(Settings, 1).organisation == "Another"
    assert client.get("/logo").data == PNG
