"""Every environment variable, typed, read once. A value that makes no sense is one line at start.

Business settings are not here: the office edits those in the panel. Only secrets, addresses and the
size of things are environment. README.md has the table of all of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent
MODES = ("production", "demo", "test")
GATEWAYS = ("local", "sandbox", "production")
MAIL_SECURITY = ("starttls", "tls", "none")
# The SDK's own development credentials, which our sandbox accepts; worthless anywhere else.
SANDBOX_ACCOUNT = (
    "integration_merchant_id",
    "integration_public_key",
    "integration_private_key",
)
MIN_SECRET = 32


class ConfigError(Exception):
    """A variable is missing or makes no sense; the message is the one line to print."""


@dataclass(frozen=True)
class Config:
    """What the environment says. Field names are the variables' names in lower case."""

    mode: str
    port: int
    public_url: str
    database_url: str
    redis_url: str
    redis_timeout: int
    secret_key: str
    password_salt: str
    smtp_host: str
    smtp_port: int
    smtp_security: str
    smtp_username: str
    smtp_password: str
    smtp_timeout: int
    mail_from: str
    gateway_environment: str
    gateway_url: str
    gateway_browser_url: str
    merchant_id: str
    public_key: str
    private_key: str
    merchant_account_id: str
    request_keys: bool
    mailbox_url: str
    clock_file: Path | None
    trusted_proxies: int
    log_level: str

    @property
    def is_demo(self) -> bool:
        return self.mode == "demo"

    @property
    def https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def gateway_script_url(self) -> str:
        """Where the browser loads the gateway's client from: the sandbox, or Braintree."""
        if self.gateway_environment == "local":
            return self.gateway_browser_url
        return "https://js.braintreegateway.com"

    @property
    def gateway_hosts(self) -> tuple[str, ...]:
        """The origins a payment page may talk to, and no others."""
        if self.gateway_environment == "local":
            return (self.gateway_browser_url,)
        kind = "" if self.gateway_environment == "production" else "sandbox."
        return (
            "https://js.braintreegateway.com",
            "https://assets.braintreegateway.com",
            f"https://api.{kind}braintreegateway.com",
            f"https://client-analytics.{kind}braintreegateway.com",
            f"https://payments.{kind}braintree-api.com",
        )


def read_config(environ: Mapping[str, str] | None = None) -> Config:
    """Return the configuration; raises ``ConfigError`` with one line naming the variable."""
    env = _Reader(os.environ if environ is None else environ)
    mode = env.one_of("COUNTERFOIL_MODE", MODES, "production")
    production = mode == "production"
    port = env.number("PORT", 8000, 1, 65535)
    environment = env.one_of(
        "BRAINTREE_ENVIRONMENT", GATEWAYS, "production" if production else "local"
    )
    if production and environment == "local":
        raise ConfigError("BRAINTREE_ENVIRONMENT: production never uses the local sandbox.")
    local = environment == "local"
    account = SANDBOX_ACCOUNT if local else ("", "", "")
    gateway_url = env.url("GATEWAY_URL", "http://127.0.0.1:3000" if local else "")
    config = Config(
        mode=mode,
        port=port,
        public_url=env.url("PUBLIC_URL", "" if production else f"http://127.0.0.1:{port}"),
        database_url=_database(env.text("DATABASE_URL", _default_database(mode))),
        redis_url=env.redis("REDIS_URL", "redis://127.0.0.1:6379/0"),
        redis_timeout=env.number("REDIS_TIMEOUT", 2, 1, 60),
        secret_key=env.text("SECRET_KEY", ""),
        password_salt=env.text("SECURITY_PASSWORD_SALT", ""),
        smtp_host=env.text("SMTP_HOST", "127.0.0.1"),
        smtp_port=env.number("SMTP_PORT", 587, 1, 65535),
        smtp_security=env.one_of("SMTP_SECURITY", MAIL_SECURITY, "starttls"),
        smtp_username=env.text("SMTP_USERNAME", ""),
        smtp_password=env.text("SMTP_PASSWORD", ""),
        smtp_timeout=env.number("SMTP_TIMEOUT", 10, 1, 120),
        mail_from=env.text("MAIL_FROM", "" if production else "invoices@counterfoil.example"),
        gateway_environment=environment,
        gateway_url=gateway_url,
        gateway_browser_url=env.url("GATEWAY_BROWSER_URL", gateway_url),
        merchant_id=env.text("BRAINTREE_MERCHANT_ID", account[0]),
        public_key=env.text("BRAINTREE_PUBLIC_KEY", account[1]),
        private_key=env.text("BRAINTREE_PRIVATE_KEY", account[2]),
        merchant_account_id=env.text("BRAINTREE_MERCHANT_ACCOUNT_ID", ""),
        request_keys=env.yes_no("BRAINTREE_REQUEST_KEYS", default=False),
        mailbox_url=env.url("MAILBOX_URL", ""),
        clock_file=Path(env.text("CLOCK_FILE", "")) if env.text("CLOCK_FILE", "") else None,
        trusted_proxies=env.number("TRUSTED_PROXIES", 0, 0, 5),
        log_level=env.one_of("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
    )
    _check(config)
    return config


def _check(config: Config) -> None:
    for name, value in (
        ("SECRET_KEY", config.secret_key),
        ("SECURITY_PASSWORD_SALT", config.password_salt),
    ):
        if len(value) < MIN_SECRET:
            raise ConfigError(f"{name}: set a random secret of at least {MIN_SECRET} characters.")
    if config.secret_key == config.password_salt:
        raise ConfigError("SECURITY_PASSWORD_SALT: must not be the same as SECRET_KEY.")
    if config.mode != "production":
        return
    needed = {
        "PUBLIC_URL": config.public_url,
        "MAIL_FROM": config.mail_from,
        "BRAINTREE_MERCHANT_ID": config.merchant_id,
        "BRAINTREE_PUBLIC_KEY": config.public_key,
        "BRAINTREE_PRIVATE_KEY": config.private_key,
    }
    for name, value in needed.items():
        if not value:
            raise ConfigError(f"{name}: is needed in production.")
    if not config.https:
        raise ConfigError("PUBLIC_URL: must start with https:// in production.")
    if config.clock_file is not None:
        raise ConfigError("CLOCK_FILE: the demo clock is for the demo only.")
    if config.merchant_id == SANDBOX_ACCOUNT[0] or config.private_key == SANDBOX_ACCOUNT[2]:
        raise ConfigError("BRAINTREE_PRIVATE_KEY: the sandbox's keys are refused in production.")


def _default_database(mode: str) -> str:
    return "" if mode == "production" else f"sqlite:///{ROOT / 'var' / 'counterfoil.sqlite3'}"


def _database(url: str) -> str:
    """Return ``url`` with the driver we use; anything but PostgreSQL and SQLite is refused."""
    if not url:
        raise ConfigError("DATABASE_URL: is needed in production.")
    plain = re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql+psycopg://", url)
    if not plain.startswith(("postgresql+psycopg://", "sqlite:///")):
        raise ConfigError("DATABASE_URL: must be postgresql://… or sqlite:///path.")
    return plain


class _Reader:
    """Reads variables; the name of a wrong one is always in the message, its value never."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, "").strip() or default

    def one_of(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise ConfigError(f"{name}: must be one of {', '.join(choices)}.")
        return value

    def number(self, name: str, default: int, least: int, most: int) -> int:
        value = self.text(name, str(default))
        if not re.fullmatch(r"\d{1,9}", value) or not least <= int(value) <= most:
            raise ConfigError(f"{name}: must be a whole number from {least} to {most}.")
        return int(value)

    def yes_no(self, name: str, *, default: bool) -> bool:
        return self.one_of(name, ("yes", "no"), "yes" if default else "no") == "yes"

    def url(self, name: str, default: str) -> str:
        value = self.text(name, default).rstrip("/")
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query):
            raise ConfigError(f"{name}: must be an address such as https://pay.example.org.")
        return value

    def redis(self, name: str, default: str) -> str:
        value = self.text(name, default)
        if not value.startswith(("redis://", "rediss://", "unix://")):
            raise ConfigError(f"{name}: must start with redis://, rediss:// or unix://.")
        return value
