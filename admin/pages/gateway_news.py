"""The gateway's news about payments that are not ours: looked at again, or marked as done."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect
from flask_admin import expose
from flask_admin.form import BaseForm

from admin.base.access import actor, requires
from admin.base.actions import eye_action
from admin.base.registry import record_url
from admin.pages.verbs import VerbPage, reason_field
from billing.actions import Action, action
from billing.errors import GatewayError, Refusal
from billing.notifications import look_again, mark_done, why_not_settle
from models import GatewayNotification


class DoneForm(BaseForm):
    reason = reason_field("What it was about", "Kept with the news and in the history.")


class NewsPages(VerbPage):
    """The pages behind the buttons of a piece of news."""

    label = "Gateway news"
    permission = "gateway.view"
    slug = "gateway_news"
    path = "/admin/gatewaynotification/do"

    @expose("/look/", methods=("POST",))
    @requires("jobs.run")
    def look(self) -> Any:
        """Look the payment up again, and act on the news if it is ours by now."""
        news = self.record(GatewayNotification)
        try:
            found = look_again(news.id, actor=actor())
        except Refusal as refusal:
            flash(refusal.sentence, "error")
        except GatewayError:
            flash("The gateway does not answer. Please try again in a moment.", "error")
        else:
            sentence = "It is about a payment of ours, and is recorded now."
            unknown = "It still names no payment of ours."
            flash(sentence if found else unknown, "success" if found else "warning")
        return redirect(record_url(news) or "/admin/", 303)

    @expose("/done/", methods=("GET", "POST"))
    @requires("jobs.run")
    def done(self) -> Any:
        """Ask what it was about, then take it off the dashboard."""
        news = self.record(GatewayNotification)
        why_not = why_not_settle(news)
        if why_not is not None:
            return self.refused(news, "Mark as done", why_not)
        form: Any = self.form(DoneForm)

        def settle() -> str:
            mark_done(news.id, reason=form.reason.data, actor=actor())
            return "It is marked as done."

        return self.answer(
            "admin/pages/verb.html",
            form,
            news,
            settle,
            heading="Mark as done",
            button="Mark as done",
            consequences=["It stays in the list, but the dashboard no longer asks about it."],
        )


def news_actions(_session: Any, news: GatewayNotification) -> list[Action]:
    """Return the buttons of a piece of news."""
    refusal = why_not_settle(news)
    return [
        action("look_again", "Look again", "jobs.run", refusal),
        action("mark_done", "Mark as done", "jobs.run", refusal),
    ]


eye_action(GatewayNotification, "look_again", "gateway_news.look", method="POST")
eye_action(GatewayNotification, "mark_done", "gateway_news.done")
