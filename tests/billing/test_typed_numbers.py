"""Amounts as they are typed: read the office's way, refused where they could mean two things."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.pages.settings import LOCALES
from billing import money
from billing.errors import Refusal
from billing.typed_numbers import (
    example_amount,
    notation,
    parse_amount,
    read_number,
    write_amount,
    write_number,
)
from tests.billing.typed_table import CASES

CURRENCIES = ("USD", "EUR", "JPY", "KWD", "CHF")
AMOUNTS = st.integers(1, money.MAX_AMOUNT)


@pytest.mark.parametrize(("locale", "currency", "text", "meant"), CASES)
def test_typed_amounts_mean_one_thing_or_are_refused_at_their_field(
    locale: str, currency: str, text: str, meant: int | str
) -> None:
    try:
        assert parse_amount(text, currency, locale, field="price") == meant
    except Refusal as refusal:
        assert (refusal.code, refusal.field) == (meant, "price")  # noqa: PT017


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("currency", CURRENCIES)
def test_what_is_shown_is_read_back_as_it_was(locale: str, currency: str) -> None:
    """In a field, and on a page from where it is copied."""
    for minor in (1, 50, 1250, 123_400, 123_456_789, money.MAX_AMOUNT):
        in_field = write_amount(minor, currency, locale)
        on_page = money.format_amount(minor, currency, locale)
        assert parse_amount(in_field, currency, locale) == minor
        assert parse_amount(on_page, currency, locale) == minor


@given(AMOUNTS, st.sampled_from(LOCALES), st.sampled_from(CURRENCIES))
def test_a_field_that_is_sent_untouched_changes_nothing(
    minor: int, locale: str, currency: str
) -> None:
    assert parse_amount(write_amount(minor, currency, locale), currency, locale) == minor


@given(st.text(max_size=30), st.sampled_from(LOCALES), st.sampled_from(CURRENCIES))
def test_any_text_is_an_amount_or_a_refusal(text: str, locale: str, currency: str) -> None:
    try:
        assert 0 < parse_amount(text, currency, locale) <= money.MAX_AMOUNT
    except Refusal as refusal:
        assert refusal.sentence.endswith(".")  # noqa: PT017


@given(st.text("0123456789., '", max_size=14), st.sampled_from(LOCALES))
def test_no_reading_is_off_by_a_hundred(text: str, locale: str) -> None:
    """Whatever is read has the digits that were typed, in their order, and decimals of its own."""
    try:
        minor = parse_amount(text, "USD", locale, zero=True)
    except Refusal:
        return
    last = max(text.rfind("."), text.rfind(","))
    after = "".join(text[last + 1 :].split()) if last >= 0 else ""
    expected = int("".join(each for each in text if each.isdigit()))
    # One or two digits after the last mark are decimals to everybody; three are a group.
    assert minor == expected * 10 ** (2 - len(after) if len(after) < 3 else 2)


def test_nothing_is_an_amount_only_where_it_may_be() -> None:
    assert parse_amount("0,00", "EUR", "de_DE", zero=True) == 0


@pytest.mark.parametrize(
    ("text", "currency", "locale", "sentence"),
    [
        ("x", "EUR", "de_DE", "Enter an amount such as 20,00."),
        ("12,50", "USD", "en_US", "Enter an amount such as 20.00."),
        ("x", "JPY", "ja_JP", "Enter an amount such as 20."),
        ("€5", "USD", "en_US", "Enter an amount of USD, such as 20.00."),
        ("1.005", "USD", "en_US", "Use at most 2 decimals."),
        ("1.5", "JPY", "en_US", "Use no decimals."),
        ("9" * 30, "USD", "en_US", "That amount is too large."),
        (
            "1.250",
            "KWD",
            "de_DE",
            "This could be 1250,000 or 1,250 KWD. Enter it one of these two ways.",
        ),
    ],
)
def test_a_refusal_says_how_to_type_it(
    text: str, currency: str, locale: str, sentence: str
) -> None:
    with pytest.raises(Refusal) as caught:
        parse_amount(text, currency, locale)
    assert caught.value.sentence == sentence


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("currency", CURRENCIES)
def test_the_example_in_the_sentence_is_one_that_works(locale: str, currency: str) -> None:
    example = example_amount(currency, locale)
    assert parse_amount(example, currency, locale) == 20 * 10 ** money.exponent(currency)


def test_both_ways_out_of_a_doubt_work() -> None:
    assert parse_amount("1250,000", "KWD", "de_DE") == 1_250_000
    assert parse_amount("1,250", "KWD", "de_DE") == 1_250


@pytest.mark.parametrize(
    ("text", "locale", "number"),
    [
        ("1.5", "en_US", "1.5"),
        ("1,5", "de_DE", "1.5"),
        ("1.250", "de_DE", "1250"),
        ("1,234.125", "en_US", "1234.125"),
        ("7.", "en_US", "7"),
        ("٧٫٥", "ar_EG", "7.5"),
        # A number may have any decimals, so a point proves nothing where it is not the mark.
        ("12.50", "de_DE", None),
        ("7,5", "en_US", None),
        ("$7", "en_US", None),
        ("-7", "en_US", None),
        ("1e1", "en_US", None),
        ("NaN", "en_US", None),
        ("", "en_US", None),
        ("9" * 16, "en_US", None),
        ("1," + ",".join(["000"] * 9), "en_US", None),
    ],
)
def test_numbers_are_read_by_the_same_grammar(text: str, locale: str, number: str | None) -> None:
    assert read_number(text, locale) == (None if number is None else Decimal(number))


@given(st.decimals("0", "999999", places=4), st.sampled_from(LOCALES))
def test_a_number_is_read_back_as_it_was(number: Decimal, locale: str) -> None:
    assert read_number(write_number(number, locale), locale) == number


def test_a_script_gets_the_whole_grammar() -> None:
    way = json.loads(json.dumps(notation("EUR", "de_DE").for_script()))
    assert (way["point"], way["places"], way["most"]) == (",", 2, money.MAX_AMOUNT)
    assert way["signs"] == ["eur", "€"]
