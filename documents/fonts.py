"""The fonts papers are written with, and which of them a text needs.

Any family of Noto Sans found in the folder is used: a further script is one more npm package
(``@expo-google-fonts/noto-sans-…``), not a change here.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont

# It tells of every table it leaves out.
logging.getLogger("fontTools").setLevel(logging.WARNING)

MAIN = "noto-sans"
# Where no font has a character: the sign Unicode keeps for that (U+FFFD).
MISSING = "\N{REPLACEMENT CHARACTER}"
# Marks that turn the direction of foreign text around are a way to show a false amount.
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JOINERS = frozenset("\u200c\u200d")


@dataclass(frozen=True)
class Family:
    """One script's font files; ``bold`` is a semibold cut, or regular where there is none."""

    name: str
    regular: Path
    bold: Path

    @property
    def characters(self) -> frozenset[int]:
        return _characters(self.regular)


_folder: Path | None = None


def configure(fonts_folder: Path) -> None:
    """Say where npm's packages are (``node_modules``); done once, at start.

    Raises ``FileNotFoundError`` with one clear sentence when the main family is not there.
    """
    global _folder
    _folder = Path(fonts_folder)
    families.cache_clear()
    families()


@lru_cache(maxsize=1)
def families() -> tuple[Family, ...]:
    """Return the families there are: the main one first, then the smallest files first."""
    if _folder is None:
        raise RuntimeError("documents.configure() has not been called in this process")
    found = []
    for package in sorted((_folder / "@expo-google-fonts").glob(f"{MAIN}*")):
        regular = next(iter(sorted(package.glob("400Regular/*.ttf"))), None)
        if regular is not None:
            bold = next(iter(sorted(package.glob("600SemiBold/*.ttf"))), regular)
            found.append(Family(package.name, regular, bold))
    if not any(family.name == MAIN for family in found):
        raise FileNotFoundError(f"The fonts for papers are missing in {_folder}; run the set-up.")
    return tuple(
        sorted(found, key=lambda family: (family.name != MAIN, family.regular.stat().st_size))
    )


def needed_for(text: str) -> tuple[Family, ...]:
    """Return the families ``text`` needs, the main one always and first.

    A Chinese font has ten megabytes to read, so a paper without Chinese does without it.
    """
    main, *others = families()
    missing = {ord(character) for character in readable(text)} - main.characters
    chosen = [main]
    for family in others:
        if missing & family.characters:
            chosen.append(family)
            missing -= family.characters
    return tuple(chosen)


def readable(text: str) -> str:
    """Return ``text`` as it can be printed.

    Composed (NFC), without control characters, direction overrides and more than one empty line
    at a time; a character that no font has becomes ``MISSING`` instead of an empty box.
    """
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    composed = re.sub(r"\n\s*\n\s*\n", "\n\n", composed)
    return "".join(_printable(character) for character in composed)


def one_line(text: str) -> str:
    """Return ``text`` without line breaks, for names and items: a table is no place for essays."""
    return " ".join(text.split())


def few_lines(text: str, most: int = 7) -> str:
    """Return the first ``most`` lines of ``text`` that say something, for addresses."""
    return "\n".join([one_line(line) for line in text.splitlines() if line.strip()][:most])


def _printable(character: str) -> str:
    if character == "\n":
        return character
    if character == "\t":
        return " "
    if character in _OVERRIDES:
        return ""
    known = any(ord(character) in family.characters for family in families())
    kind = unicodedata.category(character)
    if kind == "Cf" and character not in _JOINERS:
        return ""
    if kind in ("Cc", "Cs", "Co", "Cn"):
        return ""
    if known:
        return character
    # A mark or joiner without a font is left out: its letter is still there.
    return "" if kind.startswith("M") or character in _JOINERS else MISSING


@lru_cache(maxsize=32)
def _characters(path: Path) -> frozenset[int]:
    with TTFont(path, lazy=True) as font:
        return frozenset(font.getBestCmap())
