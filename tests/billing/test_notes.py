"""Notes of staff: added, listed, never changed."""

from __future__ import annotations

from typing import Any

import pytest

from billing.actor import customer_actor
from billing.database import reading
from billing.errors import NotFound
from billing.notes import add_note, notes_of
from models import History, Note
from tests.applications.helpers import apply
from tests.billing.helpers import refusal_of, rows_of
from tests.support import STAFF, Factory


def staff(make: Factory) -> Any:
    from billing.actor import staff_actor
    from models import Staff
    from tests.support import fetch

    return staff_actor(fetch(Staff, make.staff()))


def test_notes_stand_beside_what_they_are_about(app: Any, make: Factory) -> None:
    actor, user, application = staff(make), make.user(), apply(make)
    add_note("user", user, text=" Prefers the phone.\x00 ", actor=actor)
    add_note("application", application, text="Map is missing", actor=actor)
    add_note("application", application, text="Map came <b>late</b>", actor=actor)
    with reading() as session:
        texts = [note.text for note in notes_of(session, "application", application)]
        [about_user] = notes_of(session, "user", user)
    assert texts == ["Map came <b>late</b>", "Map is missing"]
    assert (about_user.text, about_user.author_name) == ("Prefers the phone.", "Sam Staff")


def test_the_history_says_that_but_not_what(app: Any, make: Factory) -> None:
    add_note("user", make.user(), text="Is ill", actor=staff(make))
    [row] = rows_of(History, History.verb == "note")
    assert "ill" not in row.sentence + row.reason + str(row.details)


@pytest.mark.parametrize(("text", "code"), [(" \x00 ", "no_text"), ("x" * 4001, "too_long")])
def test_nothing_and_too_much_are_refused(app: Any, make: Factory, text: str, code: str) -> None:
    user, actor = make.user(), staff(make)
    refusal = refusal_of(lambda: add_note("user", user, text=text, actor=actor))
    assert (refusal.code, refusal.field) == (code, "text")


def test_customers_write_no_notes(app: Any, make: Factory) -> None:
    user = make.user()
    actor = customer_actor(user)
    assert refusal_of(lambda: add_note("user", user, text="Hi", actor=actor)).code == "not_staff"


@pytest.mark.parametrize(("record", "number"), [("user", 10**9), ("payment", 1), ("", 1)])
def test_there_must_be_something_to_write_about(
    app: Any, make: Factory, record: str, number: int
) -> None:
    with pytest.raises(NotFound):
        add_note(record, number, text="Hi", actor=STAFF)
    assert rows_of(Note) == []
