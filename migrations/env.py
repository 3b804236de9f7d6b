"""Alembic's surroundings: the application's own engine, and what autogenerate looks at."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app

from models import Base

SEARCH_TABLES = "_search"


def include_object(_object: Any, name: str | None, kind: str, _reflected: bool, _to: Any) -> bool:
    """Leave out the search indexes, which ``models.search`` makes in plain SQL."""
    return not (kind in ("table", "index") and name is not None and SEARCH_TABLES in name)


def run() -> None:
    """Migrate over a connection of the application's engine, in one transaction."""
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=include_object,
            render_as_batch=True,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
