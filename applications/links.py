"""The signed link that opens one application without signing in.

Made like an invoice's link: HMAC-SHA256 over id, version and day. Raising the application's
``link_version`` kills every link given out before; forged, replaced and expired look the same.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.orm import Session

from billing import clock, runtime
from billing.links import LinkDead
from billing.office import get_settings
from models import Application

_EPOCH = dt.date(2020, 1, 1)


def application_token(application: Application) -> str:
    """Return a token that opens ``application`` for as long as the settings say."""
    return str(_serializer().dumps([application.id, application.link_version, _day()]))


def application_url(application: Application) -> str:
    """Return the address of the customer's page of ``application``."""
    return f"{runtime.current().public_url}/a/{application_token(application)}"


def read_application_token(session: Session, token: str) -> Application:
    """Return the application that ``token`` opens; raises ``LinkDead``."""
    try:
        application_id, version, day = _serializer().loads(token[:300])
        application = session.get(Application, int(application_id))
        age = _day() - int(day)
    except (BadData, ValueError, TypeError):
        raise LinkDead from None
    if application is None or version != application.link_version:
        raise LinkDead
    if not 0 <= age <= get_settings(session).link_days:
        raise LinkDead
    return application


def _serializer() -> URLSafeSerializer:
    secret = runtime.current().link_secret
    return URLSafeSerializer(
        secret, salt="application-link", signer_kwargs={"digest_method": hashlib.sha256}
    )


def _day() -> int:
    return (clock.now().date() - _EPOCH).days
