"""The signed link in a letter that opens one page: this person's payment method, nothing else.

No other link opens it and it opens nothing else (``billing.signed``). It ends after 60 days.

A link that was used to save a card or account has done its service: saving raises the version, so
an old letter does not stay an open door to somebody's payment methods. Whoever has just saved one
may want to look again, pay what failed, or correct a slip, so for an hour after that the version
before still works. ``end_links_of`` raises it by two and thus ends every link at once: when staff
end them (``billing.link_ends``), and with a new e-mail address, because what is in the old mailbox
is no longer this person's.

Forged, expired and ended links are one answer, ``LinkDead``.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import clock, runtime
from billing.signed import LinkDead, make_token, read_token
from models import History, User

WORKS_FOR_DAYS = 60
WORKS_AFTER_USE = dt.timedelta(hours=1)
_SALT = "method-link"
_LINK = re.compile(r"(/m/)[\w.~-]{12,}")
_BEYOND_USE = 2


@dataclass(frozen=True)
class MethodLink:
    """What a link opens: whose payment method, and the version it was made with."""

    user: User
    version: int


def method_token(user: User) -> str:
    """Return a token that opens the page for ``user``'s payment method."""
    return make_token(_SALT, user.id, user.link_version)


def method_url(user: User) -> str:
    """Return the address for a letter of ``user``'s page to give a card or account."""
    return f"{runtime.current().public_url}/m/{method_token(user)}"


def read_method_token(session: Session, token: str) -> MethodLink:
    """Return what ``token`` opens; raises ``LinkDead``."""
    read = read_token(_SALT, token)
    user = session.get(User, read.record_id)
    if user is None or user.erased_at is not None or not 0 <= read.age <= WORKS_FOR_DAYS:
        raise LinkDead
    if read.version != user.link_version and not _just_used(session, user, read.version):
        raise LinkDead
    return MethodLink(user, read.version)


def without_links(text: str) -> str:
    """Return ``text`` with what opens the links in it left out: what is kept of a letter."""
    return _LINK.sub(r"\1…", text)


def end_links_of(user: User) -> None:
    """End every link to this person's payment method, in the caller's transaction."""
    user.link_version += _BEYOND_USE


def _just_used(session: Session, user: User, version: int) -> bool:
    if version != user.link_version - 1:
        return False
    saved = select(History.id).where(
        History.record == "user",
        History.record_id == user.id,
        History.verb == "register_method",
        History.at >= clock.now() - WORKS_AFTER_USE,
        History.details["link_version"].as_integer() == version,
    )
    return session.scalar(saved.limit(1)) is not None
