"""A course's table of contents in one language: parts, chapters, lessons, in reading order.

Built from titles alone, in two queries whatever the number of courses; the texts stay in the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from django.db.models.functions import Length

from lessons.authoring.texts import text_with
from lessons.models import Course, Lesson, LessonDraft, LessonText

# Characters of Markdown, code and formulas included, read in a minute. Over a whole course this comes to what
# rendering every page and counting its words would say, without rendering any.
READING_SPEED = {"zh-hans": 760}
READING_SPEED_ALPHABETIC = 1640


@dataclass(frozen=True)
class Heading:
    """What the table of contents needs of a `LessonText`."""

    language: str
    title: str
    part: str
    minutes: int


@dataclass(frozen=True)
class Entry:
    """A chapter or a lesson, titled in the language asked for or, for want of it, in another."""

    lesson: Lesson
    heading: Heading
    languages: frozenset[str]
    lessons: tuple[Entry, ...] = ()

    @property
    def title(self) -> str:
        return self.heading.title

    @property
    def minutes(self) -> int:
        return self.heading.minutes + sum(entry.heading.minutes for entry in self.lessons)

    @property
    def url(self) -> str:
        return self.lesson.get_absolute_url()


@dataclass(frozen=True)
class Part:
    """Chapters under one part title, which may be empty."""

    title: str
    chapters: tuple[Entry, ...]


@dataclass(frozen=True)
class Outline:
    course: Course
    parts: tuple[Part, ...]

    @property
    def chapters(self) -> list[Entry]:
        return [chapter for part in self.parts for chapter in part.chapters]

    @property
    def lessons(self) -> list[Entry]:
        return [lesson for chapter in self.chapters for lesson in chapter.lessons]

    @property
    def minutes(self) -> int:
        return sum(chapter.minutes for chapter in self.chapters)

    @property
    def hours(self) -> int:
        """Reading time in whole hours; 0 below one and a half, where minutes say more."""
        return round(self.minutes / 60) if self.minutes >= 90 else 0

    @property
    def languages(self) -> frozenset[str]:
        return frozenset[str]().union(*(entry.languages for entry in self))

    @property
    def first(self) -> Entry | None:
        """Where the book begins: its first numbered chapter, past any preface."""
        return next((chapter for chapter in self.chapters if chapter.lesson.number), next(iter(self), None))

    def __iter__(self) -> Iterator[Entry]:
        """Every page in reading order: a chapter's overview, then its lessons."""
        for chapter in self.chapters:
            yield chapter
            yield from chapter.lessons

    def find(self, *, chapter: str, lesson: str = "") -> Entry | None:
        """The entry at these slugs; a chapter when there is no lesson slug."""
        for entry in self.chapters:
            if entry.lesson.slug == chapter:
                inside = (child for child in entry.lessons if child.lesson.slug == lesson)
                return next(inside, None) if lesson else entry
        return None

    def neighbours(self, entry: Entry) -> tuple[Entry | None, Entry | None]:
        """The pages before and after one, across chapters."""
        pages = list(self)
        at = pages.index(entry)
        return (pages[at - 1] if at else None, pages[at + 1] if at + 1 < len(pages) else None)


def outlines(courses: Iterable[Course], *, language: str, draft: LessonDraft | None = None) -> list[Outline]:
    """The table of contents of each course, in the order given; with a draft as if that were published."""
    courses = list(courses)
    shown = Lesson.objects.published()
    if draft:
        shown |= Lesson.objects.filter(pk__in=[draft.lesson_id, draft.lesson.parent_id])
    lessons = list(shown.filter(course__in=courses).order_by("position"))
    headings = _headings(lessons)
    if draft:
        _put_in(draft, headings)
    return [
        Outline(
            course,
            _parts(
                course, [lesson for lesson in lessons if lesson.course_id == course.pk], headings, language
            ),
        )
        for course in courses
    ]


def first_to_run(outline: Outline) -> Entry | None:
    """Where a learner's first program is: the first page with a Python listing, from the first chapter on."""
    chapters = outline.chapters
    start = next((at for at, chapter in enumerate(chapters) if chapter is outline.first), 0)
    for chapter in chapters[start:]:  # mostly the first has one
        pages = (chapter, *chapter.lessons)
        texts = LessonText.objects.filter(
            lesson__in=[page.lesson.pk for page in pages], markdown__iregex=r"```\s*py"
        )
        with_listing = set(texts.values_list("lesson_id", "language"))
        for page in pages:
            if (page.lesson.pk, page.heading.language) in with_listing:
                return page
    return outline.first


def _headings(lessons: list[Lesson]) -> dict[int, dict[str, Heading]]:
    """Lesson id → language → heading."""
    headings: dict[int, dict[str, Heading]] = {}
    rows = LessonText.objects.filter(lesson__in=lessons).values_list(
        "lesson_id", "language", "title", "part", Length("markdown")
    )
    for lesson_id, language, title, part, length in rows:
        heading = Heading(language, title, part, _minutes(language, length))
        headings.setdefault(lesson_id, {})[language] = heading
    return headings


def _put_in(draft: LessonDraft, headings: dict[int, dict[str, Heading]]) -> None:
    text = text_with(draft.lesson, draft.language, draft.markdown)
    own = Heading(draft.language, text.title, text.part, _minutes(draft.language, len(draft.markdown)))
    headings.setdefault(draft.lesson_id, {})[draft.language] = own
    if (parent := draft.lesson.parent) and parent.pk not in headings:  # not published either
        headings[parent.pk] = {draft.language: Heading(draft.language, parent.slug, "", 1)}


def _minutes(language: str, length: int) -> int:
    return max(1, round(length / READING_SPEED.get(language, READING_SPEED_ALPHABETIC)))


def _parts(
    course: Course, lessons: list[Lesson], headings: dict[int, dict[str, Heading]], language: str
) -> tuple[Part, ...]:
    def entries(parent: Lesson | None) -> Iterator[Entry]:
        for lesson in lessons:
            if lesson.parent_id == (parent.pk if parent else None) and lesson.pk in headings:
                # Known already: spares a query for each URL.
                lesson.course, lesson.parent = course, parent
                own = headings[lesson.pk]
                heading = own.get(language) or own.get(course.default_language) or next(iter(own.values()))
                children = () if parent else tuple(entries(lesson))
                yield Entry(lesson, heading, frozenset(own), children)

    by_part = groupby(entries(None), key=lambda chapter: chapter.heading.part)
    return tuple(Part(title, tuple(chapters)) for title, chapters in by_part)
