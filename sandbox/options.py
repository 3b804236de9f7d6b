"""What one running sandbox was started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """Addresses, files and credentials of one sandbox.

    The credentials are the ones the SDK itself uses for its development environment, so that a
    client configured for nothing in particular just works. None of them is a secret.
    `public_url` is what browsers are told; every address in a client token starts with it.
    """

    host: str = "127.0.0.1"
    port: int = 3000
    public_url: str = "http://127.0.0.1:3000"
    data_path: Path = Path("var/sandbox.sqlite3")
    assets_path: Path = Path("node_modules")
    webhook_url: str = ""
    merchant_id: str = "integration_merchant_id"
    public_key: str = "integration_public_key"
    private_key: str = "integration_private_key"
    tokenization_key: str = "sandbox_development_integration_merchant_id"
    amounts: str = "braintree"
    currency: str = "USD"

    @property
    def merchant_path(self) -> str:
        """Where the server SDK's calls start."""
        return f"/merchants/{self.merchant_id}"
