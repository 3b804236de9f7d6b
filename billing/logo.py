"""The office's logo: a small picture on the customer's pages, kept with the settings."""

from __future__ import annotations

from sqlalchemy.orm import Session

from billing import clock
from billing.actor import Actor
from billing.errors import Refusal
from billing.history import note
from models import Settings

MAX_BYTES = 300_000
# By what a file begins with, not by its name. SVG is left out: it can carry scripts.
_KINDS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


def kind_of(data: bytes) -> str:
    """Return the media type of a picture; ``Refusal`` (field ``logo``) for anything else."""
    if len(data) > MAX_BYTES:
        raise Refusal("The logo may have 300 kB at most.", "logo_too_large", "logo")
    for beginning, kind in _KINDS:
        if data.startswith(beginning):
            return kind
    raise Refusal("The logo must be a PNG or JPEG picture.", "logo_kind", "logo")


def store_logo(session: Session, settings: Settings, data: bytes, actor: Actor) -> None:
    """Show ``data``, a PNG or JPEG of at most 300 kB, from now on; nothing when it is empty."""
    if not data and not settings.logo_type:
        return
    settings.logo, settings.logo_type = (data, kind_of(data)) if data else (None, "")
    settings.updated_at = clock.now()
    note(session, settings, "edit", "Logo changed" if data else "Logo removed", actor)
