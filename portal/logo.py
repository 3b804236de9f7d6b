"""The office's logo, as every visitor may see it."""

from __future__ import annotations

import hashlib

from flask import Response, abort, request
from sqlalchemy import select

from models import Settings, db
from portal.links import portal

DAY_SECONDS = 24 * 3600


@portal.get("/logo")
def logo() -> Response:
    """Answer with the picture; 404 while the office has none."""
    data, kind = db.session.execute(select(Settings.logo, Settings.logo_type)).one()
    if not data:
        abort(404)
    answer = Response(data, mimetype=kind)
    answer.cache_control.public = True
    answer.cache_control.max_age = DAY_SECONDS
    answer.set_etag(hashlib.sha256(data).hexdigest())
    return answer.make_conditional(request)  # type: ignore[return-value]
