"""Keep the sections of lessons' texts, which are what search finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction

from lessons.models import LessonText, Section
from lessons.search.splitting import split
from lessons.search.tokens import index_text


def reindex(*texts: LessonText) -> None:
    """Make the sections of these texts anew. Whoever writes a text calls it in the same transaction."""
    if texts:
        _make_anew(texts)


@transaction.atomic
def _make_anew(texts: Sequence[LessonText]) -> None:
    Section.objects.filter(text__in=texts).delete()
    Section.objects.bulk_create((section for text in texts for section in _sections(text)), batch_size=500)


def reindex_where_missing() -> int:
    """Give sections to texts that have none, from before there was an index; how many there were."""
    texts = list(LessonText.objects.filter(sections=None).select_related("lesson"))
    reindex(*texts)
    return len(texts)


def _sections(text: LessonText) -> Iterable[Section]:
    title_words = index_text(f"{text.lesson.number} {text.title}")
    for position, piece in enumerate(split(text.markdown)):
        yield Section(
            text=text,
            position=position,
            heading=piece.heading,
            anchor=piece.anchor,
            body=piece.body,
            heading_words=index_text(piece.heading) or title_words,
            title_words=title_words,
            body_words=index_text(piece.body),
        )
