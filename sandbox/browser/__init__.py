"""The browser side of the sandbox: Braintree's own client works against it, unchanged in use.

It serves the client's files from npm's folder, the frame in which card numbers are typed, and
the endpoints they call. Merchant pages live on another origin, so every answer allows any origin;
no cookies are involved.
"""

from __future__ import annotations

from flask import Blueprint, Response

from sandbox.browser import client_api, files
from sandbox.browser.assets import Assets
from sandbox.options import Options
from sandbox.store import Store

ALLOWED_HEADERS = "authorization, content-type, braintree-version"


def create_blueprint(store: Store, options: Options) -> Blueprint:
    """The routes a browser needs, for one sandbox.

    `options.assets_path` is the folder npm installed braintree-web into; a missing package is
    answered with 503 and a sentence when its file is asked for, not at start.
    """
    blueprint = Blueprint("browser", __name__)
    files.add_routes(blueprint, Assets(options.assets_path, options.public_url))
    client_api.add_routes(blueprint, store, options)
    blueprint.after_request(_allow_any_origin)
    return blueprint


def _allow_any_origin(response: Response) -> Response:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
    response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
    response.headers["Access-Control-Max-Age"] = "600"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
