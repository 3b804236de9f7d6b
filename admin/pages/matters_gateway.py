"""What the gateway has brought that needs somebody: open disputes, news of unknown payments."""

from __future__ import annotations

from typing import Any

from flask import url_for
from sqlalchemy import Row, Subquery, func, select

from admin.base.access import holds
from admin.base.scope import in_scope
from admin.base.words import Words
from admin.gateway import unsettled_here
from admin.pages.matter import Matter
from models import Dispute, GatewayNotification
from models.states import DisputeState


def gateway_facts() -> list[Subquery]:
    """Return what the dashboard's one statement should count too, for those who may see it."""
    parts = []
    if holds("disputes.view"):
        parts.append(
            select(
                func.count().label("disputed_count"),
                func.coalesce(func.sum(Dispute.amount), 0).label("disputed"),
                func.min(Dispute.reply_by).label("disputed_reply_by"),
            )
            .where(Dispute.state == DisputeState.OPEN, *in_scope(Dispute))
            .subquery()
        )
    if holds("gateway.view"):
        parts.append(
            select(func.count(GatewayNotification.id).label("unknown_news"))
            .where(*unsettled_here())
            .subquery()
        )
    return parts


def gateway_matters(facts: Row[Any], spoken: Words) -> list[Matter]:
    """Return the lines of the dashboard; none on a good day."""
    found = []
    count = facts._mapping.get("disputed_count")
    if count:
        by = facts.disputed_reply_by
        found.append(
            Matter(
                "scale",
                "1 payment is disputed" if count == 1 else f"{count:,} payments are disputed",
                spoken.money(int(facts.disputed)),
                url_for("dispute.index_view", state="open"),
                f"answer the first at the gateway by {spoken.day(by)}" if by else "",
            )
        )
    unknown = facts._mapping.get("unknown_news")
    if unknown:
        pieces = "1 piece" if unknown == 1 else f"{unknown:,} pieces"
        about = "an unknown payment" if unknown == 1 else "unknown payments"
        found.append(
            Matter(
                "radio",
                f"{pieces} of news about {about}",
                "",
                url_for("gatewaynotification.index_view", matched="no"),
                "look again, or mark it as done",
            )
        )
    return found
