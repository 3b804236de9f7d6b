"""Signing in without a password: a one-time link by e-mail.

The token is HMAC-SHA256 over a random seed, 256 bits to guess. The database keeps the seed and the
token's digest; neither opens anything without the application's secret, so a stolen copy of the
database signs nobody in. Whether anybody has the address is never told.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from billing import clock, runtime
from billing.actor import customer_actor
from billing.database import lock, transaction
from billing.history import note
from billing.mailing import queue_email
from billing.saving import check_email
from billing.signed import LinkDead
from models import SignInLink, User

WORKS_FOR = dt.timedelta(minutes=30)
AN_HOUR = dt.timedelta(hours=1)
MOST_AN_HOUR_AND_ADDRESS = 5
MOST_AN_HOUR_AND_IP = 30
_KEPT_FOR = dt.timedelta(days=1)


def ask_for_link(email: str, ip: str) -> None:
    """Send a sign-in link to ``email`` if it is a customer's; the caller always answers the same.

    At most five an hour and address, thirty an hour and IP address; what is too much is dropped
    silently. Users who share the address get one link for all of them. Raises ``Refusal`` (field
    ``email``) for what can't be an address, which tells nothing about anybody.
    """
    address = (check_email(email) or "").lower()
    if not address:
        return
    with transaction() as session:
        users = [lock(session, User, number) for number in _ids_of(session, address)]
        _forget_old(session)
        if _too_many(session, address, ip):
            return
        now = clock.now()
        seed = secrets.token_hex(32)
        link = SignInLink(
            seed=seed,
            digest=_digest(_token(seed)),
            address=address,
            ip=ip[:64],
            asked_at=now,
            expires_at=now + WORKS_FOR,
        )
        session.add(link)
        session.flush()
        if users:
            params = {"sign_in_link": link.id}
            queue_email(session, "sign_in", f"sign-in:{link.id}", users[0], params=params)


def link_url(session: Session, link_id: int) -> str:
    """Return the address that goes into the letter; empty when the link is gone or was used."""
    link = session.get(SignInLink, link_id)
    if link is None or link.used_at is not None:
        return ""
    return f"{runtime.current().public_url}/sign-in/{_token(link.seed)}"


def is_alive(session: Session, token: str) -> bool:
    """Whether ``token`` could be used now. Changes nothing: mail scanners open links too."""
    return address_of(session, token) is not None


def address_of(session: Session, token: str) -> str | None:
    """Return the address ``token`` would sign in now, changing nothing; None for a dead one.

    Whoever has the link may be a stranger: show enough to recognise the address, not all of it.
    """
    link = session.scalars(select(SignInLink).where(SignInLink.digest == _digest(token))).first()
    if link is None or link.used_at is not None or link.expires_at <= clock.now():
        return None
    return link.address


def use_link(token: str, *, ip: str = "") -> list[int]:
    """Use a link up and return the ids of all users who have its address.

    Call it for a POST only. Raises ``LinkDead`` for forged, used and expired links alike.
    """
    with transaction() as session:
        now = clock.now()
        # Conditional, so of two clicks at the same moment one wins.
        address = session.execute(
            update(SignInLink)
            .where(
                SignInLink.digest == _digest(token),
                SignInLink.used_at.is_(None),
                SignInLink.expires_at > now,
            )
            .values(used_at=now)
            .returning(SignInLink.address)
            .execution_options(synchronize_session=False)
        ).scalar_one_or_none()
        user_ids = _ids_of(session, address) if address else []
        if not user_ids:
            raise LinkDead
        for user_id in user_ids:
            user = session.get_one(User, user_id)
            note(session, user, "sign_in", "Signed in by e-mail link", customer_actor(user_id, ip))
        return user_ids


def _ids_of(session: Session, address: str) -> list[int]:
    """The users who can be reached under ``address``, whatever the case of its letters."""
    rows = select(User.id).where(
        func.lower(User.email) == address, User.no_email.is_(False), User.erased_at.is_(None)
    )
    return list(session.scalars(rows.order_by(User.id)))


def _too_many(session: Session, address: str, ip: str) -> bool:
    recent = select(func.count(SignInLink.id)).where(SignInLink.asked_at > clock.now() - AN_HOUR)
    by_address = session.scalar(recent.where(SignInLink.address == address)) or 0
    by_ip = session.scalar(recent.where(SignInLink.ip == ip[:64])) if ip else 0
    return by_address >= MOST_AN_HOUR_AND_ADDRESS or (by_ip or 0) >= MOST_AN_HOUR_AND_IP


def _forget_old(session: Session) -> None:
    session.execute(
        delete(SignInLink)
        .where(SignInLink.asked_at < clock.now() - _KEPT_FOR)
        .execution_options(synchronize_session=False)
    )


def _token(seed: str) -> str:
    key = runtime.current().link_secret.encode()
    raw = hmac.new(key, b"sign-in:" + seed.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
