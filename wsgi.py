"""Counterfoil, put together: ``create_app()``, and the commands of its processes.

This is the only place that plugs rooms together. ``python -m wsgi --help`` lists the commands.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from pathlib import Path

import click
from flask import Flask, has_app_context
from flask_migrate import Migrate, upgrade
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import select
from werkzeug.middleware.proxy_fix import ProxyFix

import admin
import applications
import documents
import jobs.work
import portal
import web.formats
import web.headers
import web.health
import web.vendor
from billing import clock, database, runtime
from billing.actor import SYSTEM
from billing.braintree_gateway import BraintreeGateway
from billing.errors import Refusal
from billing.gateway import Account
from billing.lifecycle_page import page
from billing.proof import verify
from billing.saving import save_record
from config import ROOT, Config, ConfigError, read_config
from demo.clock import DemoClock
from jobs import queues, schedule
from jobs.desk import JobDesk
from jobs.smtp import mail
from models import Role, Staff, db

MIGRATIONS = ROOT / "migrations"
PACKAGES = ROOT / "node_modules"
MEGABYTE = 1024 * 1024


def create_app(config: Config | None = None) -> Flask:
    """Return the application. Without ``config`` it is read from the environment.

    A wrong environment ends the process with one line, because nothing could work after it.
    """
    if config is None:
        try:
            config = read_config()
        except ConfigError as error:
            sys.exit(f"counterfoil: {error}")
    app = Flask(__name__, static_folder="static", template_folder="templates")
    app.config.update(_flask_settings(config))
    logging.basicConfig(level=config.log_level, format="%(levelname)s %(name)s: %(message)s")
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    clock.read_offset_from(config.clock_file)
    _bind_database(app, config)
    CSRFProtect(app)
    mail.init_app(app)
    web.formats.register(app)
    web.headers.register(app, https=config.https, gateway_hosts=config.gateway_hosts)
    web.vendor.register(app, PACKAGES)
    web.health.register(app, {"queue": _queue_probe(config), "jobs": _jobs_probe})
    documents.configure(PACKAGES)
    applications.register()
    admin.register(app)
    portal.register(app)
    app.extensions["job_desk"] = JobDesk(queues.Enqueuer(config))
    if config.is_demo and config.clock_file is not None:
        app.extensions["demo_clock"] = DemoClock(config.clock_file, config.gateway_url)
    return app


def _flask_settings(config: Config) -> dict[str, object]:
    return {
        "COUNTERFOIL": config,
        "SECRET_KEY": config.secret_key,
        "SECURITY_PASSWORD_SALT": config.password_salt,
        "SQLALCHEMY_DATABASE_URI": config.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(config),
        "MAX_CONTENT_LENGTH": 2 * MEGABYTE,
        "MAX_FORM_MEMORY_SIZE": 1 * MEGABYTE,
        "WTF_CSRF_TIME_LIMIT": None,
        "SESSION_COOKIE_HTTPONLY": True,
        "MAIL_SERVER": config.smtp_host,
        "MAIL_PORT": config.smtp_port,
        "MAIL_USE_TLS": config.smtp_security == "starttls",
        "MAIL_USE_SSL": config.smtp_security == "tls",
        "MAIL_USERNAME": config.smtp_username or None,
        "MAIL_PASSWORD": config.smtp_password or None,
        "MAIL_DEFAULT_SENDER": config.mail_from,
        "MAIL_SUPPRESS_SEND": False,
        "MAIL_TIMEOUT": config.smtp_timeout,
        "TESTING": config.mode == "test",
    }


def _engine_options(config: Config) -> dict[str, object]:
    if config.database_url.startswith("sqlite"):
        return {"connect_args": {"timeout": database.BUSY_TIMEOUT_SECONDS}}
    return {
        "pool_size": 10,
        "max_overflow": 10,
        "pool_pre_ping": True,
        # A statement prepared on the server is planned once, without its values, and then counts a
        # rare state the way it counts a common one: a grid that took 12 ms took 27.
        "connect_args": {"prepare_threshold": None},
    }


def _bind_database(app: Flask, config: Config) -> None:
    """Bind the tables to the database and the heart to its surroundings."""
    db.init_app(app)
    Migrate(app, db, directory=str(MIGRATIONS), render_as_batch=True)
    with app.app_context():
        engine = db.engine
    database.prepare_engine(engine)
    account = Account(
        environment=config.gateway_environment,
        url=config.gateway_url,
        merchant_id=config.merchant_id,
        public_key=config.public_key,
        private_key=config.private_key,
        merchant_account_id=config.merchant_account_id,
        request_keys=config.request_keys,
    )
    runtime.bind(
        runtime.Runtime(
            engine=engine,
            gateway=BraintreeGateway(account),
            enqueue=queues.Enqueuer(config),
            link_secret=config.secret_key,
            public_url=config.public_url,
            end_reading=_end_reading,
            forget_read=_forget_read,
            is_reading=_is_reading,
        )
    )


def _request_session_open() -> bool:
    return has_app_context() and db.session.registry.has()


def _end_reading() -> None:
    """End the request's reading transaction; what it loaded stays usable."""
    if not _request_session_open():
        return
    session = db.session()
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("A view changed a record itself; only verbs may.")
    with session.no_autoflush:
        session.commit()


def _forget_read() -> None:
    if _request_session_open():
        db.session.expire_all()


def _is_reading() -> bool:
    return _request_session_open() and db.session().in_transaction()


def _queue_probe(config: Config) -> web.health.Probe:
    def probe() -> str | None:
        queues.connect(config).ping()
        return None

    return probe


def _jobs_probe() -> str | None:
    late = schedule.late_jobs()
    return f"late: {', '.join(late)}" if late else None


def migrate(app: Flask) -> None:
    """Bring the database to the newest migration."""
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))


@click.group()
def commands() -> None:
    """The processes and chores of Counterfoil."""


@commands.command("migrate")
def migrate_command() -> None:
    """Bring the database to the newest migration."""
    migrate(create_app())


@commands.command("worker")
def worker_command() -> None:
    """Work off the queues until told to stop."""
    app = create_app()
    config: Config = app.config["COUNTERFOIL"]
    jobs.work.serve(app, queues.connect_worker(config.redis_url))


@commands.command("scheduler")
def scheduler_command() -> None:
    """Ask for everything the timetable wants; any number of these may run."""
    app = create_app()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with app.app_context():
        schedule.serve(queues.Enqueuer(app.config["COUNTERFOIL"]), stop)


@commands.command("verify")
@click.option("--without-gateway", is_flag=True, help="Prove the records only.")
def verify_command(*, without_gateway: bool) -> None:
    """Prove every balance, state and flag anew."""
    with create_app().app_context():
        faults = verify(ask_gateway=not without_gateway)
    for fault in faults:
        records = f": {', '.join(map(str, fault.records))}" if fault.records else ""
        click.echo(f"NOT TRUE: {fault.rule}{records}")
    click.echo("Everything adds up." if not faults else f"{len(faults)} rules are broken.")
    sys.exit(1 if faults else 0)


@commands.command("seed-demo")
def seed_demo_command() -> None:
    """Fill an empty database with the demo's office."""
    from demo.seed import seed

    with create_app().app_context():
        seed()


@commands.command("demo-signins")
def demo_signins_command() -> None:
    """Print who can sign in to the demo."""
    from demo.seed import DEMO_SIGN_INS

    for role, email, password in DEMO_SIGN_INS:
        click.echo(f"{role:<16}{email:<32}{password}")


@commands.command("create-manager")
@click.option("--name", prompt=True)
@click.option("--email", prompt=True)
def create_manager_command(name: str, email: str) -> None:
    """Add the first staff member, with every permission; they choose a password by e-mail."""
    app = create_app()
    with app.app_context():
        role = db.session.scalars(select(Role).where(Role.name == "Manager")).one()
        values = {"name": name, "email": email, "active": True, "roles": [role], "sites": []}
        try:
            save_record(Staff, None, values, SYSTEM)
        except Refusal as refusal:
            sys.exit(f"counterfoil: {refusal.sentence}")
    address = app.config["COUNTERFOIL"].public_url
    click.echo(f"{email} can choose a password at {address}/admin/reset")


@commands.command("docs")
def docs_command() -> None:
    """Write docs/life-of-an-invoice.md anew from the transition tables."""
    Path(ROOT / "docs" / "life-of-an-invoice.md").write_text(page())


if __name__ == "__main__":
    commands()
