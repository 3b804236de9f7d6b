"""The gateway's card fields as the customer's pages use them; staff's pages use the same."""

from __future__ import annotations

from web.card_scripts import Scripts, scripts

__all__ = ["Scripts", "scripts"]
