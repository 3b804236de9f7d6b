"""People who work in the panel. Customers are ``models.user``; the two never share a table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_security import RoleMixin, UserMixin
from sqlalchemy import JSON, Boolean, Column, ForeignKey, String, Table, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Id, UtcDateTime
from models.panel import Panel, labelled
from models.places import Site
from models.search import Searchable

staff_roles = Table(
    "staff_roles",
    Base.metadata,
    Column("staff_id", Id, ForeignKey("staff.id"), primary_key=True),
    Column("role_id", Id, ForeignKey("roles.id"), primary_key=True),
)

staff_sites = Table(
    "staff_sites",
    Base.metadata,
    Column("staff_id", Id, ForeignKey("staff.id"), primary_key=True),
    Column("site_id", Id, ForeignKey("sites.id"), primary_key=True),
)


class Role(Base, RoleMixin):
    """A named set of permissions; see ``models.permissions`` for the names there are."""

    __tablename__ = "roles"
    __panel__ = Panel(
        label="Role",
        plural="Roles",
        area="staff",
        icon="shield",
        group="Office",
        columns=("name", "description"),
        form=("name", "description", "permissions"),
        sections=(("Role", ("name", "description", "permissions")),),
        title="name",
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True, info=labelled("Name"))
    description: Mapped[str] = mapped_column(
        String(255), default="", info=labelled("Description", hint="Who should have this role.")
    )
    permissions: Mapped[list[str]] = mapped_column(
        JSON, default=list, info=labelled("Permissions", "permissions")
    )

    def get_permissions(self) -> set[str]:
        return set(self.permissions or ())

    def __str__(self) -> str:
        return self.name


class Staff(Searchable, Base, UserMixin):
    """A person who signs in to the panel.

    Without sites a staff member sees every site; with some, only records of those.
    """

    __tablename__ = "staff"
    __search__ = ("name", "email")
    __panel__ = Panel(
        label="Staff member",
        plural="Staff",
        area="staff",
        icon="user-cog",
        group="Office",
        columns=("name", "email", "roles", "active", "current_login_at"),
        filters=("active",),
        form=("name", "email", "active", "roles", "sites"),
        sections=(
            ("Person", ("name", "email", "active")),
            ("Access", ("roles", "sites", "current_login_at", "last_login_at", "login_count")),
        ),
        title="name",
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(120), info=labelled("Name"))
    email: Mapped[str] = mapped_column(String(254), unique=True, info=labelled("E-mail", "email"))
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(
        Boolean, default=True, info=labelled("Can sign in", "yes_no")
    )
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    create_datetime: Mapped[datetime] = mapped_column(UtcDateTime)
    update_datetime: Mapped[datetime] = mapped_column(UtcDateTime)
    last_login_at: Mapped[datetime | None] = mapped_column(  # type: ignore[assignment]
        UtcDateTime, info=labelled("Sign-in before that", "datetime")
    )
    current_login_at: Mapped[datetime | None] = mapped_column(  # type: ignore[assignment]
        UtcDateTime, info=labelled("Last sign-in", "datetime")
    )
    last_login_ip: Mapped[str | None] = mapped_column(String(64))
    current_login_ip: Mapped[str | None] = mapped_column(String(64))
    login_count: Mapped[int] = mapped_column(default=0, info=labelled("Sign-ins"))
    tf_primary_method: Mapped[str | None] = mapped_column(String(64))
    tf_totp_secret: Mapped[str | None] = mapped_column(String(255))
    notices: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    roles: Mapped[list[Role]] = relationship(  # type: ignore[assignment]
        secondary=staff_roles, lazy="selectin", order_by="Role.name", info=labelled("Roles")
    )
    sites: Mapped[list[Site]] = relationship(
        secondary=staff_sites, lazy="selectin", order_by="Site.name", info=labelled("Sites")
    )
    note: Mapped[str] = mapped_column(Text, default="")

    @property
    def site_ids(self) -> frozenset[int]:
        """Sites this person is bound to; empty means every site."""
        return frozenset(site.id for site in self.sites)

    def __str__(self) -> str:
        return self.name
