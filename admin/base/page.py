"""Ordinary pages of the panel: a permission, a place in the menu, and a template."""

from __future__ import annotations

from typing import Any

from flask_admin import BaseView

from admin.base.access import holds, known, refuse_entry


class GuardedView(BaseView):
    """Any view of the panel. Nobody enters without ``permission_for`` the method asked for."""

    permission = ""
    icon = "file"
    group = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        known(self.permission)
        super().__init__(*args, **kwargs)

    def permission_for(self, method: str) -> str:
        """Return the permission that ``method`` needs: its own (``requires``) or the view's."""
        return str(getattr(getattr(type(self), method, None), "permission", self.permission))

    def is_accessible(self) -> bool:
        return holds(self.permission)

    def _handle_view(self, name: str, **kwargs: Any) -> Any:
        return refuse_entry(self.permission_for(name))

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        # Flask-Admin retries on TypeError with other arguments, which hides the real error.
        return fn(self, *args, **kwargs)


class PanelPage(GuardedView):
    """Base of a page that is not a record type.

    Subclasses set ``label``, ``permission``, ``slug``, ``icon`` and ``group`` and ``@expose`` their
    methods. ``slug`` is both the first half of their endpoints (``<slug>.<method>``) and their
    address under ``/admin/``; ``path`` is an address of their own instead. A page with
    ``in_menu = False`` is only reached by links. Templates extend ``admin/master.html``.
    """

    label = ""
    in_menu = True
    slug = ""
    path: str | None = None

    def __init__(self) -> None:
        super().__init__(name=self.label, endpoint=self.slug or None, url=self.path)

    def is_visible(self) -> bool:
        return self.in_menu
