"""The words of a message: what may stand in them, and what their gaps are for a recipient."""

from __future__ import annotations

import re

from billing.errors import Refusal
from billing.placeholders import check_characters, check_known, check_one_line, names_in

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


def personal(
    *, name: str | None, application: str | None, form: str, organisation: str, address: str
) -> dict[str, str]:
    """Return what each placeholder stands for in one recipient's letter.

    Someone without a name is called by their address.
    """
    words = {
        "name": name or address,
        "application": application or "–",
        "form": form,
        "organisation": organisation,
    }
    return {placeholder: " ".join(word.split()) for placeholder, word in words.items()}


def check_subject(text: str | None, *, has_form: bool) -> str:
    """Return a tidy subject. ``Refusal``: missing, too long, broken into lines, unknown
    placeholder."""
    plain = (text or "").strip()
    if not plain:
        raise Refusal("Enter a subject.", "required", "subject")
    check_one_line(plain)
    if len(plain) > LONGEST_SUBJECT:
        raise Refusal(
            f"The subject can have {LONGEST_SUBJECT} characters at most.", "too_long", "subject"
        )
    check_characters(plain, "subject")
    _check_placeholders(plain, "subject", has_form=has_form)
    return plain


def check_body(text: str | None, *, has_form: bool) -> str:
    """Return a tidy body. ``Refusal``: missing, too long, unknown placeholder."""
    plain = re.sub(r"\r\n?", "\n", text or "").strip()
    if not plain:
        raise Refusal("Write the text of the message.", "required", "body")
    if len(plain) > LONGEST_BODY:
        raise Refusal(f"The text can have {LONGEST_BODY:,} characters at most.", "too_long", "body")
    check_characters(plain, "body", but="\n\t")
    _check_placeholders(plain, "body", has_form=has_form)
    return plain


def _check_placeholders(text: str, field: str, *, has_form: bool) -> None:
    check_known(text, PLACEHOLDERS, field)
    for name in names_in(text):
        if name in _OF_A_FORM and not has_form:
            raise Refusal(
                f"{{{name}}} needs a form. Choose one, or take {{{name}}} out.",
                "placeholder_needs_form",
                field,
            )
