"""The panel's doors: closed unless somebody is signed in, active, and holds the permission."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

from flask import Response, abort, g, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from billing.actor import Actor, staff_actor
from models import Staff
from models.permissions import PERMISSIONS


def known(permission: str) -> str:
    """Return ``permission``; ``ValueError`` for a name that is not in the table of permissions.

    Checked when a view is made, so a misspelt name stops the start instead of closing a door for
    ever, or opening one.
    """
    if permission not in PERMISSIONS:
        raise ValueError(f"There is no permission named {permission!r}.")
    return permission


def signed_in() -> Staff | None:
    """Return the staff member signed in, if any and if still allowed to be."""
    person = current_user._get_current_object()
    return person if isinstance(person, Staff) and person.is_active else None


def actor() -> Actor:
    """Return the person signed in as the author of what a verb will do."""
    person = signed_in()
    if person is None:
        raise RuntimeError("Nobody is signed in; the view lacks its guard.")
    return staff_actor(person, request.remote_addr or "")


def holds(permission: str) -> bool:
    """Whether the person signed in has ``permission``."""
    return permission in held()


def held() -> frozenset[str]:
    """Return every permission of the person signed in, put together once a request."""
    person = signed_in()
    if person is None:
        return frozenset()
    kept: Any = g.get("panel_permissions")
    if kept is None or kept[0] is not person:
        names = frozenset().union(*(role.get_permissions() for role in person.roles))
        kept = g.panel_permissions = (person, names)
    found: frozenset[str] = kept[1]
    return found


def refuse_entry(permission: str) -> Any:
    """Return the answer for somebody who may not enter, or None to let them in.

    Not signed in: the sign-in page, which comes back here afterwards (GET only, and only by a path
    of ours). Signed in without the permission: a page that says so, with status 403.
    """
    if signed_in() is None:
        here = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("security.login", next=here))
    if not holds(permission):
        page = render_template("admin/refused.html", wanted=PERMISSIONS[permission])
        return make_response(page, 403)
    return None


def requires(permission: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Guard a method of a page with a permission of its own, beside the page's."""
    known(permission)

    def guard(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            refused = refuse_entry(permission)
            return method(*args, **kwargs) if refused is None else refused

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return guard


def not_found() -> NoReturn:
    """End the request with a page that looks the same for unknown, foreign and malformed ids."""
    abort(Response(render_template("admin/not_found.html"), status=404))
