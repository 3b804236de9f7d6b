"""Reading a page as a person does."""

from __future__ import annotations

from typing import Any

from lxml import html


def words(response: Any) -> str:
    """What a person reads, in one line."""
    page = html.fromstring(response.get_data(as_text=True))
    for unread in page.xpath("//script|//style|//head"):
        unread.drop_tree()
    return " ".join(" ".join(page.itertext()).split())
