"""Search in lessons: by section, in Chinese and English, on PostgreSQL and SQLite alike.

`tokens` cuts texts and queries into words, `fulltext` is an index that other apps' models can have too,
`splitting` cuts a lesson at its headings, `indexing` keeps the sections, `finding` ranks them.
"""

from lessons.search.finding import (
    MOST_FOUND,
    Found,
    SectionHit,
    find_sections,
    search,
    section_id,
    sections_named,
)
from lessons.search.indexing import reindex

__all__ = [
    "MOST_FOUND",
    "Found",
    "SectionHit",
    "find_sections",
    "reindex",
    "search",
    "section_id",
    "sections_named",
]
