"""The office's colour, made safe to draw with: on pages, in letters and on paper."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_FALLBACK = "#1f5f5b"
# Between black and white one always reaches 4.5 : 1; with a softer dark there is a gap.
_WHITE, _BLACK = "#ffffff", "#000000"


@dataclass(frozen=True)
class Accent:
    """``fill`` for buttons and bands, ``ink`` for text on it, ``text`` for words on white."""

    fill: str
    ink: str
    text: str

    @property
    def rgb(self) -> tuple[int, int, int]:
        return rgb(self.fill)


def accent(wanted: str | None) -> Accent:
    """Return the office's colour with inks that can be read (WCAG 2.2, 4.5 : 1).

    Anything that is not ``#rrggbb`` becomes Counterfoil's own green, so a setting can never
    reach a style sheet as anything but a colour. A colour too light for words on white is
    darkened for them; the fill stays as chosen.
    """
    fill = wanted.lower() if wanted and _HEX.fullmatch(wanted) else _FALLBACK
    ink = _WHITE if contrast(fill, _WHITE) >= 4.5 else _BLACK
    text = fill
    while contrast(text, _WHITE) < 4.5:
        text = "#" + "".join(f"{int(part * 0.9):02x}" for part in rgb(text))
    return Accent(fill, ink, text)


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of ``#rrggbb``, each 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
