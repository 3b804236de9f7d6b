"""Doors of the pages of messages: permissions, sign-in, tokens and sites."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from models import Message, MessageRecipient
from models.states import MessageState
from tests.admin.message_desk import (
    DO,
    DOUBTS,
    FILLED,
    NEW,
    SENDING,
    Build,
    Post,
    eye_of,
    text_of,
)
from tests.messaging.helpers import draft, sending, typed
from tests.support import Factory, all_of, fetch

NEEDS = {
    f"{DO}/write/": "messages.edit",
    f"{DO}/edit/": "messages.edit",
    f"{DO}/duplicate/": "messages.edit",
    f"{DO}/archive/": "messages.edit",
    f"{SENDING}/preview/": "messages.send",
    f"{SENDING}/send/": "messages.send",
    f"{SENDING}/stop/": "messages.send",
    f"{SENDING}/resume/": "messages.send",
    f"{SENDING}/resend/": "messages.send",
    f"{DOUBTS}/decide/": "messages.send",
}


def test_each_page_needs_its_permission_a_sign_in_and_a_token(
    staff_client: Build, post: Post, client: FlaskClient
) -> None:
    message = draft(extra=typed(2))
    others = {"messages.view", "messages.edit", "messages.send"}
    for address, permission in NEEDS.items():
        lacking = staff_client(sorted(others - {permission}))
        path = f"{address}?id={message}"
        assert post(lacking, path, FILLED).status_code == 403
        assert "/admin/login" in post(client, path, FILLED).location
        assert staff_client().post(path, data=FILLED).status_code == 400
    looker = staff_client(["messages.view"])
    eye = eye_of(looker, message)
    assert "Actions" not in eye
    assert "New message" not in text_of(looker.get("/admin/message/"))
    assert looker.get("/admin/message/new/").status_code == 403
    assert looker.get(f"{DO}/letter/?id={message}").status_code == 200
    nobody = staff_client(["users.view"])
    for path in ("/admin/message/", f"{DO}/letter/", f"{SENDING}/progress/"):
        assert nobody.get(f"{path}?id={message}").status_code == 403
    assert len(all_of(Message)) == 1
    assert fetch(Message, message).state is MessageState.DRAFT


def test_another_sites_message_is_not_found(
    app: Flask, make: Factory, staff_client: Build, post: Post
) -> None:
    mine, other = make.site(), make.site()
    theirs = sending(1, site_id=other)
    everywhere = sending(1)
    client = staff_client(sites=(mine,))
    paths = [*NEEDS, f"{DO}/letter/", f"{SENDING}/progress/", "/admin/message/details/"]
    paths.remove(f"{DO}/write/")
    for wrong in (theirs, everywhere, 10**30, "x", ""):
        for path in paths:
            if path.endswith(("/duplicate/", "/stop/", "/resume/")):
                assert post(client, f"{path}?id={wrong}").status_code == 404, path
            else:
                assert client.get(f"{path}?id={wrong}").status_code == 404, path
    assert "typed0@example.org" not in text_of(client.get("/admin/messagerecipient/"))
    row = all_of(MessageRecipient)[0]
    assert client.get(f"/admin/messagerecipient/details/?id={row.id}").status_code == 404


def test_somebody_of_one_site_writes_for_that_site_only(
    make: Factory, staff_client: Build, post: Post
) -> None:
    mine, other = make.site("Mine"), make.site("Other")
    foreign = make.form("Foreign", other)
    client = staff_client(sites=(mine,))
    page = text_of(client.get(NEW))
    assert f'value="{mine}" selected' in page
    assert "Other" not in page
    assert "Foreign" not in page
    for wrong in ({"site": ""}, {"site": str(other)}, {"site": str(mine), "form": str(foreign)}):
        assert post(client, NEW, {**FILLED, **wrong}).status_code == 422
    assert post(client, NEW, {**FILLED, "site": str(mine)}).status_code == 303
    assert [message.site_id for message in all_of(Message)] == [mine]
