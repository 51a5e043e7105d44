"""Where the links and images in a course's texts lead on this site."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from django.urls import reverse
from django.utils.translation import override

from lessons.images import image_url
from lessons.importing import markdown
from lessons.importing.addresses import README, as_markdown, comparable, image_path, is_elsewhere, resolve
from lessons.importing.numbering import plain_title
from lessons.models import Course, Image, Lesson, LessonText
from lessons.rendering import ImageFile, heading_anchor
from lessons.rendering.headings import Anchors


@dataclass(frozen=True)
class _Place:
    """A text of the course: its lesson, its language and where in which file it begins."""

    text_id: int
    lesson_id: int
    language: str
    path: str


class CourseLinks:
    """Links and images of one course for readers of one language.

    What is asked for is read once for all links; only a link to a heading reads the texts of its file.
    A link to a file in another language leads to the same lesson in the reader's.
    """

    def __init__(self, course: Course, language: str) -> None:
        self._course = course
        self._language = language

    def for_source(self, path: str) -> SourceResolver:
        """What addresses mean in the file `path`, a `LessonText.source_path`."""
        return SourceResolver(self, path)

    def link(self, address: str, *, source: str) -> str | None:
        """The URL of a relative address in a file, or None when it leads nowhere."""
        if is_elsewhere(address):
            return None
        try:
            target = resolve(address, source=source)
        except ValueError:
            return None
        path = as_markdown(target.path, self._places) if target.path else source
        places = self._places.get(path, [])
        if not places:
            return self._url(None) if README.match(path) else None
        if not target.fragment:
            return self._url(places[0].lesson_id)
        return self._heading_url(places, target.fragment)

    def image(self, address: str, *, source: str) -> ImageFile | None:
        try:
            path = image_path(address, source=source, files=self._images)
        except ValueError:
            return None
        if path is None:
            return None
        image = self._images[path]
        return ImageFile(image_url(image), image.width, image.height)

    @cached_property
    def _places(self) -> dict[str, list[_Place]]:
        """By file, in the order of its lessons: the chapter's own text first."""
        rows = (
            LessonText.objects.filter(lesson__course=self._course, lesson__is_retired=False)
            .order_by("source_path", "source_line")
            .values_list("pk", "lesson_id", "language", "source_path")
        )
        places: dict[str, list[_Place]] = {}
        for text_id, lesson_id, language, path in rows:
            places.setdefault(path, []).append(_Place(text_id, lesson_id, language, path))
        return places

    @cached_property
    def _lessons(self) -> dict[int, Lesson]:
        lessons = Lesson.objects.filter(course=self._course).select_related("parent", "course")
        return {lesson.pk: lesson for lesson in lessons.defer("created_at", "updated_at")}

    @cached_property
    def _images(self) -> dict[str, Image]:
        return {image.path: image for image in Image.objects.filter(course=self._course)}

    def _heading_url(self, places: list[_Place], fragment: str) -> str | None:
        """The lesson of a file that holds a heading, and the heading in it unless it is the lesson's own."""
        ids = [place.lesson_id for place in places]
        rows = LessonText.objects.filter(lesson__in=ids).values_list("lesson_id", "language", "markdown")
        texts = {(lesson_id, language): text for lesson_id, language, text in rows}
        for place in places:
            text = texts[place.lesson_id, place.language]
            own = texts.get((place.lesson_id, self._language), text)
            if (anchor := _anchor(text, own, fragment)) is not None:
                return self._url(place.lesson_id) + (f"#{anchor}" if anchor else "")
        return None

    def _url(self, lesson_id: int | None) -> str:
        with override(self._language):
            if lesson_id is None:
                return reverse("course", args=[self._course.slug])
            return self._lessons[lesson_id].get_absolute_url()


class SourceResolver:
    """A `lessons.rendering.Resolver` for the texts of one file."""

    def __init__(self, links: CourseLinks, path: str) -> None:
        self._links = links
        self._path = path

    def link(self, href: str) -> str | None:
        return self._links.link(href, source=self._path)

    def image(self, src: str) -> ImageFile | None:
        return self._links.image(src, source=self._path)


def _anchor(text: str, own: str, fragment: str) -> str | None:
    """The anchor, in the reader's version `own` of a text, of what a fragment names; "" is the page's top."""
    wanted = comparable(fragment)
    titles = [comparable(title) for title in _titles(text)]
    own_titles = _titles(own)
    if wanted in titles:
        at = titles.index(wanted)
        # The heading at the same place says the same, where both versions have as many.
        return _anchors(own_titles)[at] if len(own_titles) == len(titles) else ""
    is_named = re.search(rf"""\b(?:id|name)=["']{re.escape(fragment)}["']""", own)
    return f"user-{heading_anchor(fragment)}" if is_named else None


def _anchors(titles: list[str]) -> list[str]:
    """The ids of a page's headings. The first is the page's title and has none."""
    anchors = Anchors()
    return ["" if at == 0 else anchors.give(title) for at, title in enumerate(titles)]


def _titles(text: str) -> list[str]:
    """A text's headings in order, in plain words."""
    return [plain_title(heading.markup) for heading in markdown.outline(markdown.split_lines(text)).headings]
