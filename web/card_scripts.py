"""Where the browser finds the gateway's own card fields (Braintree Hosted Fields).

Card numbers are typed into frames of the gateway and never reach this server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# The release the sandbox serves and package.json pins.
RELEASE = "3.144.0"


@dataclass(frozen=True)
class Scripts:
    """Addresses of the gateway's client and of its card fields."""

    client: str
    hosted_fields: str


def scripts(config: Any) -> Scripts:
    """Return the scripts of the configured gateway: the sandbox's own, or Braintree's."""
    ending = "js" if config.gateway_environment == "local" else "min.js"
    folder = f"{config.gateway_script_url}/web/{RELEASE}/js"
    return Scripts(f"{folder}/client.{ending}", f"{folder}/hosted-fields.{ending}")
