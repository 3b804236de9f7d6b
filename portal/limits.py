"""How often one address may knock."""

from __future__ import annotations

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from web import counting

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
    counted_in = counting.storage(app.config.get("COUNTERFOIL"))
    app.config.setdefault("RATELIMIT_STORAGE_URI", counted_in["storage_uri"])
    app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", counted_in["storage_options"])
    app.config.setdefault("RATELIMIT_IN_MEMORY_FALLBACK_ENABLED", True)
    app.config.setdefault("RATELIMIT_STRATEGY", "fixed-window")
    app.config.setdefault("RATELIMIT_HEADERS_ENABLED", False)
    limiter.init_app(app)
