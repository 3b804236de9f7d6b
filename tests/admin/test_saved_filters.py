"""Saved filters: one click to apply, for oneself or for everybody, and they always open."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing.actor import Actor
from billing.database import transaction
from billing.errors import NotFound, Refusal
from billing.saved_filters import MOST, delete_filter, save_filter
from models import History, Label, SavedFilter
from models.states import ActorKind
from tests.support import Factory, all_of

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]
GRID = "/admin/invoice/"
SAVE = "/admin/invoice/filters/"
REMOVE = "/admin/invoice/filters/remove/"
KNOWN = {"state", "labels", "q"}


def actor(make: Factory) -> Actor:
    return Actor(ActorKind.STAFF, make.staff(), "Sam Staff")


def saved(actor: Actor, name: str = "Mine", query: str = "state=sent", **more: Any) -> int:
    return save_filter("invoice", name=name, query=query, known=KNOWN, actor=actor, **more)


def shown(page: Any) -> dict[str, str]:
    """The saved filters above a grid: name → where one click leads."""
    nav = re.search(r'<nav aria-label="Saved filters">(.*?)</nav>', page.text, re.DOTALL)
    if nav is None:
        return {}
    links = re.findall(r'<a href="([^"]*)"[^>]*>(?:<svg.*?</svg>)?([^<]*)</a>', nav.group(1))
    return {html.unescape(name): html.unescape(url) for url, name in links}


def test_a_filter_is_saved_from_the_grid_and_applied_with_one_click(
    make: Factory, staff_client: Build, post: Post
) -> None:
    sent = make.invoice(description="A sent one")
    make.invoice(state="draft", description="A draft")
    client = staff_client()
    page = client.get(f"{GRID}?state=sent&q=sent&size=50")
    query = re.search(r'name="query" value="([^"]*)"', page.text)
    assert query is not None
    answer = post(client, SAVE, {"name": " Sent ones ", "query": html.unescape(query.group(1))})
    assert answer.status_code == 303
    landed = client.get(answer.location)
    assert "The filter was saved." in landed.text
    url = shown(landed)["Sent ones"]
    assert "size" not in url
    assert 'aria-current="true"' in landed.text
    found = client.get(GRID + url).text
    assert f"id={sent}" in found
    assert "A draft" not in found
    assert "Save this filter" not in found
    assert "Save this filter" not in client.get(GRID).text
    assert [row for row in all_of(History) if row.record == "savedfilter"] == []


def test_ones_own_is_nobody_elses(make: Factory, staff_client: Build, post: Post) -> None:
    mine, theirs = staff_client(), staff_client()
    post(mine, SAVE, {"name": "Only mine", "query": "state=sent"})
    post(mine, SAVE, {"name": "Ours", "query": "state=draft", "shared": "y"})
    assert set(shown(mine.get(GRID))) == {"Only mine", "Ours"}
    assert set(shown(theirs.get(GRID))) == {"Ours"}
    assert shown(theirs.get("/admin/user/")) == {}
    (row,) = (row for row in all_of(History) if row.record == "savedfilter")
    assert row.sentence == "Saved the filter “Ours” for everybody"


def test_sharing_needs_its_permission(make: Factory, staff_client: Build, post: Post) -> None:
    client = staff_client(["invoices.view"])
    assert "For everybody" not in client.get(f"{GRID}?state=sent").text
    post(client, SAVE, {"name": "Mine", "query": "state=sent", "shared": "y"})
    (kept,) = all_of(SavedFilter)
    assert not kept.shared


def test_who_may_not_see_the_grid_keeps_no_filter_of_it(staff_client: Build, post: Post) -> None:
    client = staff_client(["users.view"])
    assert post(client, SAVE, {"name": "x", "query": "state=sent"}).status_code == 403
    assert post(client, f"{REMOVE}?filter=1").status_code == 403
    assert staff_client().post(SAVE, data={"name": "x"}).status_code == 400
    assert all_of(SavedFilter) == []


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": "", "query": "state=sent"}, "Enter a name."),
        ({"name": "x" * 61, "query": "state=sent"}, "at most 60 characters; this has 61"),
        ({"name": "x", "query": ""}, "Choose a filter first"),
        ({"name": "x", "query": "state="}, "Choose a filter first"),
        ({"name": "x", "query": "evil=1&state=sent"}, "There is no filter named “evil” here."),
        ({"name": "x", "query": "after=5"}, "There is no filter named “after” here."),
        ({"name": "x", "query": "size=100"}, "There is no filter named “size” here."),
        ({"name": "x", "query": "q=" + "a" * 2000}, "too many filters at once"),
        ({"name": "x", "query": "q=a\0b"}, "There is no filter named"),
        ({"name": "x", "query": "state=sent\n"}, "There is no filter named"),
        ({"name": "x", "query": "state=sent\r\nq=a"}, "There is no filter named"),
    ],
)
def test_what_can_not_be_kept_is_said_with_what_was_typed_still_there(
    staff_client: Build, post: Post, typed: dict[str, str], sentence: str
) -> None:
    answer = post(staff_client(), SAVE, typed)
    assert answer.status_code == 422
    assert sentence in html.unescape(answer.text)
    assert f'value="{typed["name"]}"' in answer.text
    assert all_of(SavedFilter) == []


def test_names_are_ones_own_and_thirty_are_enough(make: Factory) -> None:
    mine, theirs = actor(make), actor(make)
    saved(mine, "Late")
    with pytest.raises(Refusal, match="of this name"):
        saved(mine, " LATE ")
    saved(theirs, "Late")
    for number in range(MOST - 1):
        saved(mine, f"Filter {number}")
    with pytest.raises(Refusal, match="There are 30 filters of yours here already"):
        saved(mine, "One more")
    saved(mine, "For all", shared=True)
    save_filter("user", name="Late", query="q=x", known={"q"}, actor=mine)


def test_removing_ones_own_and_with_the_permission_others_shared_ones(
    make: Factory, staff_client: Build, post: Post
) -> None:
    owner, other = actor(make), actor(make)
    private, shared = saved(owner), saved(owner, "Ours", shared=True)
    with pytest.raises(NotFound):
        delete_filter(private, actor=other, may_share=True)
    with pytest.raises(Refusal, match="Only whoever saved"):
        delete_filter(shared, actor=other)
    assert delete_filter(private, actor=owner) == "Mine"
    client = staff_client(["invoices.view"])
    assert "Remove …" not in client.get(GRID).text
    post(client, f"{REMOVE}?filter={shared}")
    assert [each.id for each in all_of(SavedFilter)] == [shared]
    client = staff_client()
    assert "Remove …" in client.get(GRID).text
    answer = post(client, f"{REMOVE}?filter={shared}", {"back": "?state=sent"})
    assert answer.location == f"{GRID}?state=sent"
    assert all_of(SavedFilter) == []
    sentences = [row.sentence for row in all_of(History) if row.record == "savedfilter"]
    assert sentences[-1] == "Removed the filter “Ours” that was for everybody"
    assert post(client, f"{REMOVE}?filter=abc").status_code == 404
    for back in ("//evil", "?state=sent\n", "?q=a\r\nb"):
        again = saved(owner, "x", shared=True)
        assert post(client, f"{REMOVE}?filter={again}", {"back": back}).location == GRID


def test_one_whose_label_is_gone_still_opens_and_says_so(
    make: Factory, staff_client: Build, post: Post
) -> None:
    invoice = make.invoice()
    vip, old = make.add(Label(name="VIP")), make.add(Label(name="Old"))
    with transaction() as session:
        from models import Invoice

        session.get_one(Invoice, invoice).labels = [session.get_one(Label, vip)]
    client = staff_client()
    post(client, SAVE, {"name": "Both", "query": f"labels={vip},{old}&state=sent"})
    post(client, SAVE, {"name": "Old only", "query": f"labels={old}&user=99&site=98"})
    with transaction() as session:
        session.delete(session.get_one(Label, old))
    links = shown(client.get(GRID))
    both = client.get(GRID + links["Both"])
    assert f"id={invoice}" in both.text
    assert "What “Labels” asks for is not there any more, so it was left out." in both.text
    assert "Labels: <b>VIP</b>" in both.text
    gone = client.get(GRID + links["Old only"])
    assert gone.status_code == 200
    assert f"id={invoice}" in gone.text
    for name in ("Labels", "User", "Site"):
        assert f"What “{name}” asks for is not there any more" in gone.text


def test_hostile_names_are_only_words(make: Factory, staff_client: Build, post: Post) -> None:
    client = staff_client()
    name = '"><img src=x onerror=alert(1)>'
    post(client, SAVE, {"name": name, "query": 'q="><script>'})
    page = client.get(GRID)
    assert "<img src=x" not in page.text
    assert name in html.unescape(page.text)
    assert client.get(GRID + shown(page)[name]).status_code == 200
