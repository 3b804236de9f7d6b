"""The office's own words in letters: what may stand in them, who changed them, how gaps fill."""

from __future__ import annotations

from typing import Any

import pytest

from billing.errors import NotFound, Refusal
from billing.letter_kinds import LETTERS, letter_kind
from billing.letter_texts import (
    LetterText,
    copies_to,
    fill_opening,
    fill_subject,
    reset_letter_text,
    set_bcc,
    set_letter_text,
    text_of,
)
from billing.placeholders import fill
from models import History, Settings
from tests.support import STAFF, Factory, all_of, fetch

HOSTILE = (
    "<script>alert(1)</script>",
    "{{ 7 * 191 }}",
    "{name.__class__.__mro__}",
    "{0}",
    "{}",
    "{amount!r}",
    "{amount:>99}",
    "{Amount}",
)


def settings() -> Settings:
    found: Settings = fetch(Settings, 1)
    return found


def put(subject: str = "", opening: str = "", kind: str = "invoice", **more: Any) -> bool:
    return set_letter_text(kind, subject=subject, opening=opening, actor=STAFF, **more)


def changes() -> list[History]:
    return [row for row in all_of(History) if row.record == "settings"]


def test_words_are_kept_tidied_and_logged_once(make: Factory) -> None:
    assert put("  Pay {amount} ", "Dear {name},\r\n\r\n\r\n\r\nhere it is.  \r\n")
    assert text_of(settings(), "invoice") == LetterText(
        "Pay {amount}", "Dear {name},\n\nhere it is."
    )
    assert not text_of(settings(), "reminder")
    [row] = changes()
    assert (row.verb, row.actor_name) == ("set_letter_text", "Sam Staff")
    assert row.sentence == "Changed the words of the letter “Invoice”"
    assert row.details["changes"]["subject"] == ["", "Pay {amount}"]
    assert put("Pay {amount}", "Dear {name},\n\nhere it is.") is False
    assert put("Pay {amount}", "Other") is True
    assert changes()[-1].details["changes"] == {"opening": ["Dear {name},\n\nhere it is.", "Other"]}
    assert len(changes()) == 2


def test_letters_and_copies_are_kept_beside_each_other(make: Factory) -> None:
    put("One")
    put("Two", kind="receipt")
    set_bcc("a@example.org", STAFF)
    put("Three", kind="statement")
    kept = settings().email_texts
    assert set(kept) == {"texts", "bcc"}
    assert {name: text["subject"] for name, text in kept["texts"].items()} == {
        "invoice": "One",
        "receipt": "Two",
        "statement": "Three",
    }
    assert kept["bcc"] == ["a@example.org"]


def test_back_to_the_houses_words(make: Factory) -> None:
    put("One", "Two")
    assert reset_letter_text("invoice", STAFF)
    assert not text_of(settings(), "invoice")
    assert settings().email_texts["texts"] == {}
    assert [row.verb for row in changes()] == ["set_letter_text", "reset_letter_text"]
    assert reset_letter_text("invoice", STAFF) is False
    assert len(changes()) == 2
    put("One")
    put("", "  \r\n ")
    assert not text_of(settings(), "invoice")


@pytest.mark.parametrize("field", ["subject", "opening"])
@pytest.mark.parametrize("text", HOSTILE[1:])
def test_what_is_no_placeholder_of_the_letter_is_named(
    make: Factory, field: str, text: str
) -> None:
    with pytest.raises(Refusal) as refused:
        put(**{field: f"Hello {text}"})
    assert (refused.value.code, refused.value.field) == ("placeholder", field)
    assert "There is no placeholder {" in refused.value.sentence
    assert "{due_date}" in refused.value.sentence
    assert settings().email_texts.get("texts", {}) == {}
    assert changes() == []


def test_a_placeholder_of_another_letter_is_refused(make: Factory) -> None:
    with pytest.raises(Refusal, match=r"\{card\}"):
        put("About {card}")
    assert put("About {card}", kind="card_expiring")


@pytest.mark.parametrize("text", ["Set {", "}", "a } b { c", "{\n}", "5 { 3"])
def test_braces_that_are_no_placeholder_are_text(make: Factory, text: str) -> None:
    put("", text)
    assert text_of(settings(), "invoice").opening == text
    assert fill_opening(text, {"name": "Zoë"}) == text


@pytest.mark.parametrize(
    ("subject", "opening", "code", "field"),
    [
        ("One\r\nBcc: everybody@example.org", "", "line_break", "subject"),
        ("One\u2028two", "", "line_break", "subject"),
        ("One\x0btwo", "", "line_break", "subject"),
        ("x" * 201, "", "too_long", "subject"),
        ("\x00", "", "character", "subject"),
        ("\ud800", "", "character", "subject"),
        ("", "x" * 4001, "too_long", "opening"),
        ("", "a\x00b", "character", "opening"),
        ("", "a\x1bb", "character", "opening"),
    ],
)
def test_what_cannot_be_sent_is_refused(
    make: Factory, subject: str, opening: str, code: str, field: str
) -> None:
    with pytest.raises(Refusal) as refused:
        put(subject, opening)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert changes() == []


def test_the_longest_words_fit(make: Factory) -> None:
    assert put("x" * 200, "y" * 4000)


def test_somebody_elses_change_is_not_overwritten(make: Factory) -> None:
    shown = text_of(settings(), "invoice")
    put("Theirs")
    with pytest.raises(Refusal) as refused:
        put("Mine", shown=shown)
    assert refused.value.code == "changed"
    assert text_of(settings(), "invoice").subject == "Theirs"
    assert put("Mine", shown=LetterText("Theirs"))
    set_bcc("a@example.org", STAFF)
    with pytest.raises(Refusal, match="Somebody else"):
        set_bcc("b@example.org", STAFF, shown=[])
    assert copies_to(settings()) == ["a@example.org"]


@pytest.mark.parametrize("kind", ["sign_in", "staff_password", "method_link", "nonsense", ""])
def test_other_letters_have_fixed_words(make: Factory, kind: str) -> None:
    for verb in (
        lambda: put("One", kind=kind),
        lambda: reset_letter_text(kind, STAFF),
        lambda: letter_kind(kind),
    ):
        with pytest.raises(NotFound):
            verb()


def test_addresses_for_copies(make: Factory) -> None:
    assert set_bcc(" a@example.org\r\nB@example.org, b@example.org;c@example.org\n", STAFF)
    assert copies_to(settings()) == ["a@example.org", "B@example.org", "c@example.org"]
    [row] = changes()
    assert row.details["changes"]["copies"] == ["", "a@example.org, B@example.org, c@example.org"]
    assert set_bcc("a@example.org B@example.org c@example.org", STAFF) is False
    assert set_bcc("", STAFF)
    assert copies_to(settings()) == []


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("nobody", "email"),
        ("a@example.org\nBcc: x@example.org", "email"),
        ("<script>@example.org", "email"),
        (f"{'x' * 250}@example.org", "email"),
        (" ".join(f"a{number}@example.org" for number in range(6)), "too_many"),
    ],
)
def test_addresses_that_are_none(make: Factory, typed: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        set_bcc(typed, STAFF)
    assert (refused.value.code, refused.value.field) == (code, "addresses")
    assert copies_to(settings()) == []
    assert changes() == []


def test_values_are_put_in_once() -> None:
    values = {"name": "{amount} {name}", "amount": "$5.00"}
    assert fill("{name}, { amount }; {other}", values) == "{amount} {name}, $5.00; {other}"


def test_a_gap_without_a_value_takes_its_sentence_along() -> None:
    values = {"name": "Zoë", "amount": "$5.00", "due_date": ""}
    text = "Hello. Please pay {amount}, e.g. by card, by {due_date}. Thank you, {name}!"
    assert fill_opening(text, values) == "Hello. Thank you, Zoë!"
    assert fill_opening("One.\nBy {due_date}.\nTwo.", values) == "One.\nTwo."
    assert fill_opening("One.\n\nBy {due_date}.\n\nTwo.", values) == "One.\n\nTwo."
    assert fill_opening("By {due_date}.", values) == ""
    assert fill_subject("Due on {due_date}", values) == ""
    assert fill_subject("Pay {amount}", values) == "Pay $5.00"


def test_every_letter_says_what_it_is_and_what_its_gaps_mean() -> None:
    for kind in LETTERS.values():
        assert kind.title
        assert {"name", "office"} <= set(kind.placeholders)
        assert all(kind.placeholders.values())
