"""Pages for everything that can go wrong, in plain words and the office's colours."""

from __future__ import annotations

import logging

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from jinja2 import TemplateError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from models import db

logger = logging.getLogger(__name__)

_PAGES = (400, 403, 404, 405, 413, 429, 500, 503)


def start(app: Flask) -> None:
    """Give ``app`` its error pages."""
    for status in _PAGES:
        app.register_error_handler(status, _page)
    app.register_error_handler(CSRFError, _form_too_old)


def _page(problem: HTTPException) -> ResponseReturnValue:
    status = problem.code or 500
    if status == 500:
        # The session may hold a failed transaction, and the page wants to read the office's name.
        db.session.rollback()
    headers = {
        name: value
        for name, value in problem.get_headers()
        if name.lower() in ("retry-after", "allow")
    }
    template = f"errors/{status if status in _PAGES else 400}.html"
    return _render(template, status), status, headers


def _form_too_old(problem: CSRFError) -> ResponseReturnValue:
    logger.info("refused a form without a valid token: %s", problem.description)
    return _render("errors/form.html", 400), 400


def _render(template: str, status: int) -> str:
    token = (request.view_args or {}).get("token", "") if request.path.startswith("/i/") else ""
    try:
        return render_template(template, token=token)
    except (SQLAlchemyError, TemplateError, RuntimeError):
        # Without a database there is no office to name: a page that needs nothing.
        logger.exception("the error page for %s could not be made", status)
        return render_template("errors/bare.html")
