"""Redis and its queues. Everything queued is JSON, so a broken-into Redis can't run code here."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

log = logging.getLogger(__name__)

# In the order a worker serves them: money before letters, letters before the rest.
QUEUES = ("money", "emails", "default")
_QUEUE_OF = {
    "reconciliation": "money",
    "notifications": "money",
    "holds": "money",
    "charges": "money",
    "methods": "money",
    "disputes": "money",
    "emails": "emails",
}
JOB_SECONDS = 600
RESULT_SECONDS = 60
FAILURE_SECONDS = 7 * 24 * 3600


def connect(config: Any) -> Redis:
    """Return this process's connection, on which a page waits ``REDIS_TIMEOUT`` and no longer."""
    return _connection(config.redis_url, config.redis_timeout)


@cache
def _connection(url: str, timeout: int) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=timeout, socket_timeout=timeout)


def connect_worker(url: str) -> Redis:
    """Return a connection for a worker, which waits on it for longer than a page may."""
    return Redis.from_url(url, socket_connect_timeout=5)


def queue_of(name: str) -> str:
    """Return the queue that job ``name`` ("emails.deliver") belongs to."""
    return _QUEUE_OF.get(name.partition(".")[0], "default")


class Enqueuer:
    """``billing.runtime.Enqueue`` on RQ. A Redis that is gone costs time, never work: the row the
    job is about is committed, and the sweep of its kind finds it."""

    def __init__(self, config: Any) -> None:
        self._config = config

    def __call__(self, name: str, ids: list[int]) -> None:
        try:
            self.enqueue(name, ids)
        except RedisError as error:
            log.warning("%s%s could not be queued and waits for its sweep: %s", name, ids, error)

    def enqueue(self, name: str, ids: list[int]) -> None:
        """Queue a job; raises ``RedisError`` when Redis is gone."""
        queue = Queue(queue_of(name), connection=connect(self._config), serializer=JSONSerializer)
        queue.enqueue(
            "jobs.work.run",
            name,
            ids,
            job_timeout=JOB_SECONDS,
            result_ttl=RESULT_SECONDS,
            failure_ttl=FAILURE_SECONDS,
        )
