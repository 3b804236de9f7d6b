"""My notices: what the person signed in hears about, what waits for them, what they were told."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_admin import expose

from admin.base.access import actor, holds, signed_in
from admin.base.page import PanelPage
from admin.base.refusing import REFUSED
from admin.base.words import words
from billing.digests import newest_notices, waiting_digest
from billing.errors import Refusal
from billing.notice_kinds import CHOICE_WORDS, KINDS, known_kind, path_of
from billing.notices import PERMISSION, choice_of, set_notices
from models import db


class MyNotices(PanelPage):
    """Everybody's own page; nobody chooses for somebody else. Reached from under one's name."""

    label = "My notices"
    permission = "dashboard.view"
    slug = "my_notices"
    path = "/admin/my-notices"
    in_menu = False

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """Show the choices; on POST keep them."""
        person = signed_in()
        assert person is not None
        if request.method == "GET":
            return self._page({kind: choice_of(person, kind).value for kind in KINDS})
        chosen = {kind: request.form[kind] for kind in KINDS if kind in request.form}
        try:
            changed = set_notices(person.id, chosen, actor=actor())
        except Refusal as refusal:
            flash(refusal.sentence, "error")
            kept = {kind: choice_of(person, kind).value for kind in KINDS}
            return make_response(self._page({**kept, **chosen}), REFUSED)
        flash("Your choices are kept." if changed else "Nothing was changed.", "success")
        return redirect(url_for(".index"), 303)

    def _page(self, chosen: dict[str, str]) -> Any:
        person = signed_in()
        assert person is not None
        told = newest_notices(db.session(), person.id)
        return self.render(
            "admin/pages/my_notices.html",
            person=person,
            receives=holds(PERMISSION),
            kinds=KINDS,
            ways=CHOICE_WORDS,
            chosen=chosen,
            waiting=waiting_digest(db.session(), person.id),
            told=[
                (
                    each,
                    path_of(known_kind(each.kind), each.invoice_id, each.payment_id, each.user_id),
                )
                for each in told
            ],
            spoken=words(),
        )
