"""How a person came to the pages that register a card or account.

Two doors lead to the same pages: the account, where somebody has signed in, and the link in a
letter, which opens nothing else. The pages only know the way back to where they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import request, url_for

from billing.actor import Actor, customer_actor
from models import User


@dataclass(frozen=True)
class Way:
    """Whose payment method it is about, and how this person got here.

    blueprint -- "account" or "method_link"; both have the same endpoints
    place     -- what every address there carries: the user's id, or the link's token
    used_link -- version of the link in the letter, None for who signed in
    """

    user: User
    blueprint: str
    place: dict[str, Any] = field(default_factory=dict)
    used_link: int | None = None

    @property
    def by_link(self) -> bool:
        return self.used_link is not None

    @property
    def actor(self) -> Actor:
        """The author of what this request does."""
        return customer_actor(self.user.id, request.remote_addr or "")

    @property
    def back(self) -> str:
        """The page one leaves to when nothing is added."""
        return self.url("add_card") if self.by_link else url_for("account.methods")

    def url(self, page: str, **more: Any) -> str:
        """Return the address of a page behind the same door."""
        return url_for(f"{self.blueprint}.{page}", **self.place, **more)
