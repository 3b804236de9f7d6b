"""Security headers of every answer: a strict content policy, no framing, no sniffing."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask
from flask_talisman import Talisman


def register(app: Flask, *, https: bool, gateway_hosts: Sequence[str]) -> None:
    """Set the headers; only ``gateway_hosts`` (origins) are allowed besides our own."""
    gateway = " ".join(gateway_hosts)
    Talisman(
        app,
        force_https=False,
        strict_transport_security=https,
        session_cookie_secure=https,
        session_cookie_samesite="Lax",
        referrer_policy="strict-origin-when-cross-origin",
        frame_options="DENY",
        content_security_policy={
            "default-src": "'self'",
            "script-src": f"'self' {gateway}",
            "style-src": f"'self' {gateway}",
            "img-src": f"'self' data: {gateway}",
            "font-src": "'self'",
            "connect-src": f"'self' {gateway}",
            "frame-src": f"'self' {gateway}",
            "object-src": "'none'",
            "base-uri": "'none'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
        },
        content_security_policy_nonce_in=["script-src", "style-src"],
    )
