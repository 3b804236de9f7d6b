"""Verbs of applications: fees, decisions, settling their balance, notes, a customer's account.

Above billing, below the doors. No Flask here.
"""

from __future__ import annotations

from applications import buttons, following
from billing import actions, hooks, saving
from models import User


def register() -> None:
    """Plug this room into the heart, once a process: what follows from money, buttons, saves."""
    hooks.register(following.follow_payment)
    actions.add_application_actions(buttons.application_buttons)
    if following.follow_address not in saving.CHECKS[User]:
        saving.register_check(User, following.follow_address)
