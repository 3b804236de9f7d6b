"""Plugs the customer's pages and the gateway's door into the application."""

from __future__ import annotations

from flask import Flask

from portal import account as account_pages
from portal import (
    account_address,
    account_applying,
    account_paying,
    credit,
    discretion,
    errors,
    failed,
    fresh_links,
    limits,
    logo,
    look,
    method_links,
    methods,
    pages,
    papers,
    paying,
    sign_in,
    unsubscribe,
)
from portal import applications as application_pages
from portal.customers import account
from portal.links import keep_links_secret, portal
from portal.webhook import gateway_door

# Importing them is what gives the blueprints their routes.
_ROUTES = (
    (pages, paying, papers, fresh_links, logo),
    (sign_in, account_pages, account_paying, account_address, account_applying, application_pages),
    (credit, failed),
    (methods,),
)


def register(app: Flask) -> None:
    """Add the portal to ``app``, after its database, CSRF protection and filters are there.

    The strict referrer check of Flask-WTF is switched off: an invoice's link is a secret, so its
    page sends no referrer at all, and over https that check would refuse every payment. The
    token in form and session stays required.
    """
    app.config["WTF_CSRF_SSL_STRICT"] = False
    discretion.start(app)
    limits.start(app)
    look.start(app)
    app.register_blueprint(portal)
    app.register_blueprint(account)
    app.register_blueprint(method_links.method_link)
    app.register_blueprint(unsubscribe.way_out)
    app.register_blueprint(gateway_door)
    app.extensions["csrf"].exempt(gateway_door)
    app.extensions["csrf"].exempt(unsubscribe.stop)
    errors.start(app)
    # What is registered first runs last: nothing that sets headers for all pages comes after it.
    app.after_request_funcs.setdefault(None, []).insert(0, keep_links_secret)
