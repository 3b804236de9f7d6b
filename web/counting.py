"""Where attempts are counted: beside the jobs' queue, so that several web processes share them."""

from __future__ import annotations

from typing import Any


def storage(config: Any) -> dict[str, Any]:
    """Return Flask-Limiter's ``storage_uri`` and ``storage_options``; without Redis, this process.

    config -- what the environment says; None: there is no Redis

    A page waits ``REDIS_TIMEOUT`` for it and no longer: while Redis is gone each process counts for
    itself, because neither a payment page nor the sign-in may close with the queue.
    """
    if config is None:
        return {"storage_uri": "memory://", "storage_options": {}}
    patience = config.redis_timeout
    return {
        "storage_uri": storage_address(config.redis_url),
        "storage_options": {"socket_connect_timeout": patience, "socket_timeout": patience},
    }


def storage_address(redis_url: str) -> str:
    """Return ``redis_url`` in the words of Flask-Limiter: ``unix://`` is ``redis+unix://``."""
    return f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url
