"""The office's colour, whatever it is set to, leaves every word readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.colours import accent, contrast


@given(st.integers(0, 0xFFFFFF))
def test_words_can_be_read_on_and_in_every_colour(number: int) -> None:
    found = accent(f"#{number:06X}")
    assert found.fill == f"#{number:06x}"
    assert contrast(found.fill, found.ink) >= 4.5
    assert contrast(found.text, "#ffffff") >= 4.5


@pytest.mark.parametrize("wrong", [None, "", "red", "#fff", "#12345g", "#1f5f5b;}", "url(x)"])
def test_anything_else_is_the_default(wrong: str | None) -> None:
    assert accent(wrong).fill == "#1f5f5b"
