"""The office's logo: a small picture on the customer's pages, kept with the settings."""

from __future__ import annotations

from billing import clock
from billing.actor import Actor
from billing.database import lock, transaction
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


def set_logo(data: bytes, *, actor: Actor) -> None:
    """Show ``data``, a PNG or JPEG of at most 300 kB, as the office's logo from now on."""
    kind = kind_of(data)
    _store(data, kind, "Logo changed", actor)


def remove_logo(*, actor: Actor) -> None:
    """Show no logo any more."""
    _store(None, "", "Logo removed", actor)


def _store(data: bytes | None, kind: str, sentence: str, actor: Actor) -> None:
    with transaction() as session:
        settings = lock(session, Settings, 1)
        if data is None and not settings.logo_type:
            return
        settings.logo, settings.logo_type = data, kind
        settings.updated_at = clock.now()
        note(session, settings, "edit", sentence, actor)
