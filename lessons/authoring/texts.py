"""A text that is not (yet) what readers have: as it would be, in no row."""

from __future__ import annotations

from lessons.importing.headings import heading_of
from lessons.models import Lesson, LessonText


def text_with(lesson: Lesson, language: str, markdown: str) -> LessonText:
    """The lesson's text in a language if it said this. The key is that of the text readers have, if any."""
    published = lesson.texts.filter(language=language).first()
    heading = heading_of(markdown)
    title = heading.title if heading else published.title if published else lesson.slug
    return LessonText(
        pk=published.pk if published else None,
        lesson=lesson,
        language=language,
        title=title,
        part=published.part if published else "",
        markdown=markdown,
        source_path=published.source_path if published else path_in_files(lesson, language),
    )


def path_in_files(lesson: Lesson, language: str) -> str:
    """Where a text that no file has yet belongs: in its chapter's file.

    A new chapter has a folder of its own, from which an import tells that its languages belong together.
    """
    chapter = lesson.parent or lesson
    known = chapter.texts.filter(language=language).values_list("source_path", flat=True).first()
    suffix = "" if language == lesson.course.default_language else f".{language}"
    return known or f"{chapter.slug}/{chapter.slug}{suffix}.md"
