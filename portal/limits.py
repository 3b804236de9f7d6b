"""How often one address may knock.

The counts live where the jobs' queue lives, so several web processes share them; while that is
gone each process counts for itself, because a payment page must not close with the queue.
"""

from __future__ import annotations

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

LOOK = "120 per minute"
PAPER = "30 per minute"
POLL = "60 per minute"
CARD_FIELDS = "30 per minute"
# Cards are tried out on public pages by the thousand; an invoice's own limit of declined cards
# is the heart's, this one is for somebody who holds many links.
PAY = "30 per minute;150 per hour"
FRESH_LINK = "5 per minute;20 per hour"
SIGN_IN = "10 per minute;40 per hour"
CHANGE = "30 per minute;200 per hour"
# Mail providers press the button for their readers, from few addresses.
UNSUBSCRIBE = "600 per minute"
WEBHOOK = "1200 per minute"

limiter = Limiter(key_func=get_remote_address)


def start(app: Flask) -> None:
    """Begin counting for ``app``, in its Redis where it has one."""
    address = getattr(app.config.get("COUNTERFOIL"), "redis_url", None)
    app.config.setdefault("RATELIMIT_STORAGE_URI", storage_address(address))
    if address:
        patience = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
        app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", patience)
    app.config.setdefault("RATELIMIT_IN_MEMORY_FALLBACK_ENABLED", True)
    app.config.setdefault("RATELIMIT_STRATEGY", "fixed-window")
    app.config.setdefault("RATELIMIT_HEADERS_ENABLED", False)
    limiter.init_app(app)


def storage_address(redis_url: str | None) -> str:
    """Return where to count, in the words of Flask-Limiter: ``unix://`` is ``redis+unix://``."""
    if not redis_url:
        return "memory://"
    return f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url
