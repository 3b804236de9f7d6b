"""The sandbox as one Flask application."""

from __future__ import annotations

from flask import Flask

from sandbox import api, api_vault, browser, control, page, request_keys
from sandbox.options import Options
from sandbox.store import Store
from sandbox.work import Desk


def create_app(options: Options) -> Flask:
    """Open the store and plug everything together; starts no thread and binds no port."""
    defaults = {
        "amounts": options.amounts,
        "currency": options.currency,
        "webhook_url": options.webhook_url,
    }
    store = Store(options.data_path, defaults)
    desk = Desk(store, options)
    request_keys.forget_interrupted(desk)
    app = Flask("sandbox", root_path=str(page.FOLDER), static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 2 * 1024 * 1024
    app.extensions["sandbox"] = desk
    app.register_blueprint(api.create_blueprint(desk))
    app.register_blueprint(api_vault.create_blueprint(desk))
    app.register_blueprint(control.create_blueprint(desk))
    app.register_blueprint(page.create_blueprint(desk))
    app.register_blueprint(browser.create_blueprint(store, options))
    return app
