"""Many invoices in one file, one after another, each as it would be on its own."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from fpdf.fonts import TTFFont

from documents.invoices import draw_invoice, made_on, words_of
from documents.papers import InvoicePaper
from documents.sheets import Sheet, strong_words


def invoices_pdf(
    papers: Sequence[InvoicePaper], *, title: str, told: Callable[[int], None] | None = None
) -> bytes:
    """Draw the invoices in this order and return the file.

    title -- the file's own
    told  -- is called with how many are drawn after each; drawing a thousand takes a minute
    """
    first = papers[0].content
    sheet = Bundle(
        first,
        title=title,
        written=_characters(words_of(paper) + paper.title for paper in papers),
        strong=_characters(strong_words(paper.content) + paper.title for paper in papers),
        made_on=max(made_on(paper.content) for paper in papers),
    )
    try:
        for count, paper in enumerate(papers, 1):
            sheet.turn_to(paper)
            draw_invoice(sheet, paper)
            if told is not None:
                told(count)
        return bytes(sheet.output())
    finally:
        sheet.close_fonts()


class Bundle(Sheet):
    """A sheet that goes on with another invoice; pages are counted by invoice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._next: InvoicePaper | None = None
        self._pages_before = 0

    def turn_to(self, paper: InvoicePaper) -> None:
        """Begin ``paper`` on the page that is added next."""
        self._next = paper

    def close_fonts(self) -> None:
        """Close the files of the fonts, left open when drawing is broken off."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.close()

    @property
    def page_of_paper(self) -> int:
        return int(self.page_no()) - self._pages_before

    def page_words(self) -> str:
        return f"Page {self.page_of_paper}"

    def header(self) -> None:
        # The page before has its foot by now, so what stands on both may change.
        if self._next is not None:
            self._pages_before = self.page_no() - 1
            self.begin(self._next.content, self._next.title)
            self._next = None
        super().header()


def _characters(texts: Any) -> str:
    """Every character of the texts once: enough to know the fonts, and soon looked through.

    Apart from each other, so that no two of them become one.
    """
    found: set[str] = set()
    for text in texts:
        found.update(unicodedata.normalize("NFC", text))
    return "\n".join(sorted(found))
