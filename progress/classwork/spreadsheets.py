"""Tables as files that spreadsheets open.

A spreadsheet takes a cell that begins like a formula for one and evaluates it, and learners choose their
names and print what they like. So such cells begin with an apostrophe
(https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Table:
    """Rows under a head; cells are texts, numbers, times or None."""

    head: Sequence[str]
    rows: Iterable[Sequence[Any]]


def csv_file(table: Table, *, name: str) -> HttpResponse:
    """With the mark of UTF-8 at its begin, without which Excel reads Chinese as something else."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow([_cell(text) for text in table.head])
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    answer = HttpResponse("\ufeff" + written.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = content_disposition_header(True, f"{name}.csv") or ""
    return answer


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, str) and value.startswith(_BEGINS_A_FORMULA):
        return f"'{value}"
    return value
