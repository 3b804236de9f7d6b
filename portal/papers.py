"""Receipts on the screen, and the papers to keep: invoice and receipt as PDF."""

from __future__ import annotations

from flask import Response, render_template
from flask.typing import ResponseReturnValue

from billing.errors import NotFound
from documents import invoice_pdf, receipt_pdf
from documents.papers import invoice_paper, receipt_paper
from models import db
from portal import limits
from portal.limits import limiter
from portal.links import open_link, portal
from portal.paying import MAX_ID


@portal.get("/i/<token>/receipt")
@limiter.limit(limits.LOOK)
def receipt(token: str) -> ResponseReturnValue:
    """Every payment that reached this invoice, each with its receipt."""
    invoice = open_link(token)
    paper = invoice_paper(db.session(), invoice)
    return render_template("portal/receipt.html", paper=paper, token=token)


@portal.get("/i/<token>/invoice.pdf")
@limiter.limit(limits.PAPER)
def invoice_file(token: str) -> ResponseReturnValue:
    """The invoice as a letter, with its counterfoil."""
    paper = invoice_paper(db.session(), open_link(token))
    return _pdf(invoice_pdf(paper), f"invoice-{paper.content.get('number') or 'draft'}.pdf")


@portal.get(f"/i/<token>/receipt/<int(max={MAX_ID}):payment_id>.pdf")
@limiter.limit(limits.PAPER)
def receipt_file(token: str, payment_id: int) -> ResponseReturnValue:
    """The receipt of one payment, if it is one of this invoice."""
    invoice = open_link(token)
    try:
        paper = receipt_paper(db.session(), invoice, payment_id)
    except NotFound as refusal:
        return render_template("errors/404.html", sentence=refusal.sentence, token=token), 404
    number = paper.content.get("number")
    return _pdf(receipt_pdf(paper), f"receipt-{number}-{payment_id}.pdf")


def _pdf(data: bytes, name: str) -> Response:
    response = Response(data, mimetype="application/pdf")
    response.headers.set("Content-Disposition", "inline", filename=name)
    return response
