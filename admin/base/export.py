"""CSV of what is filtered: streamed row by row from a reading connection of its own.

Memory stays flat whatever the size, and the first byte leaves at once. A cell that a spreadsheet
would take for a formula gets a leading apostrophe; real numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from flask import Response
from sqlalchemy import Engine, Select

from admin.base.listing import Listing
from admin.base.words import Words

CHUNK = 1000
BOM = "\ufeff"
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(value: Any) -> Any:
    """Return a cell that no spreadsheet runs as a formula."""
    if isinstance(value, (int, Decimal)):
        return value
    text = str(value)
    # Spreadsheets skip leading blanks before they look for a formula.
    if text.startswith(RISKY) or text.lstrip().startswith(RISKY):
        return f"'{text}"
    return text


def _lines(engine: Engine, statement: Select[Any], listing: Listing, words: Words) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)

    def take() -> str:
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    writer.writerow([harmless(heading) for heading in headings(listing, words)])
    yield BOM + take()
    with engine.connect() as connection:
        reader = connection.execution_options(stream_results=True, yield_per=CHUNK)
        for rows in reader.execute(statement).partitions(CHUNK):
            writer.writerows(
                [harmless(value) for value in listing.plain(row, words)] for row in rows
            )
            yield take()


def headings(listing: Listing, words: Words) -> list[str]:
    """Return the first line: labels, with the currency where there are amounts."""
    return [
        f"{column.label} ({words.currency})" if column.kind == "money" else column.label
        for column in listing.columns
    ]


def csv_response(
    engine: Engine, statement: Select[Any], listing: Listing, words: Words, name: str
) -> Response:
    """Return the download. ``name``: of the file, without its ending."""
    response = Response(_lines(engine, statement, listing, words), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["Cache-Control"] = "no-store"
    return response
