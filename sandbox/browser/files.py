"""The routes that serve scripts, style sheets and the frame the card fields live in."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, request
from werkzeug.security import safe_join

from sandbox.browser.assets import AssetProblem, Assets

FRAME_FOLDER = Path(__file__).parent / "frame"
SCRIPT = "text/javascript"
STYLES = "text/css"

# A hidden frame beside the merchant's page, the popup while it waits, and where it comes back to.
WINDOWS = "dispatch, 'sepa-landing', redirect"

# Nothing but the sandbox itself is ever contacted from where card numbers are typed.
FRAME_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)


def add_routes(blueprint: Blueprint, assets: Assets) -> None:
    """Add the file routes to `blueprint`."""

    @blueprint.get("/web/<version>/js/<name>.js")
    def component(version: str, name: str) -> Response:
        return _cacheable(assets.component(version, name.removesuffix(".min")), SCRIPT)

    @blueprint.get("/web/dropin/<version>/js/dropin.js")
    @blueprint.get("/web/dropin/<version>/js/dropin.min.js")
    def dropin(version: str) -> Response:
        return _cacheable(assets.dropin(version), SCRIPT)

    @blueprint.get("/web/dropin/<version>/css/dropin.css")
    @blueprint.get("/web/dropin/<version>/css/dropin.min.css")
    def dropin_styles(version: str) -> Response:
        return _cacheable(assets.dropin_styles(version), STYLES)

    @blueprint.get("/web/<version>/html/hosted-fields-frame.html")
    @blueprint.get("/web/<version>/html/hosted-fields-frame.min.html")
    def frame(version: str) -> Response:
        """One card field. The protocol is the same in every version of the client."""
        return _frame_file("hosted-fields-frame.html")

    @blueprint.get(f"/web/<version>/html/<any({WINDOWS}):name>-frame.html")
    @blueprint.get(f"/web/<version>/html/<any({WINDOWS}):name>-frame.min.html")
    def window(version: str, name: str) -> Response:
        """What the client opens to leave the merchant's page and come back (SEPA)."""
        return _frame_file(f"{name}-frame.html")

    @blueprint.get("/sandbox/frame/<name>")
    def frame_file(name: str) -> Response:
        return _frame_file(name)

    @blueprint.errorhandler(AssetProblem)
    def explain(problem: AssetProblem) -> tuple[str, int, dict[str, str]]:
        return str(problem), problem.status, {"Content-Type": "text/plain; charset=utf-8"}


def _cacheable(text: str, kind: str) -> Response:
    response = Response(text, content_type=f"{kind}; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def _frame_file(name: str) -> Response:
    """A file of the frame, read whole: a window that is closed early leaves no file open."""
    path = safe_join(str(FRAME_FOLDER), name)
    if path is None or not Path(path).is_file():
        abort(404)
    response = Response(Path(path).read_bytes(), mimetype=mimetypes.guess_type(name)[0])
    return frame_answer(response, FRAME_POLICY)


def frame_answer(response: Any, policy: str) -> Any:
    """The answer with the headers every page of the sandbox's in a frame or popup has."""
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Security-Policy"] = policy
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
