"""One PostgreSQL database for all tests, brought back before each to how its migrations left it.

Emptying some sixty small tables takes a tenth of the time that making a database anew does, and
connections to it need not learn its tables again.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

# What the migrations themselves put in, kept beside the tables.
KEPT = "kept"
# Rows are deleted one by one below this size of a table (bytes), above it the file is cut off.
MUCH = 512 * 1024

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
COLUMNS = """
    SELECT column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = :name AND is_generated = 'NEVER'
    ORDER BY ordinal_position
"""
SEQUENCES = "SELECT sequencename, start_value, last_value FROM pg_sequences"
OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
EMPTY = """
    DO $$
    DECLARE
        name regclass;
        large text;
    BEGIN
        SELECT string_agg(oid::regclass::text, ', ') INTO large FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND pg_relation_size(oid) > {much};
        IF large IS NOT NULL THEN
            EXECUTE 'TRUNCATE ' || large || ' CASCADE';
        END IF;
        FOR name IN SELECT oid::regclass FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                AND pg_relation_size(oid) > 0
        LOOP
            EXECUTE 'DELETE FROM ' || name;
        END LOOP;
    END $$
"""


class Refilling:
    """A freshly migrated database, to be refilled between tests."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(url, poolclass=NullPool)
        with self.engine.begin() as connection:
            self.statements = [EMPTY.format(much=MUCH), *_refill(connection)]

    def refill(self) -> None:
        """Send everybody else away and bring every row and number back to the beginning."""
        with self.engine.begin() as connection:
            connection.execute(text(OTHERS))
            # Foreign keys and triggers rest while rows go and come in any order.
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in self.statements:
                connection.exec_driver_sql(statement)


def _refill(connection: Connection) -> list[str]:
    """Keep what is there now; return the statements that bring it back."""
    connection.execute(text(f"CREATE SCHEMA {KEPT}"))
    statements = []
    for (name,) in connection.execute(text(TABLES)).all():
        columns = ", ".join(
            f'"{column}"' for column in connection.scalars(text(COLUMNS), {"name": name})
        )
        if not connection.scalar(text(f'SELECT 1 FROM public."{name}" LIMIT 1')):
            continue
        kept = f'{KEPT}."{name}"'
        connection.execute(text(f'CREATE TABLE {kept} AS SELECT {columns} FROM public."{name}"'))
        statements.append(
            f'INSERT INTO public."{name}" ({columns}) OVERRIDING SYSTEM VALUE '
            f"SELECT {columns} FROM {kept}"
        )
    for name, start, last in connection.execute(text(SEQUENCES)).all():
        value, called = (start, "false") if last is None else (last, "true")
        statements.append(f"SELECT setval('public.\"{name}\"', {value}, {called})")
    return statements
