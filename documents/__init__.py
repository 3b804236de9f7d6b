"""Papers to keep: invoices with their counterfoil and receipts, as PDF.

Everything is drawn from what came with the set-up: no network, no file or address taken from
anybody's text, and the same input gives the same bytes.
"""

from documents.bundles import invoices_pdf
from documents.fonts import configure
from documents.invoices import invoice_pdf
from documents.receipts import receipt_pdf
from documents.statements import statement_pdf

__all__ = ["configure", "invoice_pdf", "invoices_pdf", "receipt_pdf", "statement_pdf"]
