"""End links: what letters gave a person opens nothing any more."""

from __future__ import annotations

from typing import Any

from flask_admin import expose
from flask_admin.form import BaseForm

from admin.base.access import actor, requires
from admin.base.actions import eye_action
from admin.pages.verbs import VerbPage
from billing.link_ends import end_links
from models import User

HEADING = "End links"


class LinkEndPage(VerbPage):
    """The page behind End links."""

    label = HEADING
    permission = "users.edit"
    slug = "link_ending"
    path = "/admin/user/links"

    @expose("/end/", methods=("GET", "POST"))
    @requires("users.edit")
    def end(self) -> Any:
        """Say what will stop working, then end it."""
        user = self.record(User)

        def end_them() -> str:
            end_links(user.id, actor=actor())
            return "The links were ended. New letters carry new ones."

        return self.answer(
            "admin/pages/verb.html",
            self.form(BaseForm),
            user,
            end_them,
            heading=HEADING,
            button=HEADING,
            danger=True,
            consequences=[
                "Every link in the letters this user was sent stops working at once: to their "
                "payment method, invoices, receipts and applications, printed ones too. This can’t "
                "be undone.",
                "Nothing is sent. New letters carry new links and go to the address on file; "
                "correct it first if it is wrong. An ended invoice link offers to send a new one "
                "there.",
            ],
        )


eye_action(User, "end_links", "link_ending.end", danger=True)
