"""Lists of addresses as people type them: one a line, every mistake named by its line."""

from __future__ import annotations

import re

from billing.errors import Refusal
from billing.saving import check_email

MOST_ADDRESSES = 5000
# More mistakes than this help nobody at once.
_MOST_MISTAKES = 10
_LINE = re.compile(r"\r\n|\r|\n")


def read_addresses(text: str | None, field: str, *, most: int = MOST_ADDRESSES) -> list[str]:
    """Return the addresses of ``text`` in order, as typed. Empty lines don't count.

    field -- the form field that a mistake is reported at
    most  -- how many there may be

    Raises ``Refusal`` (code ``addresses``) that names each malformed or repeated line, or (code
    ``too_many``).
    """
    seen: dict[str, int] = {}
    found: list[str] = []
    mistakes: list[str] = []
    for number, line in enumerate(_LINE.split(text or ""), 1):
        plain = line.strip()
        if not plain:
            continue
        key = plain.lower()
        if not _is_address(plain):
            mistakes.append(f"Line {number}: “{_shown(plain)}” is not an e-mail address.")
        elif key in seen:
            mistakes.append(f"Line {number}: {plain} is on line {seen[key]} already.")
        else:
            seen[key] = number
            found.append(plain)
    if mistakes:
        rest = len(mistakes) - _MOST_MISTAKES
        more = [f"{rest} more lines have mistakes."] if rest > 0 else []
        raise Refusal(" ".join(mistakes[:_MOST_MISTAKES] + more), "addresses", field)
    if len(found) > most:
        raise Refusal(f"Enter {most:,} addresses at most.", "too_many", field)
    return found


def _is_address(plain: str) -> bool:
    try:
        return plain.isprintable() and check_email(plain) is not None
    except Refusal:
        return False


def _shown(plain: str) -> str:
    printable = "".join(char for char in plain if char.isprintable())
    return printable if len(printable) <= 60 else f"{printable[:60]}…"
