"""Where the browser finds the gateway's own scripts (Braintree's client and its components).

Card numbers are typed into frames of the gateway, bank accounts are sent to it by its script;
neither ever reaches this server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# The release the sandbox serves and package.json pins.
RELEASE = "3.144.0"


@dataclass(frozen=True)
class Scripts:
    """Addresses of the gateway's client, of its card fields, and of its forms of bank accounts."""

    client: str
    hosted_fields: str
    us_bank_account: str
    sepa: str


def scripts(config: Any) -> Scripts:
    """Return the scripts of the configured gateway: the sandbox's own, or Braintree's."""
    ending = "js" if config.gateway_environment == "local" else "min.js"
    folder = f"{config.gateway_script_url}/web/{RELEASE}/js"
    names = ("client", "hosted-fields", "us-bank-account", "sepa")
    return Scripts(*(f"{folder}/{name}.{ending}" for name in names))
