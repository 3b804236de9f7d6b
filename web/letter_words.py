"""A letter's words from its templates, with the office's own in their place.

The office's words are text that is put in; a template only ever decides where. So they can neither
run anything nor take away a letter's amount, button or link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app

from billing.letter_kinds import LETTERS
from billing.letter_texts import LetterText, fill_opening, fill_subject, text_of
from web.formats import day, money

Context = Mapping[str, Any]


@dataclass(frozen=True)
class Written:
    """One letter as its templates wrote it: the same words twice."""

    subject: str
    html: str
    text: str


def write_letter(kind: str, context: Context, own: LetterText | None = None) -> Written:
    """Render the templates of ``kind``; a subject may still have line breaks.

    own -- words to try out instead of the office's
    """
    words = office_words(kind, context, own)
    whole = {**context, "opening": words.opening}
    text = current_app.jinja_env.get_template(f"email/{kind}.txt")
    html = current_app.jinja_env.get_template(f"email/{kind}.html")
    subject = words.subject or "".join(text.blocks["subject"](text.new_context(whole)))
    return Written(subject, html.render(whole), text.render(whole))


def house_words(kind: str, context: Context) -> LetterText:
    """Return what a letter says where the office has no words of its own."""
    text = current_app.jinja_env.get_template(f"email/{kind}.txt")
    whole = text.new_context({**context, "opening": ""})
    subject, opening = ("".join(text.blocks[name](whole)) for name in ("subject", "opening"))
    return LetterText(" ".join(subject.split()), opening.strip())


def office_words(kind: str, context: Context, own: LetterText | None = None) -> LetterText:
    """Return the office's words for this letter, filled in; empty where the house's own stand."""
    if kind not in LETTERS:
        return LetterText()
    wanted = text_of(context["office"], kind) if own is None else own
    if not wanted or not _fits(kind, context):
        return LetterText()
    values = {name: " ".join(value.split()) for name, value in values_of(kind, context).items()}
    return LetterText(fill_subject(wanted.subject, values), fill_opening(wanted.opening, values))


def values_of(kind: str, context: Context) -> dict[str, str]:
    """Return what each placeholder of ``kind`` stands for in this letter; "" for nothing."""
    every = {"name": context["name"], "office": context["office"].organisation}
    return {**every, **_VALUES[kind](context)}


def _fits(kind: str, context: Context) -> bool:
    """Whether the letter says what its kind is for: one that was overtaken has other words."""
    if kind in ("invoice", "invoice_again", "reminder", "payment_failed", "payment_returned"):
        return bool(context["paper"].pay_url)
    if kind == "receipt":
        return bool(context["lines"])
    if kind == "card_expiring":
        return not context["params"].get("expired")
    if kind == "statement":
        return bool(context["statement"].rows)
    return True


def _invoice(context: Context) -> dict[str, str]:
    content = context["paper"].content
    return {
        "amount": money(context["paper"].balance),
        "invoice": f"#{content['number']}" if content["number"] else "",
        "description": content["description"],
        "due_date": day(content["due_on"]) if content["due_on"] else "",
    }


def _receipt(context: Context) -> dict[str, str]:
    line = context["lines"][0]
    amount = money(context["paid_amount"])
    made = {"amount": amount, "paid_on": day(line.on), "method": line.method}
    paid_for = context["paid_for"]
    if len(paid_for) > 1:
        # One letter about several invoices: it must not read as if it were about the first.
        numbers = ", ".join(f"#{invoice.number}" for invoice, _share in paid_for)
        made |= {"invoice": numbers, "description": ""}
    return {**_invoice(context), **made}


def _charged(context: Context) -> dict[str, str]:
    tried = {"amount": money(context["failed_amount"]), "method": context["method"]}
    return {**_invoice(context), **tried}


def _card(context: Context) -> dict[str, str]:
    params = context["params"]
    return {"card": params["card"], "expires_on": day(params["expires_on"])}


def _statement(context: Context) -> dict[str, str]:
    statement = context["statement"]
    return {"amount": money(statement.to_pay), "date": day(statement.on)}


def _application(context: Context) -> dict[str, str]:
    application = context["application"]
    owed = application.outstanding_balance
    return {
        "application": application.reference,
        "form": application.form.name,
        "amount": money(owed) if owed > 0 else "",
    }


_VALUES: Mapping[str, Callable[[Context], dict[str, str]]] = {
    "invoice": _invoice,
    "invoice_again": _invoice,
    "reminder": _invoice,
    "receipt": _receipt,
    "payment_failed": _charged,
    "payment_returned": _charged,
    "card_expiring": _card,
    "statement": _statement,
    "application_approved": _application,
    "application_rejected": _application,
    "outstanding_balance": _application,
}
