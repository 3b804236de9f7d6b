"""The append-only log. The database itself refuses to change or remove a row of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, UtcDateTime
from models.panel import Panel, labelled
from models.states import ActorKind, state_type


class History(Base):
    """One thing that happened: who, when, what, from which state to which, and why.

    ``record`` and ``record_id`` name what it happened to, ``user_id`` the customer it concerns.
    None is a foreign key, and a customer's name is never in it: a user can be erased without
    touching a row.
    """

    __tablename__ = "history"
    __table_args__ = (
        Index("ix_history_record_record_id_id", "record", "record_id", "id"),
        Index("ix_history_user_id_id", "user_id", "id"),
    )
    __panel__ = Panel(
        label="Event",
        plural="History",
        area="history",
        icon="history",
        group="Office",
        columns=("at", "actor_name", "record", "sentence"),
        filters=("record", "actor_kind", "at"),
        sections=(
            ("Event", ("at", "actor_name", "record", "sentence", "reason")),
            ("Change", ("from_state", "to_state", "details")),
        ),
        site_path="site_id",
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, info=labelled("When", "datetime"))
    actor_kind: Mapped[ActorKind] = mapped_column(
        state_type(ActorKind, "actor_kind"), info=labelled("Who", "choice")
    )
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_name: Mapped[str] = mapped_column(String(160), default="", info=labelled("Who"))
    record: Mapped[str] = mapped_column(String(40), info=labelled("About", "choice"))
    record_id: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    site_id: Mapped[int | None] = mapped_column(BigInteger)
    verb: Mapped[str] = mapped_column(String(60), info=labelled("What"))
    from_state: Mapped[str | None] = mapped_column(String(16), info=labelled("From"))
    to_state: Mapped[str | None] = mapped_column(String(16), info=labelled("To"))
    sentence: Mapped[str] = mapped_column(Text, info=labelled("What happened"))
    reason: Mapped[str] = mapped_column(Text, default="", info=labelled("Why", "multiline"))
    details: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict, info=labelled("Details", "json")
    )
    ip: Mapped[str] = mapped_column(String(64), default="")

    def __str__(self) -> str:
        return self.sentence


def append_only_ddl(dialect: str) -> list[str]:
    """Return the statements that make ``history`` refuse UPDATE and DELETE on ``dialect``."""
    message = "History can only be added to"
    if dialect == "postgresql":
        return [
            "CREATE FUNCTION refuse_history_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$",
            "CREATE TRIGGER history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON history "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_history_change()",
        ]
    return [
        f"CREATE TRIGGER history_no_{verb.lower()} BEFORE {verb} ON history "
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        for verb in ("UPDATE", "DELETE")
    ]
