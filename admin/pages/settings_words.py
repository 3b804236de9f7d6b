"""What saving the settings did, or would do to the unpaid invoices, in a sentence."""

from __future__ import annotations

from billing.overdue import Effect
from billing.settings import Changed


def saved_words(changed: Changed) -> str:
    """Return what a save did, in a sentence."""
    if not changed.names:
        return "Nothing was changed."
    if not changed.redated:
        return "Saved."
    who = (
        "1 unpaid invoice becomes"
        if changed.redated == 1
        else (f"{changed.redated:,} unpaid invoices become")
    )
    return f"Saved. {who} overdue on another day now."


def effect_words(effect: Effect) -> str:
    """Return what changed settings would do to the unpaid invoices, in a sentence."""
    parts = []
    if effect.newly:
        parts.append(f"makes {_invoices(effect.newly)} overdue today")
    if effect.no_longer:
        parts.append(
            f"{'makes ' if not parts else ''}{_invoices(effect.no_longer)} no longer overdue"
        )
    turned = " and ".join(parts)
    if not effect.redated:
        return f"This {turned}."
    become = "becomes" if effect.redated == 1 else "become"
    dated = f"{_invoices(effect.redated)} {become} overdue on another day"
    return f"This {turned}; in all, {dated}." if turned else f"With this, {dated}."


def _invoices(count: int) -> str:
    return f"{count:,} invoice{'' if count == 1 else 's'}"
