"""Many plausible rows, made inside the database."""

from __future__ import annotations

from sqlalchemy import text

from billing.database import transaction
from models import Settings, db

NAMES = "ARRAY['Maria Alvarez','John Smith','Zoë Müller','Priya Raman','Tomasz Wójcik']"
USERS = f"""
INSERT INTO users (name, email, no_email, phone, street, city, region, postal_code, country,
    billing_method, billing_trigger, created_at, search_text)
SELECT ({NAMES})[1 + n % 5] || ' ' || n, 'user' || n || '@mail.example', false, '', '', '', '', '',
    '', 'gateway', 'default', now(), lower(({NAMES})[1 + n % 5]) || ' ' || n || ' user' || n
FROM generate_series(1, :users) n
"""
INVOICES = """
INSERT INTO invoices (number, state, user_id, currency, description, total, allocated, credited,
    due_on, issued_on, sent_on, sent_at, overdue_on, link_version, silent, created_at, search_text)
SELECT n, CASE WHEN n % 100 < 80 THEN 'paid' WHEN n % 100 < 98 THEN 'sent' ELSE 'failed' END,
    1 + n % :users, 'USD', 'Rent, month ' || n % 12, 2000 + n % 500,
    CASE WHEN n % 100 < 80 THEN 2000 + n % 500 ELSE 0 END, 0,
    CURRENT_DATE - (n % 90), CURRENT_DATE - 90, CURRENT_DATE - 90, now() - interval '90 days',
    CURRENT_DATE - (n % 90) + 8, 1, false, now() - (n || ' seconds')::interval,
    n || ' rent month ' || n % 12
FROM generate_series(1, :rows) n
"""


def fill(rows: int) -> None:
    """Make ``rows`` invoices over a tenth as many users, and statistics for the planner."""
    with transaction() as session:
        session.get_one(Settings, 1).overdue_age = 7
        users = max(rows // 10, 1)
        session.execute(text(USERS), {"users": users})
        session.execute(text(INVOICES), {"rows": rows, "users": users})
    # What autovacuum does by itself on a living database, minutes later.
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
