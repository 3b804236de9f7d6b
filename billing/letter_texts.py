"""The office's own words in its letters: what may stand in them, and the verbs that change them.

Only the subject and the opening words are the office's. Amount, button, facts and links stay the
template's, so no letter can lose them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from billing import clock
from billing.actor import Actor
from billing.database import lock, transaction
from billing.errors import Refusal
from billing.history import note
from billing.letter_kinds import LETTERS, letter_kind
from billing.placeholders import check_characters, check_known, check_one_line, fill, names_in
from billing.saving import check_email
from models import Settings

LONGEST_SUBJECT = 200
LONGEST_OPENING = 4000
MOST_COPIES = 5
_WHERE = " in this letter"
CHANGED = "Somebody else has just changed this. Compare, then save again."
# Where one sentence ends and another begins; not after "e.g." and the like.
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?…])[ \t]+(?![a-zß-öø-ÿ])")


@dataclass(frozen=True)
class LetterText:
    """The office's words for one kind of letter; empty: the house's own."""

    subject: str = ""
    opening: str = ""

    def __bool__(self) -> bool:
        return bool(self.subject or self.opening)


def text_of(settings: Settings, kind: str) -> LetterText:
    """Return the office's words for ``kind``; empty where it uses the house's own."""
    kept = (settings.email_texts or {}).get("texts", {}).get(kind, {})
    return LetterText(kept.get("subject", ""), kept.get("opening", ""))


def copies_to(settings: Settings) -> list[str]:
    """Return the addresses that get a copy of every letter to a customer."""
    return list((settings.email_texts or {}).get("bcc", []))


def check_text(kind: str, subject: str, opening: str) -> LetterText:
    """Return the typed words tidied. ``Refusal`` at ``subject`` or ``opening``: too long, a subject
    of several lines, an unknown placeholder, a character that can't be sent."""
    allowed = letter_kind(kind).placeholders
    return LetterText(_check_subject(subject, allowed), _check_opening(opening, allowed))


def set_letter_text(
    kind: str, *, subject: str, opening: str, shown: LetterText | None = None, actor: Actor
) -> bool:
    """Give letters of ``kind`` the office's words; return whether that changed anything.

    shown -- the words the form started from; when they are others by now, nothing is saved
             (code ``changed``)

    An empty subject or opening means the house's own. Raises ``Refusal`` with its field.
    """
    wanted = check_text(kind, subject, opening)
    with transaction() as session:
        settings = lock(session, Settings, 1)
        before = text_of(settings, kind)
        if shown is not None and shown != before:
            raise Refusal(CHANGED, "changed")
        return _keep(session, settings, kind, before, wanted, actor)


def reset_letter_text(kind: str, actor: Actor) -> bool:
    """Give letters of ``kind`` the house's own words again; return whether they had others."""
    letter_kind(kind)
    with transaction() as session:
        settings = lock(session, Settings, 1)
        return _keep(session, settings, kind, text_of(settings, kind), LetterText(), actor)


def set_bcc(addresses: str, actor: Actor, *, shown: list[str] | None = None) -> bool:
    """Decide who gets a copy of every letter to a customer; return whether that changed anything.

    addresses -- as typed, one a line or with commas; at most ``MOST_COPIES``, or none
    shown     -- the addresses the form started from, as for ``set_letter_text``

    Raises ``Refusal`` (field ``addresses``).
    """
    wanted = _check_addresses(addresses)
    with transaction() as session:
        settings = lock(session, Settings, 1)
        before = copies_to(settings)
        if shown is not None and shown != before:
            raise Refusal(CHANGED, "changed", "addresses")
        if wanted == before:
            return False
        _store(settings, {**(settings.email_texts or {}), "bcc": wanted})
        changes = {"copies": [", ".join(before), ", ".join(wanted)]}
        sentence = "Changed who gets copies of letters"
        note(session, settings, "set_bcc", sentence, actor, details={"changes": changes})
        return True


def fill_subject(text: str, values: Mapping[str, str]) -> str:
    """Return the subject filled in; empty when one of its placeholders has no value."""
    return "" if _lacks(text, values) else fill(text, values)


def fill_opening(text: str, values: Mapping[str, str]) -> str:
    """Return the opening words filled in, without the sentences that lack a value."""
    lines = []
    for line in text.split("\n"):
        sentences = _BETWEEN_SENTENCES.split(line)
        whole = [fill(each, values) for each in sentences if not _lacks(each, values)]
        if whole or not line.strip():
            lines.append(" ".join(whole))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _lacks(text: str, values: Mapping[str, str]) -> bool:
    return any(values.get(name) == "" for name in names_in(text))


def _keep(
    session: Session,
    settings: Settings,
    kind: str,
    before: LetterText,
    wanted: LetterText,
    actor: Actor,
) -> bool:
    if wanted == before:
        return False
    kept = settings.email_texts or {}
    texts = {name: text for name, text in kept.get("texts", {}).items() if name != kind}
    if wanted:
        texts[kind] = {"subject": wanted.subject, "opening": wanted.opening}
    _store(settings, {**kept, "texts": texts})
    changes = {
        name: [getattr(before, name), getattr(wanted, name)]
        for name in ("subject", "opening")
        if getattr(before, name) != getattr(wanted, name)
    }
    verb = "set_letter_text" if wanted else "reset_letter_text"
    done = "Changed the words of" if wanted else "Went back to the house’s words in"
    sentence = f"{done} the letter “{LETTERS[kind].title}”"
    note(session, settings, verb, sentence, actor, details={"letter": kind, "changes": changes})
    return True


def _store(settings: Settings, kept: dict[str, Any]) -> None:
    # Another dictionary, because a change within one is not seen.
    settings.email_texts = kept
    settings.updated_at = clock.now()


def _check_subject(text: str, allowed: Mapping[str, str]) -> str:
    plain = (text or "").strip()
    check_one_line(plain)
    _check_length(plain, LONGEST_SUBJECT, "subject")
    check_characters(plain, "subject")
    check_known(plain, allowed, "subject", where=_WHERE)
    return plain


def _check_opening(text: str, allowed: Mapping[str, str]) -> str:
    lines = [line.rstrip() for line in re.sub(r"\r\n?", "\n", text or "").split("\n")]
    plain = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    _check_length(plain, LONGEST_OPENING, "opening")
    check_characters(plain, "opening", but="\n\t")
    check_known(plain, allowed, "opening", where=_WHERE)
    return plain


def _check_length(text: str, longest: int, field: str) -> None:
    if len(text) > longest:
        sentence = f"Use at most {longest:,} characters; this has {len(text):,}."
        raise Refusal(sentence, "too_long", field)


def _check_addresses(typed: str) -> list[str]:
    parts = re.split(r"[\s,;]+", (typed or "").replace("\0", ""))
    found: dict[str, str] = {}
    for part in filter(None, parts):
        try:
            address = check_email(part, "addresses") or ""
        except Refusal as refusal:
            sentence = f"“{part[:60]}” is not an e-mail address."
            raise Refusal(sentence, refusal.code, "addresses") from None
        found.setdefault(address.casefold(), address)
    if len(found) > MOST_COPIES:
        raise Refusal(f"List at most {MOST_COPIES} addresses.", "too_many", "addresses")
    return list(found.values())
