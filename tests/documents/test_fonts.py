"""Every character that is printed has a glyph, asked of the shaping engine itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import uharfbuzz as hb

from documents import fonts

CORPUS = (
    "Hello € £ ¥ − – — … “quotes” ‘single’ ·",
    "Zoë Ñandú Łódź Žižek Ångström ﬁne",
    "王小明 狗 许可证 繁體 漢字",
    "العربية مرحبا لا إله ١٢٣",
    "Ελληνικά кириллица Việt Nam ầ ễ",
    "ひらがな カタカナ",
    "e\u0301 composed",
)


def _shape(path: Path, text: str) -> list[int]:
    font = hb.Font(hb.Face(hb.Blob.from_file_path(str(path))))
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    hb.shape(font, buffer)
    return [glyph.codepoint for glyph in buffer.glyph_infos]


@pytest.mark.parametrize("text", CORPUS)
@pytest.mark.parametrize("weight", ["regular", "bold"])
def test_no_character_of_the_corpus_is_without_a_glyph(text: str, weight: str) -> None:
    for character in fonts.readable(text):
        family = next(
            found for found in fonts.needed_for(text) if ord(character) in found.characters
        )
        assert 0 not in _shape(getattr(family, weight), character), (character, family.name)


def test_arabic_letters_join() -> None:
    (arabic,) = (family for family in fonts.families() if family.name.endswith("arabic"))
    joined = _shape(arabic.regular, "عربي")
    alone = [_shape(arabic.regular, letter)[0] for letter in "عربي"]
    assert sorted(joined) != sorted(alone)


def test_only_the_needed_fonts_are_read() -> None:
    assert [family.name for family in fonts.needed_for("Zoë €")] == ["noto-sans"]
    assert "noto-sans-sc" in [family.name for family in fonts.needed_for("王")]
    assert "noto-sans-sc" not in [family.name for family in fonts.needed_for("العربية")]


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a\x00b\x1b", "ab"),
        ("a\tb\r\nc", "a b\nc"),
        ("pay \u202e02$\u202c now", "pay 02$ now"),
        ("\U0001f415", fonts.MISSING),
        ("e\u0301", "é"),
        ("\ud800", ""),
        ("soft\u00adhyphen", "softhyphen"),
    ],
)
def test_what_cannot_be_printed_is_left_out_or_marked(text: str, printed: str) -> None:
    assert fonts.readable(text) == printed


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """Lets a test point at another folder; afterwards the fonts are where they were."""
    folder = fonts._folder
    yield
    if folder is not None:
        fonts.configure(folder)


def test_missing_fonts_are_one_clear_sentence(tmp_path: Path, elsewhere: None) -> None:
    with pytest.raises(FileNotFoundError, match="run the set-up"):
        fonts.configure(tmp_path)
