"""The signed link that opens one application without signing in.

Made like an invoice's link (``billing.signed``); forged, replaced and expired look the same.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing import runtime
from billing.office import get_settings
from billing.signed import LinkDead, make_token, read_token
from models import Application

_SALT = "application-link"


def application_token(application: Application) -> str:
    """Return a token that opens ``application`` for as long as the settings say."""
    return make_token(_SALT, application.id, application.link_version)


def application_url(application: Application) -> str:
    """Return the address of the customer's page of ``application``."""
    return f"{runtime.current().public_url}/a/{application_token(application)}"


def read_application_token(session: Session, token: str) -> Application:
    """Return the application that ``token`` opens; raises ``LinkDead``."""
    read = read_token(_SALT, token)
    application = session.get(Application, read.record_id)
    if application is None or read.version != application.link_version:
        raise LinkDead
    if not 0 <= read.age <= get_settings(session).link_days:
        raise LinkDead
    return application
