"""The dropdown in an Eye page's upper right: buttons on verbs.

What a record's actions are, and why one can't be pressed, is the heart's to say
(``billing.actions``). Where a button leads is registered here by the page that serves it, once:

    eye_action("send", "invoice_actions.send", method="POST", confirm="Send it again?")
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import url_for

from admin.base.access import holds
from models import db


@dataclass(frozen=True)
class Button:
    """Where an action's button leads.

    endpoint -- called with ``id=<record id>``
    method   -- GET opens a form, POST does it at once
    confirm  -- a question to answer before a POST goes off
    danger   -- set apart from the others
    """

    endpoint: str
    method: str = "GET"
    confirm: str = ""
    danger: bool = False


@dataclass(frozen=True)
class Choice:
    """One line of the dropdown. ``why_not``: the guard's own sentence, when it can't be pressed."""

    name: str
    label: str
    url: str
    button: Button
    why_not: str | None


Source = Callable[[Any, Any], list[Any]]

_sources: dict[str, Source] = {}
_buttons: dict[tuple[str, str], Button] = {}


def actions_of(model: Any, source: Source) -> None:
    """Take the actions of ``model`` from ``source(session, record)``."""
    _sources[model.__name__.lower()] = source


def eye_action(
    model: Any,
    name: str,
    endpoint: str,
    *,
    method: str = "GET",
    confirm: str = "",
    danger: bool = False,
) -> None:
    """Say where the button of action ``name`` of ``model`` leads (see ``Button``)."""
    _buttons[model.__name__.lower(), name] = Button(endpoint, method, confirm, danger)


def choices_for(record: Any) -> list[Choice]:
    """Return the dropdown of a record: what this person may do, pressable or with the reason.

    An action without a button or without the permission is not shown at all.
    """
    kind = type(record).__name__.lower()
    source = _sources.get(kind)
    if source is None:
        return []
    choices = []
    for action in source(db.session(), record):
        button = _buttons.get((kind, action.name))
        if button is not None and holds(action.permission):
            url = url_for(button.endpoint, id=record.id)
            choices.append(Choice(action.name, action.label, url, button, action.why_not))
    return choices
