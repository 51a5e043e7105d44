"""A text that is not (yet) what readers have: as it would be, in no row."""

from __future__ import annotations

from lessons.importing.headings import heading_of
from lessons.importing.numbering import plain_title, split_number
from lessons.models import Lesson, LessonText

_CHAPTERS = {"zh-hans": ("第 {} 章 {}", "附录 {} {}")}
_CHAPTERS_ALPHABETIC = ("Chapter {}: {}", "Appendix {}: {}")
_LESSONS = ("{} {}", "{}. {}")


def heading_line(number: str, title: str, *, is_chapter: bool, language: str) -> str | None:
    """The heading of a text with this number and title; None if no heading would be read as having it."""
    marks = "#" if is_chapter else "##"
    if not number:
        return f"{marks} {title}"
    forms = _CHAPTERS.get(language, _CHAPTERS_ALPHABETIC)
    for form in forms if is_chapter else (*_LESSONS, *forms):
        words = form.format(number, title).strip()
        if split_number(plain_title(words))[0] == number:
            return f"{marks} {words}"
    return None


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
