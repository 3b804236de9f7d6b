"""What the words an office writes itself have in common, in letters and in messages.

They are plain text with named gaps such as {name}; they are never read as a template.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping

from billing.errors import Refusal

_PLACEHOLDER = re.compile(r"\{([^{}\r\n]*)\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` with every known placeholder replaced, once: what stands in a value is never
    read as a placeholder."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1].strip(), found[0]), text)


def names_in(text: str) -> list[str]:
    """Return the names of the placeholders in ``text``, known or not."""
    return [found[1].strip() for found in _PLACEHOLDER.finditer(text)]


def paragraphs(text: str) -> list[str]:
    """Return the blocks of ``text`` that empty lines divide."""
    return [part.strip("\n") for part in re.split(r"\n[ \t]*\n", text) if part.strip()]


def check_one_line(text: str) -> None:
    """Refuse a subject of several lines: a line break would begin another header of the e-mail
    (RFC 5322, 2.2)."""
    if len(text.splitlines()) > 1:
        raise Refusal("The subject must be a single line.", "line_break", "subject")


def check_characters(text: str, field: str, *, but: str = "") -> None:
    """Refuse control characters and halves of surrogate pairs: they can be neither stored nor
    sent. ``but``: the ones that may stand in it."""
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in but for char in text):
        raise Refusal("There is a character in it that can't be sent.", "character", field)


def check_known(text: str, allowed: Collection[str], field: str, *, where: str = "") -> None:
    """Refuse a placeholder that is not ``allowed``; ``where``: " in this letter", for people."""
    for found in _PLACEHOLDER.finditer(text):
        if found[1].strip() not in allowed:
            known = ", ".join(f"{{{name}}}" for name in allowed)
            sentence = f"There is no placeholder {found[0]}{where}. You can use {known}."
            raise Refusal(sentence, "placeholder", field)
