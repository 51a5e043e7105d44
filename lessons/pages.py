"""What a page shows of a lesson's text, worked out once and kept in the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from django.core.cache import cache
from django.db.models import Count, Max, Q
from django.utils.translation import get_language

from lessons.listings import Listing, assemble, extract
from lessons.models import Course, Image, LessonText
from lessons.rendering import VERSION, Rendered, render, render_part
from lessons.resolving import CourseLinks

KEEP_SECONDS = 7 * 24 * 3600


def rendered(text: LessonText) -> Rendered:
    """The text as HTML, with links and buttons for a reader of the active language.

    Kept under the digest of everything it is made of, so nothing has to be thrown away when a course changes.
    """
    language = get_language() or text.language
    course = text.lesson.course
    key = _key(str(VERSION), language, text.source_path, text.markdown, _fingerprint(course))
    kept: Rendered | None = cache.get(key)
    if kept is None:
        kept = rendered_anew(text)
        cache.set(key, kept, KEEP_SECONDS)
    return kept


def rendered_anew(text: LessonText) -> Rendered:
    """The same, and nothing is kept: while somebody types, no two texts are alike."""
    language = get_language() or text.language
    resolver = CourseLinks(text.lesson.course, language).for_source(text.source_path)
    return render(text.markdown, resolver=resolver, language=language)


def rendered_pieces(pieces: Sequence[tuple[str, str]], *, course: Course, language: str) -> list[str]:
    """Markdown of exercises, each with the path of its file, as HTML, kept like a lesson's."""
    fingerprint = _fingerprint(course) if pieces else ""
    keys = [_key(str(VERSION), "piece", language, path, markdown, fingerprint) for markdown, path in pieces]
    kept: dict[str, str] = cache.get_many(keys)
    if len(kept) < len(set(keys)):
        links = CourseLinks(course, language)
        for key, (markdown, path) in zip(keys, pieces, strict=True):
            if key not in kept:
                resolver = links.for_source(path)
                kept[key] = render_part(markdown, resolver=resolver, language=language)
                cache.set(key, kept[key], KEEP_SECONDS)
    return [kept[key] for key in keys]


def listings_in_need(text: LessonText) -> tuple[int, ...]:
    """Those listings of the text (by index) that run with code of other listings of their chapter."""
    chapter_id = text.lesson.parent_id or text.lesson_id
    chapter = LessonText.objects.filter(
        Q(lesson=chapter_id) | Q(lesson__parent=chapter_id),
        language=text.language,
        lesson__is_retired=False,
    )
    state = chapter.aggregate(count=Count("pk"), texts=Max("updated_at"), lessons=Max("lesson__updated_at"))
    key = _key("needs", str(text.pk), *map(str, state.values()))
    kept: tuple[int, ...] | None = cache.get(key)
    if kept is None:
        # The overview comes first whatever position the chapter has among its own siblings.
        texts = sorted(
            chapter.select_related("lesson").order_by("lesson__position"),
            key=lambda each: each.lesson_id != chapter_id,
        )
        placed = [
            (each.pk, listing) for each in texts for listing in extract(each.markdown, each.lesson.number)
        ]
        listings = [listing for _, listing in placed]
        kept = tuple(
            listing.index
            for target, (pk, listing) in enumerate(placed)
            if pk == text.pk and _builds_on_others(listings, target)
        )
        cache.set(key, kept, KEEP_SECONDS)
    return kept


def _builds_on_others(listings: list[Listing], target: int) -> bool:
    own, program = listings[target].name, assemble(listings, target)
    others = {listing.name for listing in listings} - {own}
    return bool(program.files) or program.name != own or any(name in others for name, _ in program.prelude)


def _fingerprint(course: Course) -> str:
    """Changes when a link or an image of the course may lead elsewhere than before."""
    texts = LessonText.objects.filter(lesson__course=course).aggregate(
        count=Count("pk"), texts=Max("updated_at"), lessons=Max("lesson__updated_at")
    )
    images = Image.objects.filter(course=course).order_by("path").values_list("path", "digest")
    return _key(course.slug, *map(str, texts.values()), *(part for image in images for part in image))


def _key(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode())
    return f"rendered:{digest.hexdigest()}"
