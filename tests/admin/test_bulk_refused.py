"""Bulk actions that are not begun: who may not see, what is gone, and what was begun already."""

from __future__ import annotations

import pytest
from flask import Flask

from billing.label_ends import delete_label
from jobs import bulk_actions
from models import BulkRun, Label
from tests.admin.test_bulk_pages import (
    BASE,
    PERMISSIONS,
    Build,
    Post,
    mark_of,
    office,
    run_of,
    text_of,
)
from tests.support import STAFF, Factory, all_of, emails

__all__ = ["office"]


@pytest.mark.parametrize("verb", list(PERMISSIONS))
def test_each_verb_needs_the_permission_to_see_invoices_too(
    app: Flask, office: dict[str, int], staff_client: Build, post: Post, verb: str
) -> None:
    client = staff_client(sorted({*PERMISSIONS.values()} - {"invoices.view"}))
    address = f"{BASE}/{verb}/?all=1"
    page = client.get(address)
    assert page.status_code == 403
    assert "Cara Card" not in page.text
    assert post(client, address, {"mark": "1-1-1", "confirmed": "y"}).status_code == 403
    assert all_of(BulkRun) == []


def test_a_page_confirmed_twice_begins_once(
    app: Flask, make: Factory, staff_client: Build, post: Post
) -> None:
    for _ in range(3):
        make.invoice(make.user(), state="draft")
    client = staff_client()
    address = f"{BASE}/send/?all=1"
    page = {"mark": mark_of(client.get(address))}
    run = run_of(post(client, address, page))
    again = post(client, address, page)
    assert again.status_code == 422
    assert "You have begun a bulk action since you looked" in text_of(again)
    bulk_actions.run([run])
    assert post(client, address, page).status_code == 422
    assert len(all_of(BulkRun)) == 1
    assert len(emails()) == 3
    assert run_of(post(client, address, {"mark": mark_of(client.get(address))})) > run


@pytest.mark.parametrize("how", ["add", "remove"])
def test_a_label_that_is_gone_is_said_to_be_gone(
    app: Flask, make: Factory, staff_client: Build, post: Post, how: str
) -> None:
    make.invoice()
    label = make.add(Label(name="VIP", note=""))
    client = staff_client()
    address = f"{BASE}/label/?all=1&label_id={label}&how={how}"
    mark = mark_of(client.get(address))
    delete_label(label, actor=STAFF)
    for answer in (client.get(address), post(client, address, {"mark": mark})):
        assert answer.status_code == 422
        assert "This label is gone. Nothing was done." in text_of(answer)
    assert all_of(BulkRun) == []
