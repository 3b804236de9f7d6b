"""What is signed and handed to people: HMAC-SHA256 under a salt for each purpose.

The whole digest is kept, so there are 256 bits to guess, and what was signed for one purpose never
serves another. A link's token is a record's id, its ``link_version`` and the day it was made:
raising the version kills every link given out before.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer

from billing import clock, runtime

_EPOCH = dt.date(2020, 1, 1)
_LONGEST_TOKEN = 300


class LinkDead(Exception):
    """The link does not open anything (any more)."""


@dataclass(frozen=True)
class Token:
    """What a token that was ever ours says; age: whole days since it was made."""

    record_id: int
    version: int
    age: int


def serializer(salt: str) -> URLSafeSerializer:
    """Return what signs and reads for the purpose ``salt``."""
    secret = runtime.current().link_secret
    return URLSafeSerializer(secret, salt=salt, signer_kwargs={"digest_method": hashlib.sha256})


def make_token(salt: str, record_id: int, version: int) -> str:
    """Return the token of a link made today."""
    return str(serializer(salt).dumps([record_id, version, _day()]))


def read_token(salt: str, token: str) -> Token:
    """Return what ``token`` says; raises ``LinkDead`` for a forged one."""
    try:
        record_id, version, day = serializer(salt).loads(token[:_LONGEST_TOKEN])
        return Token(int(record_id), int(version), _day() - int(day))
    except (BadData, ValueError, TypeError):
        raise LinkDead from None


def _day() -> int:
    return (clock.now().date() - _EPOCH).days
