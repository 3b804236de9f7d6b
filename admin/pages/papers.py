"""Papers of an invoice for staff: its PDF, its receipts, and the customer's own page."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, request
from flask_admin import expose

from admin.base.access import not_found, requires
from admin.base.scope import read_id
from admin.pages.verbs import VerbPage
from billing.errors import NotFound
from billing.links import invoice_url
from documents import invoice_pdf, receipt_pdf
from documents.papers import invoice_paper, receipt_paper
from models import Invoice, db


class InvoicePapers(VerbPage):
    """What can be looked at, printed and saved; nothing here changes anything."""

    label = "Papers"
    permission = "invoices.view"
    slug = "invoice_papers"
    path = "/admin/invoice/papers"

    @expose("/invoice.pdf")
    def invoice(self) -> Any:
        """The invoice as a letter with its counterfoil."""
        paper = invoice_paper(db.session(), self.record(Invoice))
        return pdf(invoice_pdf(paper), f"invoice-{paper.content.get('number') or 'draft'}.pdf")

    @expose("/receipt.pdf")
    @requires("payments.view")
    def receipt(self) -> Any:
        """The receipt of one payment, if money of it reached this invoice."""
        invoice = self.record(Invoice)
        payment_id = read_id(request.args.get("payment"))
        try:
            paper = receipt_paper(db.session(), invoice, payment_id or 0)
        except NotFound:
            not_found()
        return pdf(receipt_pdf(paper), f"receipt-{paper.content.get('number')}-{payment_id}.pdf")

    @expose("/customer/")
    def customer(self) -> Any:
        """The page the customer sees. A redirect, so that no page of the panel holds the link."""
        answer = redirect(invoice_url(self.record(Invoice)), 303)
        answer.headers["Cache-Control"] = "no-store"
        return answer


def pdf(data: bytes, name: str) -> Response:
    """Return a PDF that opens in the browser and is saved under ``name``."""
    response = Response(data, mimetype="application/pdf")
    response.headers.set("Content-Disposition", "inline", filename=name)
    response.headers["Cache-Control"] = "private, no-store"
    return response
