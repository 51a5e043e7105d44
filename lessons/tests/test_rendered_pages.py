"""Rendered pages are kept, and made anew when anything they show has changed."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.utils import translation
from pytest_django import DjangoAssertNumQueries, Settings

from lessons.models import Course, Image, Lesson, LessonText
from lessons.pages import rendered

pytestmark = pytest.mark.django_db

MARKDOWN = "## 1.1 Loops\n\n![A loop](loop.png) and [more](two.md)\n\n```python\nx\n```\n"


@pytest.fixture(autouse=True)
def own_cache(settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()


def make_text(markdown: str = MARKDOWN) -> LessonText:
    course = Course.objects.create(slug="agents", default_language="en")
    lesson = Lesson.objects.create(course=course, slug="one", position=1)
    return LessonText.objects.create(
        lesson=lesson, language="en", title="One", markdown=markdown, source_path="one.md"
    )


def make_image(course: Course, digest: str) -> Image:
    return Image.objects.create(
        course=course, path="loop.png", digest=digest, content_type="image/png", width=4, height=2
    )


def again(text: LessonText) -> LessonText:
    return LessonText.objects.select_related("lesson__course").get(pk=text.pk)


def test_a_page_is_rendered_once(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    text = again(make_text())
    first = rendered(text)
    with django_assert_max_num_queries(2):
        assert rendered(text) == first


def test_a_new_image_is_seen() -> None:
    text = again(make_text())
    assert "missing-image" in rendered(text).html
    image = make_image(text.lesson.course, "a" * 64)
    assert f"/images/{'a' * 64}.png" in rendered(text).html
    Image.objects.filter(pk=image.pk).update(digest="b" * 64)
    assert f"/images/{'b' * 64}.png" in rendered(text).html


def test_a_link_comes_to_life_with_the_page_it_leads_to() -> None:
    text = again(make_text())
    assert rendered(text).dead_links == ("two.md",)
    second = Lesson.objects.create(course=text.lesson.course, slug="two", position=2)
    LessonText.objects.create(
        lesson=second, language="en", title="Two", markdown="# Two", source_path="two.md"
    )
    assert f'href="{second.get_absolute_url()}"' in rendered(text).html


def test_another_text_is_another_page() -> None:
    text = again(make_text())
    before = rendered(text)
    text.markdown += "\n\nMore.\n"
    assert rendered(text) != before


def test_links_lead_to_the_readers_language() -> None:
    text = make_text("# T\n\n[here](one.md)\n")
    for language in ("en", "zh-hans"):
        with translation.override(language):
            assert f'href="/{language}/courses/agents/one/"' in rendered(again(text)).html
