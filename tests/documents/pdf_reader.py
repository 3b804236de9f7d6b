"""A small reader of the PDFs we make: their words, and the glyphs behind them.

It knows what fpdf2 writes (compressed pages, two-byte codes with a ToUnicode map) and no more.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.S)
_STREAM = re.compile(rb"stream\n(.*)\nendstream", re.S)
_DRAWN = re.compile(rb"/(F\d+) [\d.]+ Tf|\(((?:\\.|[^\\)])*)\)|\b(ET|q|Q)\b", re.S)
_ESCAPED = re.compile(rb"\\(.)", re.S)
_MAPPED = re.compile(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>")


@dataclass(frozen=True)
class Pdf:
    """``pages`` are their texts in drawing order; ``missing`` the codes without a glyph."""

    pages: tuple[str, ...]
    missing: tuple[tuple[str, int], ...]

    @property
    def text(self) -> str:
        return "\n".join(self.pages)


@dataclass(frozen=True)
class _Font:
    letters: dict[int, str]
    glyphs: bytes

    def has(self, code: int) -> bool:
        return self.glyphs[2 * code : 2 * code + 2] not in (b"", b"\x00\x00")


def read(data: bytes) -> Pdf:
    """Read a PDF made by ``documents``."""
    objects = {int(number): body for number, body in _OBJECT.findall(data)}
    fonts = _fonts(objects)
    pages: list[str] = []
    missing: list[tuple[str, int]] = []
    for body in objects.values():
        if b"/Type /Page\n" in body + b"\n":
            text = ""
            for name, code in _codes(_stream(objects[_pointer(body, b"Contents")])):
                if code < 0:
                    text += "\n"
                    continue
                text += fonts[name].letters.get(code, "")
                if not fonts[name].has(code):
                    missing.append((name, code))
            pages.append(text)
    return Pdf(tuple(pages), tuple(missing))


def _codes(content: bytes) -> list[tuple[str, int]]:
    """Every drawn code with its font's name, and -1 where a piece of text ends."""
    found: list[tuple[str, int]] = []
    font = ""
    kept: list[str] = []
    for name, literal, operator in _DRAWN.findall(content):
        if name:
            font = name.decode()
        elif operator == b"ET":
            found.append((font, -1))
        elif operator == b"q":
            kept.append(font)
        elif operator == b"Q":
            font = kept.pop()
        else:
            plain = _ESCAPED.sub(lambda m: {b"r": b"\r", b"n": b"\n"}.get(m[1], m[1]), literal)
            found += [
                (font, int.from_bytes(plain[at : at + 2], "big"))
                for at in range(0, len(plain) - 1, 2)
            ]
    return found


def _fonts(objects: dict[int, bytes]) -> dict[str, _Font]:
    names: dict[str, int] = {}
    for body in objects.values():
        if b"/ProcSet" in body:
            names = {n.decode(): int(i) for n, i in re.findall(rb"/(F\d+) (\d+) 0 R", body)}
    fonts = {}
    for name, number in names.items():
        body = objects[number]
        letters = {
            int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be")
            for code, text in _MAPPED.findall(_stream(objects[_pointer(body, b"ToUnicode")]))
        }
        (descendant,) = re.findall(rb"/DescendantFonts \[(\d+) 0 R\]", body)
        table = objects[_pointer(objects[int(descendant)], b"CIDToGIDMap")]
        fonts[name] = _Font(letters, _stream(table))
    return fonts


def _pointer(body: bytes, key: bytes) -> int:
    (number,) = re.findall(rb"/" + key + rb" (\d+) 0 R", body)
    return int(number)


def _stream(body: bytes) -> bytes:
    found = _STREAM.search(body)
    assert found
    return zlib.decompress(found[1]) if b"FlateDecode" in body[: found.start()] else found[1]
