"""Statements of what is outstanding: on a page, as PDF, by e-mail; per user or per unit."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_admin import expose

from admin.base.access import actor, not_found, requires
from admin.base.actions import eye_action
from admin.base.registry import record_url
from admin.base.scope import find, read_id, site_ids
from admin.base.words import words
from admin.pages.papers import pdf
from admin.pages.verbs import VerbPage
from billing import statements
from billing.errors import NotFound, Refusal
from billing.statements import Statement
from documents import statement_pdf
from models import Unit, User, db


class StatementPages(VerbPage):
    """What one user owes, or everybody who owes for one unit."""

    label = "Statement"
    permission = "invoices.view"
    slug = "statements"
    path = "/admin/statement"

    @expose("/user/")
    def user(self) -> Any:
        """The statement of one user."""
        user = self.record(User)
        return self._page(user, [_statement(user, None)])

    @expose("/unit/")
    def unit(self) -> Any:
        """The statements of everybody who owes for one unit, each apart from the others."""
        unit = self.record(Unit)
        found = [_statement(user, unit) for user in statements.owing_for(db.session(), unit)]
        return self._page(unit, [each for each in found if each.rows])

    @expose("/statement.pdf")
    def file(self) -> Any:
        """One user's statement on the office's paper."""
        statement = self._asked(request.args)
        name = f"statement-{statement.user.id}-{statement.on.isoformat()}.pdf"
        return pdf(statement_pdf(db.session(), statement), name)

    @expose("/send/", methods=("POST",))
    @requires("invoices.send")
    def send(self) -> Any:
        """E-mail one user's statement to them."""
        statement = self._asked(request.form)
        unit = statement.unit
        back = url_for(".unit", id=unit.id) if unit else url_for(".user", id=statement.user.id)
        try:
            address = statements.email_statement(
                statement.user.id,
                unit.id if unit else None,
                site_ids=sorted(site_ids()),
                actor=actor(),
            )
        except Refusal as refusal:
            flash(refusal.sentence, "error")
        except NotFound:
            not_found()
        else:
            flash(f"The statement goes to {address}.", "success")
        return redirect(back, 303)

    def _asked(self, given: Any) -> Statement:
        """Return the statement an address or a form names; what can't be seen is not found."""
        user = find(User, read_id(given.get("id")))
        unit = find(Unit, read_id(given.get("unit"))) if given.get("unit") else None
        if user is None or (given.get("unit") and unit is None):
            not_found()
        return _statement(user, unit)

    def _page(self, record: Any, found: list[Statement]) -> Any:
        return self.render(
            "admin/pages/statement.html",
            record=record,
            back=record_url(record) or url_for("admin.index"),
            found=[(each, statements.why_not_email(each)) for each in found],
            spoken=words(),
        )


def _statement(user: User, unit: Unit | None) -> Statement:
    return statements.statement_of(db.session(), user, unit, site_ids=sorted(site_ids()))


eye_action(User, "statement", "statements.user")
eye_action(Unit, "statement", "statements.unit")
