"""Notes of staff, on the pages of what they are about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from models import Note
from tests.admin.counter import text_of
from tests.applications.helpers import apply
from tests.billing.helpers import rows_of
from tests.support import Factory

Build = Callable[..., FlaskClient]


@pytest.fixture(params=["application", "invoice", "unit", "user"])
def about(request: pytest.FixtureRequest, make: Factory) -> tuple[str, int]:
    """The word and the id of a record that staff can write about."""
    made: dict[str, Callable[[], int]] = {
        "application": lambda: apply(make),
        "invoice": make.invoice,
        "unit": lambda: make.unit(make.site()),
        "user": make.user,
    }
    return request.param, made[request.param]()


def test_notes_are_added_and_listed_newest_first(
    staff_client: Build, post: Any, about: tuple[str, int]
) -> None:
    kind, number = about
    client = staff_client()
    back, address = f"/admin/{kind}/details/?id={number}", f"/admin/notes/{kind}/?id={number}"
    assert address in text_of(client.get(back))
    for text in ("First <i>word</i>", "Second word"):
        assert post(client, address, {"text": text}).location == back
    page = client.get(back).get_data(as_text=True)
    assert page.index("Second word") < page.index("First &lt;i&gt;word&lt;/i&gt;")
    assert page.count("Note added") == 2
    for wrong, sentence in (
        ("", "Write a note first."),
        (" \0", "Write a note first."),
        ("x" * 4001, "At most 4,000 characters, please."),
    ):
        refused = post(client, address, {"text": wrong})
        assert (refused.status_code, sentence in text_of(refused)) == (422, True)
    assert len(rows_of(Note)) == 2


def test_a_note_is_read_by_those_who_may_not_write_one(
    staff_client: Build, post: Any, make: Factory
) -> None:
    unit = make.unit(make.site())
    page, address = f"/admin/unit/details/?id={unit}", f"/admin/notes/unit/?id={unit}"
    post(staff_client(), address, {"text": "The lock was changed"})
    reader = staff_client(["dashboard.view", "sites.view"])
    shown = text_of(reader.get(page))
    assert "The lock was changed" in shown
    assert address not in shown
    assert post(reader, address, {"text": "Mine"}).status_code == 403


def test_staff_of_another_site_neither_read_nor_write_notes(
    staff_client: Build, post: Any, make: Factory
) -> None:
    unit, elsewhere = make.unit(make.site()), make.site()
    address = f"/admin/notes/unit/?id={unit}"
    post(staff_client(), address, {"text": "The lock was changed"})
    bound = staff_client(["dashboard.view", "sites.view", "sites.edit"], (elsewhere,))
    assert bound.get(f"/admin/unit/details/?id={unit}").status_code == 404
    assert post(bound, address, {"text": "Mine"}).status_code == 404
    assert len(rows_of(Note)) == 1
