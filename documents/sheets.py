"""A sheet of the office's letter paper: format, head, foot and the few ways to put words on it.

Measures are millimetres from the upper left corner, sizes of letters are points.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, WrapMode, XPos, YPos

from billing.money import format_amount
from billing.typed_numbers import write_number
from documents.colours import accent, rgb
from documents.fonts import MAIN, few_lines, needed_for, one_line, readable

INK = (24, 33, 31)
QUIET = (93, 103, 99)
LINE = (214, 212, 203)
GOOD = (23, 102, 58)
WARN = (138, 84, 8)

MARGIN = 20.0
BOTTOM = 24.0
# Line height in millimetres for one point of letter size.
LEADING = 0.3528 * 1.38
# Where business letters are measured in inches.
_LETTER_COUNTRIES = ("US", "CA", "MX", "PH", "CL", "CO", "VE")


def paper_format(locale: str) -> str:
    """Return "letter" or "a4", whichever lies in the printers of ``locale`` (such as en_US)."""
    return "letter" if locale.replace("-", "_").split("_")[-1] in _LETTER_COUNTRIES else "a4"


def strong_words(content: Mapping[str, Any]) -> str:
    """Return what of an invoice's texts is written in bold: who it is from and for."""
    return f"{content['organisation']['name']}\n{content['bill_to']['name']}"


class Sheet(FPDF):
    """One paper being drawn for one organisation, in one locale and currency.

    written -- every text that will be put on it, so that only the fonts it needs are read
    strong  -- of that, what is written in bold
    made_on -- the date that stands in the file: the paper's own, so equal papers are equal bytes
    """

    def __init__(
        self, content: Mapping[str, Any], *, title: str, written: str, strong: str, made_on: date
    ) -> None:
        super().__init__(format=paper_format(content["locale"]))
        self.begin(content, title)
        self._load_fonts(written, strong)
        self.set_title(readable(title))
        self.set_author(readable(self.organisation["name"]))
        self.set_lang("en")
        self.set_creation_date(datetime.combine(made_on, time(12), UTC))
        self.set_margins(MARGIN, 18, MARGIN)
        # Words begin exactly where lines begin.
        self.c_margin = 0.0

    def begin(self, content: Mapping[str, Any], title: str) -> None:
        """Take the words of head and foot from ``content``, with a whole page to write on."""
        self.content = content
        self.organisation: Mapping[str, str] = content["organisation"]
        self.locale: str = content["locale"]
        self.accent = accent(self.organisation.get("accent"))
        self.heading = title
        self.foot_at = self.h - 15.0
        self.set_auto_page_break(True, margin=BOTTOM)

    def _load_fonts(self, written: str, strong: str) -> None:
        families = needed_for(f"{written}\n{self.heading}")
        bold = needed_for(f"{strong}\n{self.heading}")
        for family in families:
            self.add_font(family.name, "", family.regular)
            if family in bold:
                self.add_font(family.name, "B", family.bold)
        self.set_fallback_fonts([family.name for family in families[1:]], exact_match=False)
        self.set_text_shaping(True)
        self.set_font(MAIN, "", 10)

    @property
    def inner(self) -> float:
        """Width between the margins."""
        return float(self.w - 2 * MARGIN)

    def money(self, minor: int) -> str:
        """Write an amount of minor units the way this locale does."""
        return format_amount(minor, self.content["currency"], self.locale)

    def number(self, plain: str) -> str:
        """Write a plain number ("2.5") the way this locale does."""
        return write_number(Decimal(plain), self.locale)

    def day(self, when: str | date | None, width: str = "long") -> str:
        """Write a date, or nothing where there is none."""
        if not when:
            return ""
        parsed = date.fromisoformat(when) if isinstance(when, str) else when
        return str(format_date(parsed, width, self.locale))

    def words(
        self,
        x: float,
        y: float,
        text: str,
        *,
        width: float,
        size: float = 10,
        bold: bool = False,
        colour: tuple[int, int, int] = INK,
        align: str = "L",
    ) -> float:
        """Write ``text`` into a column from ``x``, ``y`` and return where it ends below."""
        if not text:
            return y
        self._pen(size, bold, colour)
        self.set_xy(x, y)
        self.multi_cell(
            width,
            size * LEADING,
            readable(text),
            align=align,
            padding=0,
            wrapmode=WrapMode.WORD,
            new_x=XPos.LEFT,
            new_y=YPos.NEXT,
        )
        return float(self.get_y())

    def height_of(self, text: str, *, width: float, size: float, bold: bool = False) -> float:
        """Return how tall ``text`` would stand in a column of ``width``."""
        self._pen(size, bold, INK)
        height = self.multi_cell(
            width,
            size * LEADING,
            readable(text),
            align=Align.L,
            padding=0,
            dry_run=True,
            output=MethodReturnValue.HEIGHT,
        )
        return float(height)  # type: ignore[arg-type]

    def rule(
        self,
        y: float,
        *,
        x: float = MARGIN,
        width: float | None = None,
        colour: tuple[int, int, int] = LINE,
        weight: float = 0.2,
    ) -> None:
        """Draw a horizontal line."""
        self.set_draw_color(*colour)
        self.set_line_width(weight)
        self.line(x, y, x + (self.inner if width is None else width), y)

    def room_for(self, height: float) -> bool:
        """Whether ``height`` still fits above the foot of this page."""
        return bool(self.get_y() + height <= self.h - BOTTOM)

    def header(self) -> None:
        """The first page carries the whole head, every further one says what it continues."""
        self.set_fill_color(*self.accent.rgb)
        self.rect(0, 0, self.w, 3.2, style="F")
        if self.page_of_paper > 1:
            name = self.organisation["name"]
            self.words(MARGIN, 12, self.heading, width=90, size=9, bold=True)
            self.words(
                MARGIN + 90, 12, name, width=self.inner - 90, size=9, colour=QUIET, align="R"
            )
            self.rule(19)
            self.set_y(25)

    def footer(self) -> None:
        """How to reach the office, and the page's number where there are several."""
        reach = " · ".join(
            part
            for part in (
                self.organisation["name"],
                ", ".join(self.organisation["address"].splitlines()),
                self.organisation["phone"],
                self.organisation["email"],
                self.organisation["website"].removeprefix("https://").removeprefix("http://"),
            )
            if part
        )
        self.rule(self.foot_at - 2.5)
        self.words(MARGIN, self.foot_at, reach, width=self.inner - 26, size=7.5, colour=QUIET)
        self._pen(7.5, False, QUIET)
        self.set_xy(MARGIN + self.inner - 26, self.foot_at)
        self.cell(26, 7.5 * LEADING, self.page_words(), align="R")

    @property
    def page_of_paper(self) -> int:
        """The page's number among those of the paper it belongs to."""
        return int(self.page_no())

    def page_words(self) -> str:
        """Return what the foot says of the page."""
        return f"Page {self.page_of_paper} of {{nb}}"

    def letterhead(self, kind: str, number: str) -> float:
        """Draw the head of the first page and return where it ends below."""
        half = self.inner * 0.62
        y = self.words(MARGIN, 14, self.organisation["name"], width=half, size=15, bold=True)
        y = self.words(MARGIN, y, self.organisation["tagline"], width=half, size=9.5, colour=QUIET)
        right = MARGIN + half
        below = self.words(
            right, 14, kind, width=self.inner - half, size=9.5, colour=QUIET, align="R"
        )
        below = self.words(
            right, below, number, width=self.inner - half, size=15, bold=True, align="R"
        )
        return max(y, below)

    def address_window(self, y: float) -> float:
        """Write whom the paper is for where the window of an envelope is; return its end."""
        to = self.content["bill_to"]
        sender = " · ".join(
            [self.organisation["name"], *self.organisation["address"].splitlines()][:3]
        )
        y = self.words(MARGIN, y, sender, width=85, size=7, colour=QUIET) + 1.5
        y = self.words(MARGIN, y, one_line(to["name"]), width=85, size=10.5, bold=True)
        return self.words(MARGIN, y, few_lines(to["address"] or ""), width=85, size=10.5)

    def facts(self, y: float, rows: list[tuple[str, str]]) -> float:
        """Write labelled facts in the right column; rows without a value are left out."""
        left = MARGIN + self.inner - 74
        for label, value in rows:
            if value:
                self.words(left, y, label, width=30, size=9.5, colour=QUIET)
                y = self.words(left + 30, y, value, width=44, size=9.5, align="R") + 0.8
        return y

    def _pen(self, size: float, bold: bool, colour: tuple[int, int, int]) -> None:
        self.set_font(MAIN, "B" if bold else "", size)
        self.set_text_color(*colour)
        # Where both colours differ, fpdf2 puts each line into a graphics state of its own, forgets
        # that a font chosen in there ends with it, and draws later words with the wrong glyphs.
        self.set_fill_color(*colour)

    @property
    def accent_ink(self) -> tuple[int, int, int]:
        """The office's colour, dark enough for words on white."""
        return rgb(self.accent.text)
