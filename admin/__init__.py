"""The staff's room: sign-in and the panel. ``register`` plugs it into an application."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme

from admin import security
from admin.base.access import holds, signed_in
from admin.base.icons import icon
from admin.base.registry import EXTENSION, Registry, lookup_url, menu, record_url
from admin.base.words import accent
from admin.gateway import disputes_of
from admin.pages import pages_of
from admin.pages.billing_card import billing_card
from admin.pages.charging_words import failure_of
from admin.pages.credit_use import credit_for
from admin.pages.declining import declines_on
from admin.pages.labelling import labels_on
from admin.pages.late_money import late_payments, unapplied_of
from admin.pages.noting import note_url, notes_on
from admin.payments import receipts_of, refund_words, went_back
from admin.records import record_views


def register(app: Flask) -> None:
    """Plug staff's sign-in and the panel into ``app``.

    Needs the database, Flask-Babel and CSRF protection to be there already. Every address under
    ``/admin/`` is closed but for signing in.
    """
    security.register(app)
    home, *pages = pages_of(app.config["COUNTERFOIL"].mode)
    records = record_views()
    panel = Admin(
        app,
        name="Counterfoil",
        index_view=home,
        endpoint=home.endpoint,
        url="/admin",
        theme=Bootstrap4Theme(base_template="admin/base.html"),
    )
    panel.add_views(*records, *pages)
    app.extensions[EXTENSION] = Registry(
        views={view.endpoint: view for view in records}, entries=[home, *records, *pages]
    )
    app.context_processor(_for_templates)


def _for_templates() -> dict[str, Any]:
    return {
        "icon": icon,
        "panel_menu": menu,
        "panel_accent": accent,
        "lookup_url": lookup_url,
        "record_url": record_url,
        "holds": holds,
        "credit_for": credit_for,
        "note_url": note_url,
        "declines_on": declines_on,
        "notes_on": notes_on,
        "labels_on": labels_on,
        "billing_card": billing_card,
        "failure_of": failure_of,
        "late_payments": late_payments,
        "unapplied_of": unapplied_of,
        "disputes_of": disputes_of,
        "receipts_of": receipts_of,
        "refund_words": refund_words,
        "went_back": went_back,
        "signed_in": signed_in,
    }
