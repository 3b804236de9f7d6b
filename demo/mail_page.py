"""The mailbox's page: a list, a message, its parts. Nothing a message contains may act here.

A message's HTML is shown in a sandboxed frame under a policy without scripts, forms or remote
images; everything else is escaped. Only this machine's own names are answered to, because messages
carry links that sign people in.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, current_app, jsonify, render_template, request

from demo.mail_store import Mail, MailStore

HERE = Path(__file__).resolve().parent
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
VIEWS = ("html", "text", "source")


pages = Blueprint("mail", __name__)


def create_page(store: MailStore) -> Flask:
    """The page over `store`, as a WSGI application."""
    app = Flask(__name__, template_folder=HERE / "templates", static_folder=HERE / "static")
    app.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]
    app.extensions["mail_store"] = store
    app.jinja_env.filters["when"] = when
    app.jinja_env.filters["size"] = size
    app.register_blueprint(pages)
    return app


def the_store() -> MailStore:
    store: MailStore = current_app.extensions["mail_store"]
    return store


def find(name: str) -> Mail:
    """The message, or the page that says it is gone."""
    try:
        return the_store().read(name)
    except FileNotFoundError:
        abort(404)


@pages.get("/")
def inbox() -> str:
    """The list."""
    return render_template("mailbox.html", **listed(), mail=None)


@pages.get("/news")
def news() -> Response:
    """The newest message's name: what the list's script asks for."""
    return jsonify(newest=next(iter(the_store().names()), ""))


@pages.get("/mail/<name>")
def show(name: str) -> str:
    """One message beside the list, in the view asked for."""
    mail = find(name)
    parts = {"html": mail.html, "text": mail.text, "source": mail.raw.decode("utf-8", "replace")}
    present = [view for view in VIEWS if parts[view] is not None]
    asked = request.args.get("view", "")
    view = asked if asked in present else present[0]
    shown = {"mail": mail, "parts": parts, "present": present, "view": view}
    return render_template("mailbox.html", **listed(), **shown)


@pages.get("/mail/<name>/html")
def html(name: str) -> Response:
    """What the frame shows."""
    shown = find(name).html
    if shown is None:
        abort(404)
    answer = Response(shown, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = MAIL_POLICY
    return answer


@pages.get("/mail/<name>/raw")
def raw(name: str) -> Response:
    """The whole message as a file."""
    return download(f"{name}.eml", "message/rfc822", find(name).raw)


@pages.get("/mail/<name>/attachment/<int:number>")
def attachment(name: str, number: int) -> Response:
    """One of the message's files."""
    found = next((each for each in find(name).attachments if each.number == number), None)
    if found is None:
        abort(404)
    return download(found.name, "application/octet-stream", found.content)


@pages.app_errorhandler(404)
def missing(problem: Exception) -> tuple[str, int]:
    """Nothing there, or there no longer."""
    return render_template("mailbox.html", **listed(), mail=None, missing=True), 404


@pages.after_app_request
def close_doors(answer: Response) -> Response:
    """Put the page's policy on every answer that has none of its own."""
    answer.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def listed() -> dict[str, object]:
    """The list's messages, those with the searched words, and what was searched."""
    words = request.args.get("q", "").split()
    mails = the_store().list()
    found = [
        mail
        for mail in mails
        if all(word.lower() in f"{mail.subject} {mail.recipients}".lower() for word in words)
    ]
    return {
        "mails": found,
        "total": len(mails),
        "newest": mails[0].name if mails else "",
        "query": " ".join(words),
    }


def download(name: str, kind: str, content: bytes) -> Response:
    """A file to be saved, never shown: it came with a message."""
    answer = Response(content, mimetype=kind)
    safe = "".join(sign for sign in name if sign.isprintable() and sign not in '/\\"')
    answer.headers.set("Content-Disposition", "attachment", filename=safe or "attachment")
    return answer


def when(moment: datetime) -> str:
    """As mail programs do: the time today, else the day."""
    today = datetime.now().astimezone().date()
    if moment.date() == today:
        return moment.strftime("%H:%M")
    return f"{moment.day} {moment.strftime('%b')}"


def size(count: int) -> str:
    """Bytes as a person says them."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
