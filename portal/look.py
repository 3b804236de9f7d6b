"""What every template of the portal can rely on: the office's colour and safe links."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask

from documents.colours import accent
from portal import customers


def start(app: Flask) -> None:
    """Give the templates of ``app`` the portal's filters and globals."""
    app.add_template_filter(web_link, "web_link")
    app.add_template_filter(site_name, "site_name")
    app.add_template_global(accent, "accent")
    app.add_template_global(customers.signed_in, "customer_signed_in")


def web_link(address: str | None) -> str:
    """Return ``address`` as an http(s) link, or nothing: a setting must not become a script."""
    text = (address or "").strip()
    if not text:
        return ""
    if "://" not in text and ":" not in text.split("/")[0]:
        text = f"https://{text}"
    parts = urlsplit(text)
    return text if parts.scheme in ("http", "https") and parts.netloc else ""


def site_name(address: str | None) -> str:
    """Return the part of a web address people read: its host, without "www."."""
    return urlsplit(web_link(address)).netloc.removeprefix("www.")
