"""The gateway's door: its news are checked, stored as they came, and acted on later.

The one door without a CSRF token; the gateway's signature takes its place.
"""

from __future__ import annotations

import logging

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from billing import gateway, notifications
from billing.gateway import ForgedNotification
from portal import limits
from portal.limits import limiter

logger = logging.getLogger(__name__)

gateway_door = Blueprint("gateway_door", __name__, url_prefix="/gateway")

LARGEST_NOTIFICATION = 512 * 1024


@gateway_door.post("/webhook")
@limiter.limit(limits.WEBHOOK)
def receive() -> ResponseReturnValue:
    """Take one notification: 200 once it is stored, 400 when it is not the gateway's."""
    request.max_content_length = LARGEST_NOTIFICATION
    signature = request.form.get("bt_signature", "")
    payload = request.form.get("bt_payload", "")
    try:
        if not signature or not payload:
            raise ForgedNotification("a field is missing")
        notifications.receive(signature, payload)
    except ForgedNotification as problem:
        return _refuse("notification", problem)
    return "", 200


@gateway_door.get("/webhook")
@limiter.limit(limits.WEBHOOK)
def challenge() -> ResponseReturnValue:
    """Prove to the gateway that this address is ours."""
    try:
        asked = request.args.get("bt_challenge", "")
        if not asked:
            raise ForgedNotification("no challenge was given")
        answer = gateway.current().answer_challenge(asked)
    except ForgedNotification as problem:
        return _refuse("challenge", problem)
    return answer, 200, {"Content-Type": "text/plain; charset=utf-8"}


def _refuse(what: str, problem: ForgedNotification) -> ResponseReturnValue:
    reason = " ".join(str(problem).split())[:200]
    logger.warning("refused a webhook %s from %s: %r", what, request.remote_addr, reason)
    return "This is not a notification of the gateway.\n", 400, {"Content-Type": "text/plain"}
