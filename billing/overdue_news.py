"""What staff are told of overdue invoices, once a day: to each the figures of their own sites."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.database import transaction
from billing.mailing import tell
from billing.notices import News, receivers
from billing.office import get_settings, in_words, local_today
from billing.overdue import overdue_condition
from models import Invoice, Staff

# Invoices and their minor units, by site (None: of no site).
Figures = dict[int | None, tuple[int, int]]


def tell_overdue() -> int:
    """Tell staff how much is overdue and return how many invoices that are."""
    with transaction() as session:
        today = local_today(session)
        rows = session.execute(
            select(Invoice.site_id, func.count(Invoice.id), func.sum(Invoice.balance))
            .where(overdue_condition(today))
            .group_by(Invoice.site_id)
        )
        figures: Figures = {site: (int(count), int(total)) for site, count, total in rows}
        occasion = f"overdue:{today.isoformat()}"
        for sites, people in _by_sites(session).items():
            mine = {site: each for site, each in figures.items() if not sites or site in sites}
            if mine:
                tell(session, _news(session, occasion, mine), people)
        return sum(count for count, _total in figures.values())


def _by_sites(session: Session) -> dict[frozenset[int], list[Staff]]:
    """Return who may be told, by the sites they work at; with nobody for the whole office (no
    sites), that is the office's address."""
    found: dict[frozenset[int], list[Staff]] = defaultdict(list)
    for staff in receivers(session):
        found[staff.site_ids].append(staff)
    found[frozenset()] += []
    return found


def _news(session: Session, occasion: str, figures: Figures) -> News:
    count = sum(each for each, _total in figures.values())
    total = sum(each for _count, each in figures.values())
    return News(
        occasion,
        "overdue",
        f"{count} overdue {'invoice' if count == 1 else 'invoices'}",
        f"{in_words(session, total)} is overdue at {get_settings(session).organisation}.",
    )
