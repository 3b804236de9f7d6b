"""The words of a message: what may stand in them, and how a recipient's own words get in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from billing.errors import Refusal

# Placeholder → what staff read about it beside the field.
PLACEHOLDERS = {
    "name": "the recipient's name",
    "application": "the number of the recipient's application",
    "form": "the name of the form",
    "organisation": "the name of this office",
}
# These mean nothing in a message that goes to typed addresses only.
_OF_A_FORM = ("application", "form")
LONGEST_SUBJECT = 200
LONGEST_BODY = 50_000
_PLACEHOLDER = re.compile(r"\{([^{}\r\n]*)\}")


@dataclass(frozen=True)
class Personal:
    """What the placeholders stand for in one recipient's letter."""

    name: str
    application: str
    form: str
    organisation: str


def personal(
    *, name: str | None, application: str | None, form: str, organisation: str, address: str
) -> Personal:
    """Return a recipient's words; someone without a name is called by their address."""
    return Personal(name or address, application or "–", form, organisation)


def fill(text: str, who: Personal) -> str:
    """Return ``text`` with its placeholders replaced, once: a name that looks like a placeholder
    stays a name."""
    return replace(text, {name: " ".join(getattr(who, name).split()) for name in PLACEHOLDERS})


def replace(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` with every known placeholder replaced by its value."""

    def value(found: re.Match[str]) -> str:
        return values.get(found[1].strip(), found[0])

    return _PLACEHOLDER.sub(value, text)


def paragraphs(body: str) -> list[str]:
    """Return the blocks of ``body`` that empty lines divide."""
    return [part.strip("\n") for part in re.split(r"\n[ \t]*\n", body) if part.strip()]


def check_subject(text: str | None, *, has_form: bool) -> str:
    """Return a tidy subject. ``Refusal``: missing, too long, broken into lines, unknown
    placeholder. A line break would begin another header of the e-mail (RFC 5322, 2.2)."""
    plain = (text or "").strip()
    if not plain:
        raise Refusal("Enter a subject.", "required", "subject")
    if len(plain.splitlines()) > 1:
        raise Refusal("The subject must be a single line.", "line_break", "subject")
    if len(plain) > LONGEST_SUBJECT:
        raise Refusal(
            f"The subject can have {LONGEST_SUBJECT} characters at most.", "too_long", "subject"
        )
    _check_characters(plain, "subject", allowed="")
    _check_placeholders(plain, "subject", has_form=has_form)
    return plain


def check_body(text: str | None, *, has_form: bool) -> str:
    """Return a tidy body. ``Refusal``: missing, too long, unknown placeholder."""
    plain = re.sub(r"\r\n?", "\n", text or "").strip()
    if not plain:
        raise Refusal("Write the text of the message.", "required", "body")
    if len(plain) > LONGEST_BODY:
        raise Refusal(f"The text can have {LONGEST_BODY:,} characters at most.", "too_long", "body")
    _check_characters(plain, "body", allowed="\n\t")
    _check_placeholders(plain, "body", has_form=has_form)
    return plain


def _check_characters(text: str, field: str, *, allowed: str) -> None:
    """Control characters and halves of surrogate pairs can be neither stored nor sent."""
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in allowed for char in text):
        raise Refusal("There is a character in it that can't be sent.", "character", field)


def _check_placeholders(text: str, field: str, *, has_form: bool) -> None:
    for found in _PLACEHOLDER.finditer(text):
        name = found[1].strip()
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{word}}}" for word in PLACEHOLDERS)
            raise Refusal(
                f"There is no placeholder {found[0]}. You can use {known}.", "placeholder", field
            )
        if name in _OF_A_FORM and not has_form:
            raise Refusal(
                f"{{{name}}} needs a form. Choose one, or take {{{name}}} out.",
                "placeholder_needs_form",
                field,
            )
