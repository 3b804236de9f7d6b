"""Staff's sign-in: Flask-Security over our tables, with our pages, limits and outbox.

No registration: staff are added in the panel and choose their password through "forgotten
password". A failed sign-in looks the same whether the name, the password or the account is wrong.
"""

from __future__ import annotations

import datetime as dt
import uuid
from functools import wraps
from typing import Any

from flask import Flask, Response, after_this_request, make_response, render_template, request
from flask_limiter import Limiter, RateLimitExceeded
from flask_limiter.util import get_remote_address
from flask_security import MailUtil, Security, SQLAlchemyUserDatastore

from billing import clock
from billing.database import transaction
from billing.mailing import queue_email
from models import Role, Staff, db
from web import counting

RESET_HOURS = 4
# Of one address, and of one account from anywhere: guessing stays hopeless, mistyping harmless.
BY_ADDRESS = "20 per minute; 200 per hour"
BY_ACCOUNT = "10 per 15 minutes; 40 per day"
PASSWORD_CHANGED = {
    "title": "Your password was changed",
    "sentence": "If that wasn't you, choose a new one at once and tell whoever manages staff.",
}
LIMITED = ("security.login", "security.forgot_password", "security.reset_password")


class OutboxMail(MailUtil):
    """Puts Flask-Security's letters into the outbox, delivered and retried like all others."""

    def send_mail(
        self,
        template: str,
        subject: str,
        recipient: Any,
        sender: Any,
        body: str | None,
        html: str | None,
        **kwargs: Any,
    ) -> None:
        link = kwargs.get("reset_link", "")
        kind = "staff_password" if link else "staff_notice"
        params = {"link": link, "hours": str(RESET_HOURS)} if link else PASSWORD_CHANGED
        # What Flask-Security changed is still unsaved here, and a verb's transaction refuses that.
        after_this_request(lambda response: _queue(response, kind, str(recipient), params))


def _queue(response: Response, kind: str, recipient: str, params: dict[str, str]) -> Response:
    db.session.commit()
    occasion = f"{kind}:{uuid.uuid4()}"
    with transaction() as session:
        queue_email(session, kind, occasion, None, params=params, to_address=recipient)
    return response


def register(app: Flask) -> None:
    """Plug the sign-in of staff into ``app``."""
    config = app.config["COUNTERFOIL"]
    app.config.update(_settings(config))
    # Before Flask-Security's own, which reads who is signed in.
    app.before_request(_write_at_once)
    datastore = SQLAlchemyUserDatastore(db, Staff, Role)
    Security(
        app,
        datastore,
        mail_util_cls=OutboxMail,
    )
    app.context_processor(lambda: {"next_path": next_path})
    _limit(app, config)


def _write_at_once() -> None:
    """Take SQLite's write lock at the start where Flask-Security writes through our session.

    A transaction that read first and writes later fails as soon as somebody wrote in between.
    """
    if request.blueprint == "security" and request.method == "POST":
        db.session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})


def _settings(config: Any) -> dict[str, Any]:
    https = config.https
    return {
        "SECRET_KEY": config.secret_key,
        "SECURITY_PASSWORD_SALT": config.password_salt,
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_LENGTH_MIN": 10,
        "SECURITY_URL_PREFIX": "/admin",
        "SECURITY_STATIC_FOLDER": None,
        "SECURITY_LOGIN_URL": "/login",
        "SECURITY_LOGOUT_URL": "/logout",
        "SECURITY_CHANGE_URL": "/password",
        "SECURITY_RESET_URL": "/reset",
        "SECURITY_LOGOUT_METHODS": ["POST"],
        "SECURITY_POST_LOGIN_VIEW": "/admin/",
        "SECURITY_POST_LOGOUT_VIEW": "/admin/login",
        "SECURITY_POST_CHANGE_VIEW": "/admin/",
        "SECURITY_POST_RESET_VIEW": "/admin/login",
        # Asking name servers about an address would make a new password wait for the network.
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
        "SECURITY_MSG_PASSWORD_RESET_REQUEST": (
            "If %(email)s is the address of one of our staff, a link is on its way there.",
            "info",
        ),
        "SECURITY_REGISTERABLE": False,
        "SECURITY_RECOVERABLE": True,
        "SECURITY_CHANGEABLE": True,
        "SECURITY_TRACKABLE": True,
        "SECURITY_DATETIME_FACTORY": clock.now,
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_RESET_PASSWORD_WITHIN": dt.timedelta(hours=RESET_HOURS),
        "SECURITY_AUTO_LOGIN_AFTER_RESET": False,
        "SECURITY_SEND_PASSWORD_CHANGE_EMAIL": True,
        "SECURITY_SEND_PASSWORD_RESET_NOTICE_EMAIL": True,
        "SECURITY_EMAIL_PLAINTEXT": False,
        "SECURITY_EMAIL_HTML": False,
        "SECURITY_DEFAULT_REMEMBER_ME": False,
        "SESSION_COOKIE_NAME": "counterfoil",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": https,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": https,
    }


def next_path() -> str | None:
    """Return where to go after signing in, if the address asks for a path of ours; else None."""
    path = request.args.get("next", "")
    ours = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if ours else None


def _limit(app: Flask, config: Any) -> None:
    """Limit tries to sign in. Counted in Redis where there is one, else in this process."""
    limiter = Limiter(
        get_remote_address,
        app=app,
        **counting.storage(None if config.mode == "test" else config),
        in_memory_fallback_enabled=True,
        key_prefix="signin",
    )
    for endpoint in LIMITED:
        view: Any = app.view_functions[endpoint]
        view = limiter.limit(BY_ACCOUNT, key_func=_account, methods=["POST"])(view)
        view = limiter.limit(BY_ADDRESS, methods=["POST"])(view)
        app.view_functions[endpoint] = _kindly(view)


def _kindly(view: Any) -> Any:
    """Answer too many tries with a page of the panel."""

    @wraps(view)
    def limited(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except RateLimitExceeded:
            return make_response(render_template("security/too_many.html"), 429)

    return limited


def _account() -> str:
    """Return the account a try is about; tries without one count by address."""
    typed = str(request.form.get("email", "")).strip().casefold()[:254]
    return f"account:{typed}" if typed else get_remote_address()
