"""Connections to PostgreSQL as the pool keeps them."""

from __future__ import annotations

import time
from typing import Any

import psycopg

_SURE_SECONDS = 1.0  # shorter than any restart of the database


class PooledConnection(psycopg.Connection[Any]):
    """A connection that is known to live for a moment after it was looked at.

    The pool looks at a connection each time it lends it, by having it execute nothing: a question to the
    database for every request and every run, most often right after the last one was answered.
    """

    _answered_at = float("-inf")

    def execute(self, query: Any, params: Any = None, **options: Any) -> psycopg.Cursor[Any]:
        if query != "":
            return super().execute(query, params, **options)
        if time.monotonic() < self._answered_at + _SURE_SECONDS and not self.closed:
            return self.cursor()
        cursor = super().execute(query)
        self._answered_at = time.monotonic()
        return cursor
