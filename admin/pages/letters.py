"""Outgoing e-mail: what it looks like, and sending a failed one again."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_admin import expose
from flask_admin.form import BaseForm

from admin.base.access import actor, not_found, requires
from admin.base.actions import eye_action
from admin.pages.verbs import VerbPage
from billing.actions import email_actions
from billing.errors import Refusal
from billing.letter_kinds import SECRET_KINDS
from billing.mailing import retry_email
from models import OutgoingEmail

# The letter was written by our own templates, but it holds customers' words: nothing in it runs,
# and nothing is fetched.
LETTER_HEADERS = {
    "content_security_policy": {
        "sandbox": "",
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "frame-ancestors": "'self'",
    },
    "content_security_policy_nonce_in": [],
    "frame_options": "SAMEORIGIN",
}


class EmailActions(VerbPage):
    """The pages behind an outgoing e-mail's buttons."""

    label = "E-mail"
    permission = "emails.view"
    slug = "email_actions"
    path = "/admin/outgoingemail/do"

    @expose("/retry/", methods=("GET", "POST"))
    @requires("emails.send")
    def retry(self) -> Any:
        """Queue a failed e-mail again."""
        email = self.record(OutgoingEmail)
        (action,) = email_actions(email)
        if action.why_not is not None:
            return self.refused(email, action.label, Refusal(action.why_not))

        def send_again() -> str:
            retry_email(email.id, actor=actor())
            return f"The e-mail to {email.to_address} is queued again."

        return self.answer(
            "admin/pages/verb.html",
            self.form(BaseForm),
            email,
            send_again,
            heading="Send again",
            button="Send again",
            consequences=[
                f"The same letter goes to {email.to_address} once more, within a minute.",
                *([f"It failed before: {email.error}"] if email.error else []),
            ],
        )

    @expose("/letter/")
    def letter(self) -> Any:
        """The letter's own page, shown in a frame of the e-mail's Eye page."""
        email = self.record(OutgoingEmail)
        if not can_be_read(email):
            not_found()
        answer = Response(email.html, mimetype="text/html")
        answer.headers["Cache-Control"] = "private, no-store"
        return answer

    letter.talisman_view_options = LETTER_HEADERS


def can_be_read(email: OutgoingEmail) -> bool:
    """Whether staff may read the letter: not before it was written, and never a secret one.

    With its link somebody who may only look at e-mail could become the person it was sent to.
    """
    return bool(email.html) and email.kind not in SECRET_KINDS


eye_action(OutgoingEmail, "retry", "email_actions.retry")
