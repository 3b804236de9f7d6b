"""Jobs around charging registered methods: the nightly run, its retries, and cards that end."""

from __future__ import annotations

from billing import expiring, nightly
from jobs import pieces


def charge_tonight(ids: list[int]) -> str:
    """Charge or send the drafts of users billed automatically; ``ids``: where to go on."""
    return pieces.go_on("charges.nightly", nightly.run_nightly, ids)


def charge_again(ids: list[int]) -> str:
    """Charge again what was planned for today or earlier; ``ids``: where to go on."""
    return pieces.go_on("charges.retry", nightly.run_retries, ids)


def announce_expiring(_ids: list[int]) -> str:
    """Tell customers whose registered card ends soon."""
    count = expiring.announce_expiring()
    return f"{count} expiring {'card' if count == 1 else 'cards'} announced"
