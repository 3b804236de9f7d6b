"""Delete label and Merge into… on a label's page: what they say, do, and refuse."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing import clock
from billing.database import reading
from billing.label_ends import delete_label, label_use
from billing.labelling import set_labels
from billing.saving import save_record
from models import History, Label, SavedFilter, User
from tests.admin.drafting import text_of
from tests.billing.helpers import everything
from tests.support import STAFF, Factory, all_of

Build = Callable[..., FlaskClient]
Post = Callable[..., Any]


def page_of(verb: str, key: int) -> str:
    return f"/admin/label/end/{verb}/?id={key}"


def eye(key: int) -> str:
    return f"/admin/label/details/?id={key}"


def shown(key: int) -> dict[str, str]:
    """What the page's hidden field holds now."""
    with reading() as session:
        return {"shown": label_use(session, key).mark}


@pytest.fixture
def two(make: Factory) -> tuple[int, int, int]:
    """The label "Slow & late" on one user, the label "Late payer", and the user."""
    slow = make.add(Label(name="Slow & late"))
    late = make.add(Label(name="Late payer"))
    user = make.user(site_id=make.site())
    set_labels(User, user, [slow], actor=STAFF)
    return slow, late, user


def labels_on(client: FlaskClient, user: int) -> str:
    page = client.get(f"/admin/user/details/?id={user}").text
    return html.unescape(page.split('<div class="labels">')[1].split("<details")[0])


def test_a_label_is_deleted(
    make: Factory, staff_client: Build, post: Post, two: tuple[int, int, int]
) -> None:
    slow, late, user = two
    client = staff_client()
    staff = make.staff()
    make.add(
        SavedFilter(
            staff_id=staff,
            grid="user",
            name="The slow",
            query=f"labels={slow}",
            shared=True,
            created_at=clock.now(),
        )
    )
    assert page_of("delete", slow) in text_of(client.get(eye(slow)))
    page = text_of(client.get(page_of("delete", slow)))
    assert "“Slow & late” is on 1 user. They lose it; nothing else about them changes." in page
    assert "Saved filters that name it (1) still open; they leave it out and say so." in page
    assert labels_on(client, user).count("Slow & late") == 1
    answer = post(client, page_of("delete", slow), shown(slow))
    assert (answer.status_code, answer.location) == (303, "/admin/label/")
    landed = text_of(client.get(answer.location))
    assert "The label “Slow & late” was deleted." in landed
    assert "Late payer" in landed
    assert "Slow & late" not in labels_on(client, user)
    assert "taken off: it was deleted" in text_of(client.get(f"/admin/user/details/?id={user}"))
    filtered = text_of(client.get(f"/admin/user/?labels={slow}"))
    assert "What “Labels” asks for is not there any more, so it was left out." in filtered
    history = text_of(client.get("/admin/history/"))
    assert "Deleted the label “Slow & late”; it was on 1 user" in history
    assert eye(slow) not in history
    [row] = [each for each in all_of(History) if each.verb == "delete"]
    assert eye(slow) not in text_of(client.get(f"/admin/history/details/?id={row.id}"))
    assert client.get(eye(slow)).status_code == 404
    save_record(Label, late, {"name": "Late"}, STAFF)
    assert eye(late) in text_of(client.get("/admin/history/"))


def test_a_label_is_merged(staff_client: Build, post: Post, two: tuple[int, int, int]) -> None:
    slow, late, user = two
    client = staff_client()
    page = text_of(client.get(page_of("merge", slow)))
    assert "“Slow & late” is on 1 user. They get the other label instead" in page
    assert f'<option value="{late}">Late payer</option>' in page
    assert f'value="{slow}"' not in page
    answer = post(client, page_of("merge", slow), {**shown(slow), "into": str(late)})
    assert (answer.status_code, answer.location) == (303, eye(late))
    landed = text_of(client.get(answer.location))
    assert "“Slow & late” was merged into “Late payer”." in landed
    assert "“Slow & late” was merged into it; it was on 1 user" in landed
    assert "Late payer" in labels_on(client, user)
    assert page_of("merge", late) not in landed
    assert "There is no other label." in landed
    assert client.get(page_of("merge", late)).status_code == 422


@pytest.mark.parametrize(
    ("into", "sentence"),
    [
        ("", "Choose a label."),
        ("x", "Choose a label."),
        ("-1", "Choose a label."),
        ("9" * 30, "Choose a label."),
        ("987", "This label is gone. Choose another."),
        ("itself", "A label can't be merged into itself. Choose another."),
    ],
)
def test_what_it_can_not_be_merged_into(
    staff_client: Build, post: Post, two: tuple[int, int, int], into: str, sentence: str
) -> None:
    slow, _late, _user = two
    client = staff_client()
    before = everything()
    asked = {**shown(slow), "into": str(slow) if into == "itself" else into}
    answer = post(client, page_of("merge", slow), asked)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert 'name="shown" value="1-0-0"' in answer.text
    assert everything() == before


def test_the_other_one_was_deleted_meanwhile(
    staff_client: Build, post: Post, two: tuple[int, int, int], make: Factory
) -> None:
    slow, late, _user = two
    make.add(Label(name="Third"))
    delete_label(late, actor=STAFF)
    answer = post(staff_client(), page_of("merge", slow), {**shown(slow), "into": str(late)})
    assert "This label is gone. Choose another." in text_of(answer)
    assert "Late payer" not in answer.text
    assert "Third" in answer.text


@pytest.mark.parametrize("verb", ["delete", "merge"])
def test_put_on_more_meanwhile(
    make: Factory, staff_client: Build, post: Post, two: tuple[int, int, int], verb: str
) -> None:
    slow, late, _user = two
    asked = {**shown(slow), "into": str(late)}
    set_labels(User, make.user(), [slow], actor=STAFF)
    client = staff_client()
    answer = post(client, page_of(verb, slow), asked)
    assert answer.status_code == 422
    page = text_of(answer)
    assert "This label was put on or taken off somewhere meanwhile." in page
    assert "is on 2 users." in page
    assert 'name="shown" value="2-0-0"' in page
    assert len(all_of(Label)) == 2
    assert post(client, page_of(verb, slow), {"into": str(late)}).status_code == 422
    assert post(client, page_of(verb, slow), {**asked, **shown(slow)}).status_code == 303


@pytest.mark.parametrize("verb", ["delete", "merge"])
def test_whoever_comes_second_is_told(
    staff_client: Build, post: Post, two: tuple[int, int, int], verb: str
) -> None:
    slow, late, _user = two
    asked = {**shown(slow), "into": str(late)}
    delete_label(slow, actor=STAFF)
    client = staff_client()
    before = everything()
    answer = post(client, page_of(verb, slow), asked)
    assert (answer.status_code, answer.location) == (303, "/admin/label/")
    landed = text_of(client.get(answer.location))
    assert "This label is gone already. Nothing was changed." in landed
    for nowhere in (slow, "abc", "", "9" * 30):
        assert client.get(f"/admin/label/end/{verb}/?id={nowhere}").status_code == 404
    assert post(client, f"/admin/label/end/{verb}/?id=abc").status_code == 404
    assert everything() == before


@pytest.mark.parametrize("verb", ["delete", "merge"])
def test_doors(staff_client: Build, post: Post, two: tuple[int, int, int], verb: str) -> None:
    slow, late, _user = two
    asked = {**shown(slow), "into": str(late)}
    looker = staff_client(["labels.view", "invoices.label"])
    assert page_of(verb, slow) not in text_of(looker.get(eye(slow)))
    assert looker.get(page_of(verb, slow)).status_code == 403
    assert post(looker, page_of(verb, slow), asked).status_code == 403
    assert staff_client().post(page_of(verb, slow), data=asked).status_code == 400
    assert [row for row in all_of(History) if row.verb in ("delete", "merge")] == []
    # Whoever may not see the list is led to a page they may see.
    editor = staff_client(["labels.edit"])
    answer = post(editor, page_of(verb, slow), asked)
    assert (answer.status_code, answer.location) == (303, "/admin/")


@pytest.mark.parametrize("verb", ["delete", "merge"])
def test_staff_of_another_site_are_told_why_not(
    make: Factory, staff_client: Build, post: Post, two: tuple[int, int, int], verb: str
) -> None:
    slow, late, _user = two
    client = staff_client(sites=(make.site(),))
    sentence = "This label is on records of other sites, too."
    page = text_of(client.get(eye(slow)))
    assert sentence in page
    assert page_of(verb, slow) not in page
    for answer in (
        client.get(page_of(verb, slow)),
        post(client, page_of(verb, slow), {**shown(slow), "into": str(late)}),
    ):
        assert answer.status_code == 422
        assert sentence in text_of(answer)
        assert "1 user" not in text_of(answer)
    assert len(all_of(Label)) == 2
