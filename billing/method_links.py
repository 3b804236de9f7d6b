"""The signed link in a letter that opens one page: this person's payment method, nothing else.

Made like an invoice's link: HMAC-SHA256 over the user's id, ``link_version`` and the day, under a
salt of its own, so that no other link opens it and it opens nothing else. It ends after 60 days.

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
import hashlib
import re
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session

from billing import clock, runtime
from billing.links import LinkDead
from models import History, User

WORKS_FOR_DAYS = 60
WORKS_AFTER_USE = dt.timedelta(hours=1)
_EPOCH = dt.date(2020, 1, 1)
_LINK = re.compile(r"(/m/)[\w.~-]{12,}")
_BEYOND_USE = 2


@dataclass(frozen=True)
class MethodLink:
    """What a link opens: whose payment method, and the version it was made with."""

    user: User
    version: int


def method_token(user: User) -> str:
    """Return a token that opens the page for ``user``'s payment method."""
    return str(_serializer().dumps([user.id, user.link_version, _day()]))


def method_url(user: User) -> str:
    """Return the address for a letter of ``user``'s page to give a card or account."""
    return f"{runtime.current().public_url}/m/{method_token(user)}"


def read_method_token(session: Session, token: str) -> MethodLink:
    """Return what ``token`` opens; raises ``LinkDead``."""
    try:
        user_id, version, day = _serializer().loads(token[:300])
        user = session.get(User, int(user_id))
        age, version = _day() - int(day), int(version)
    except (BadData, ValueError, TypeError):
        raise LinkDead from None
    if user is None or user.erased_at is not None or not 0 <= age <= WORKS_FOR_DAYS:
        raise LinkDead
    if version != user.link_version and not _just_used(session, user, version):
        raise LinkDead
    return MethodLink(user, version)


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


def _serializer() -> URLSafeSerializer:
    secret = runtime.current().link_secret
    return URLSafeSerializer(
        secret, salt="method-link", signer_kwargs={"digest_method": hashlib.sha256}
    )


def _day() -> int:
    return (clock.now().date() - _EPOCH).days
