"""Who does something: a staff member, a customer, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass

from models import Staff
from models.states import ActorKind


@dataclass(frozen=True)
class Actor:
    """The author of a history row. A customer's name is never kept here, only their id."""

    kind: ActorKind
    id: int | None = None
    name: str = ""
    ip: str = ""


SYSTEM = Actor(ActorKind.SYSTEM, name="Counterfoil")


def staff_actor(staff: Staff, ip: str = "") -> Actor:
    return Actor(ActorKind.STAFF, staff.id, staff.name, ip)


def customer_actor(user_id: int | None, ip: str = "") -> Actor:
    return Actor(ActorKind.CUSTOMER, user_id, "", ip)
