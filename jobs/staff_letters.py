"""What letters to staff say besides their own words: the ways into the panel, and the digest."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from billing import runtime
from billing.digests import read_digest
from models import OutgoingEmail


def staff_context(email: OutgoingEmail, session: Session) -> dict[str, Any]:
    """Return what the templates of a notice or a digest need.

    Links lead to pages of the panel, never past its door: whoever opens one must sign in.
    """
    office = runtime.current().public_url
    path = str(email.params.get("path", ""))
    context: dict[str, Any] = {"panel": office}
    if path.startswith("/admin/"):
        context["link"] = f"{office}{path}"
    user_path = str(email.params.get("user_path", ""))
    if user_path.startswith("/admin/") and user_path != path:
        context["user_link"] = f"{office}{user_path}"
    if email.params.get("choosable"):
        context["choosing"] = f"{office}/admin/my-notices/"
    if email.kind == "staff_digest":
        context |= {"digest": read_digest(session, email), "link": f"{office}/admin/"}
    return context
