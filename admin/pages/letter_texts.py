"""Letters: the office's own words in them, how they look, and who gets copies."""

from __future__ import annotations

import json
from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import StringField, TextAreaField

from admin.base.access import actor, holds, not_found, requires
from admin.base.forms import read_seen
from admin.base.page import PanelPage
from admin.base.refusing import REFUSED, show_refusal
from admin.base.words import office_settings
from admin.pages.letters import LETTER_HEADERS
from billing.errors import Refusal
from billing.letter_kinds import LETTERS
from billing.letter_texts import (
    LONGEST_OPENING,
    LONGEST_SUBJECT,
    MOST_COPIES,
    LetterText,
    check_text,
    copies_to,
    reset_letter_text,
    set_bcc,
    set_letter_text,
    text_of,
)
from billing.office import local_today
from models import db
from web.letter_words import house_words, write_letter
from web.sample_letters import sample_context


class LetterForm(BaseForm):
    """Shows what is stored or was typed; ``billing.letter_texts`` checks it."""

    subject = StringField("Subject", render_kw={"maxlength": LONGEST_SUBJECT})
    opening = TextAreaField(
        "Opening words",
        render_kw={"rows": 9, "maxlength": LONGEST_OPENING},
        description="Plain text. An empty line begins a new paragraph.",
    )


class CopiesForm(BaseForm):
    addresses = TextAreaField(
        "Copies (BCC)",
        render_kw={"rows": 3},
        description=f"E-mail addresses, one a line, {MOST_COPIES} at most.",
    )


class LetterTexts(PanelPage):
    """What the office says in its letters."""

    label = "Letters"
    permission = "settings.view"
    slug = "letter_texts"
    path = "/admin/letters"
    icon = "letter-text"
    group = "Office"

    @expose("/")
    def index(self) -> Any:
        """List the letters, with whose words they have."""
        kept = copies_to(office_settings())
        return self._list(CopiesForm(data={"addresses": "\n".join(kept)}), json.dumps(kept))

    @expose("/copies/", methods=("POST",))
    @requires("settings.edit")
    def copies(self) -> Any:
        """Save who gets copies."""
        form, mark = CopiesForm(request.form), request.form.get("seen", "")
        try:
            changed = set_bcc(form.addresses.data or "", actor(), shown=_addresses(mark))
        except Refusal as refusal:
            show_refusal(form, refusal)
            newest = json.dumps(copies_to(office_settings()))
            # Told once, whoever saves again has looked.
            page = self._list(form, newest if refusal.code == "changed" else mark)
            return make_response(page, REFUSED)
        flash("Saved." if changed else "Nothing was changed.", "success")
        return redirect(url_for(".index"), 303)

    @expose("/edit/")
    def edit(self) -> Any:
        """Show one letter's words."""
        kept = text_of(office_settings(), _kind())
        form = LetterForm(data={"subject": kept.subject, "opening": kept.opening})
        return self._form(form, _mark(kept))

    @expose("/edit/", methods=("POST",))
    @requires("settings.edit")
    def save(self) -> Any:
        """Save them, or say what is wrong with them."""
        kind, form, mark = _kind(), LetterForm(request.form), request.form.get("seen", "")
        try:
            changed = set_letter_text(kind, **_typed(form), shown=_shown(mark), actor=actor())
        except Refusal as refusal:
            show_refusal(form, refusal)
            newest = _mark(text_of(office_settings(), kind))
            page = self._form(form, newest if refusal.code == "changed" else mark)
            return make_response(page, REFUSED)
        done = "Saved. Letters sent from now on have these words."
        flash(done if changed else "Nothing was changed.", "success")
        return redirect(url_for(".edit", kind=kind), 303)

    @expose("/reset/", methods=("POST",))
    @requires("settings.edit")
    def reset(self) -> Any:
        """Go back to the house's own words."""
        reset_letter_text(_kind(), actor())
        flash("This letter has the house’s words again.", "success")
        return redirect(url_for(".index"), 303)

    @expose("/preview/", methods=("GET", "POST"))
    def preview(self) -> Any:
        """The letter to a made-up customer, as stored or with the typed words; nothing is kept."""
        kind = _kind()
        own, sentence = None, ""
        if request.method == "POST":
            try:
                own = check_text(kind, **_typed(LetterForm(request.form)))
            except Refusal as refusal:
                sentence = refusal.sentence
        letter = None if sentence else write_letter(kind, _sample(kind), own)
        page = self.render("admin/pages/letter_texts/preview.html", letter=letter, why=sentence)
        answer = make_response(page, REFUSED if sentence else 200)
        answer.headers["Cache-Control"] = "private, no-store"
        return answer

    preview.talisman_view_options = LETTER_HEADERS

    def _list(self, form: BaseForm, mark: str) -> str:
        office = office_settings()
        rows = []
        for name, kind in LETTERS.items():
            own, house = text_of(office, name), house_words(name, _sample(name))
            rows.append((name, kind.title, own, own.subject or house.subject))
        return str(
            self.render(
                "admin/pages/letter_texts/list.html",
                rows=rows,
                form=form,
                mark=mark,
                may_edit=holds("settings.edit"),
            )
        )

    def _form(self, form: BaseForm, mark: str) -> str:
        name = _kind()
        return str(
            self.render(
                "admin/pages/letter_texts/edit.html",
                name=name,
                kind=LETTERS[name],
                form=form,
                mark=mark,
                has_own=bool(text_of(office_settings(), name)),
                house=house_words(name, _sample(name)),
                may_edit=holds("settings.edit"),
            )
        )


def _kind() -> str:
    """Return the letter the address names; not found for one whose words are fixed."""
    kind = request.args.get("kind", "")
    return kind if kind in LETTERS else not_found()


def _typed(form: Any) -> dict[str, str]:
    return {"subject": form.subject.data or "", "opening": form.opening.data or ""}


def _sample(kind: str) -> dict[str, Any]:
    return sample_context(kind, office_settings(), local_today(db.session()))


def _mark(text: LetterText) -> str:
    """Return what tells later whether somebody changed the words meanwhile."""
    return json.dumps({"subject": text.subject, "opening": text.opening})


def _shown(mark: str) -> LetterText:
    seen = read_seen(mark)
    return LetterText(str(seen.get("subject", "")), str(seen.get("opening", "")))


def _addresses(mark: str) -> list[str]:
    try:
        seen = json.loads(mark)
    except ValueError:
        return []
    return [str(each) for each in seen] if isinstance(seen, list) else []
