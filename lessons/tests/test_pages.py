"""The reading pages through the front door: what a guest sees, in both languages, and what it costs."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from lessons.models import Course, CourseText, Lesson, LessonText

pytestmark = pytest.mark.django_db


class Elements(HTMLParser):
    """Every element of a page as (tag, attributes)."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [
            attrs
            for name, attrs in self.found
            if name == tag and all(attrs.get(key) == value for key, value in wanted.items())
        ]


def elements_of(response: Any) -> Elements:
    return Elements(response.content.decode())


def make_lesson(
    course: Course, slug: str, number: str = "", parent: Lesson | None = None, **titles: str
) -> Lesson:
    """A lesson with a text per language, `zh_hans="…"` or `en="…"`, each with one listing."""
    position = Lesson.objects.filter(course=course, parent=parent).count()
    lesson = Lesson.objects.create(course=course, parent=parent, slug=slug, number=number, position=position)
    for language, title in titles.items():
        LessonText.objects.create(
            lesson=lesson,
            language=language.replace("_", "-"),
            title=title,
            part="" if parent else "Part I",
            markdown=f"# {title}\n\nFirst words.\n\n```python\nprint('{slug}')\n```\n",
            source_path=f"{slug}.md",
        )
    return lesson


def make_course(*, chapters: int = 2, lessons: int = 2) -> Course:
    course = Course.objects.create(slug="agents", default_language="zh-hans")
    CourseText.objects.create(course=course, language="zh-hans", title="智能体", description="从零开始")
    CourseText.objects.create(course=course, language="en", title="Agents", description="From scratch")
    for c in range(1, chapters + 1):
        chapter = make_lesson(course, f"chapter-{c}", str(c), zh_hans=f"第{c}章", en=f"Chapter title {c}")
        for i in range(1, lessons + 1):
            make_lesson(
                course, f"lesson-{i}", f"{c}.{i}", chapter, zh_hans=f"第{c}.{i}课", en=f"Lesson title {c}.{i}"
            )
    return course


# --- Catalogue ------------------------------------------------------------------------------------


def test_an_empty_catalogue_says_how_to_import_a_course(client: Client) -> None:
    page = client.get("/en/").content.decode()
    assert "There is no course yet" in page
    assert "import_lessons" in page


def test_the_catalogue_shows_courses_in_the_readers_language(client: Client) -> None:
    make_course()
    english, chinese = client.get("/en/").content.decode(), client.get("/zh-hans/").content.decode()
    assert "From scratch" in english
    assert "从零开始" not in english
    assert "从零开始" in chinese
    assert "2 chapters" in english
    assert "4 lessons" in english


def test_the_first_lesson_is_one_click_from_the_catalogue(client: Client) -> None:
    make_course()
    page = elements_of(client.get("/en/"))
    assert page.of("a", href="/en/courses/agents/chapter-1/")


def test_a_course_without_a_text_in_the_readers_language_keeps_its_own_title(client: Client) -> None:
    course = make_course()
    CourseText.objects.filter(course=course, language="en").delete()
    assert "智能体" in client.get("/en/courses/agents/").content.decode()


# --- Course ---------------------------------------------------------------------------------------


def test_a_course_lists_its_lessons_in_order_with_numbers_and_links(client: Client) -> None:
    make_course()
    page = client.get("/en/courses/agents/").content.decode()
    titles = re.findall(r"(?:Chapter|Lesson) title [\d.]+", page)
    assert titles == [
        *("Chapter title 1", "Lesson title 1.1", "Lesson title 1.2"),
        *("Chapter title 2", "Lesson title 2.1", "Lesson title 2.2"),
    ]
    assert Elements(page).of("a", href="/en/courses/agents/chapter-2/lesson-1/")
    assert "Part I" in page


def test_a_retired_lesson_is_neither_listed_nor_served(client: Client) -> None:
    course = make_course()
    Lesson.objects.filter(course=course, slug="chapter-2").update(is_retired=True)
    assert "Chapter title 2" not in client.get("/en/courses/agents/").content.decode()
    assert client.get("/en/courses/agents/chapter-2/").status_code == 404
    assert client.get("/en/courses/agents/chapter-2/lesson-1/").status_code == 404


@pytest.mark.parametrize("path", ["courses/none/", "courses/agents/none/", "courses/agents/chapter-1/none/"])
def test_an_address_without_a_page_is_a_friendly_404(client: Client, path: str) -> None:
    make_course()
    response = client.get(f"/en/{path}")
    assert response.status_code == 404
    assert elements_of(response).of("a", href="/en/", **{"class": "button button-primary"})


# --- Learn page -----------------------------------------------------------------------------------


def test_a_lesson_shows_its_title_text_neighbours_and_place(client: Client) -> None:
    make_course()
    response = client.get("/en/courses/agents/chapter-1/lesson-2/")
    page = elements_of(response)
    assert "First words." in response.content.decode()
    assert page.of("a", rel="prev")[0]["href"] == "/en/courses/agents/chapter-1/lesson-1/"
    assert page.of("a", rel="next")[0]["href"] == "/en/courses/agents/chapter-2/"
    here = page.of("a", **{"aria-current": "page"})
    assert [link["href"] for link in here] == ["/en/courses/agents/chapter-1/lesson-2/"]


def test_the_first_page_has_no_previous_and_the_last_no_next(client: Client) -> None:
    make_course(chapters=1, lessons=1)
    assert not elements_of(client.get("/en/courses/agents/chapter-1/")).of("a", rel="prev")
    assert not elements_of(client.get("/en/courses/agents/chapter-1/lesson-1/")).of("a", rel="next")


def test_the_editor_starts_with_the_lessons_first_listing(client: Client) -> None:
    make_course()
    response = client.get("/en/courses/agents/chapter-1/lesson-2/")
    assert response.context["starter"].strip() == "print('lesson-2')"


def test_the_editor_of_a_lesson_without_listings_starts_with_a_program_that_runs(client: Client) -> None:
    make_course()
    LessonText.objects.update(markdown="# Title\n\nWords only.\n")
    starter = client.get("/en/courses/agents/chapter-1/").context["starter"]
    compile(starter, "main.py", "exec")
    assert "print(" in starter


def test_the_page_tells_which_listings_run_with_code_of_others(client: Client) -> None:
    make_course()
    first = LessonText.objects.get(lesson__slug="lesson-1", lesson__parent__slug="chapter-1", language="en")
    second = LessonText.objects.get(lesson__slug="lesson-2", lesson__parent__slug="chapter-1", language="en")
    first.markdown = "# One\n\n```python\ngreeting = 'hi'\n```\n"
    second.markdown = "# Two\n\n```python\nprint(1)\n```\n\n```python\nprint(greeting)\n```\n"
    first.save()
    second.save()
    page = elements_of(client.get(second.lesson.get_absolute_url()))
    assert [bench["data-in-need"] for bench in page.of("div", **{"class": "workbench"})] == ["1"]

    first.markdown = "# One\n\n```python\nparting = 'bye'\n```\n"
    first.save()
    page = elements_of(client.get(second.lesson.get_absolute_url()))
    assert [bench["data-in-need"] for bench in page.of("div", **{"class": "workbench"})] == [""]


def test_the_catalogue_leads_to_the_first_page_with_a_program(client: Client) -> None:
    make_course()
    LessonText.objects.exclude(lesson__slug="lesson-2").update(markdown="# Title\n\nWords only.\n")
    page = elements_of(client.get("/en/"))
    starts = [a["href"] for a in page.of("a") if "button-large" in (a.get("class") or "")]
    assert starts == ["/en/courses/agents/chapter-1/lesson-2/"]


def test_a_lesson_without_a_translation_is_shown_in_its_own_language_and_says_so(client: Client) -> None:
    make_course()
    LessonText.objects.filter(lesson__number="1.1", language="en").delete()
    response = client.get("/en/courses/agents/chapter-1/lesson-1/")
    page = elements_of(response)
    assert page.of("html", lang="en")
    assert page.of("article", lang="zh-hans")
    assert "has not been translated yet" in response.content.decode()
    assert (
        "has not been translated yet"
        not in client.get("/zh-hans/courses/agents/chapter-1/lesson-1/").content.decode()
    )


def test_a_page_has_landmarks_a_skip_link_and_no_inline_script_or_style(client: Client) -> None:
    make_course()
    page = elements_of(client.get("/en/courses/agents/chapter-1/lesson-1/"))
    assert (
        len(page.of("main")) == len(page.of("h1")) == len(page.of("header", **{"class": "site-header"})) == 1
    )
    assert page.of("a", **{"class": "skip-link"})[0]["href"] == "#main"
    assert page.of("main")[0]["id"] == "main"
    inline = [
        attrs for attrs in page.of("script") if "src" not in attrs and attrs.get("type") != "application/json"
    ]
    assert not inline
    assert not page.of("style")
    assert not [
        tag for tag, attrs in page.found if "style" in attrs or any(name.startswith("on") for name in attrs)
    ]


# --- Languages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["", "courses/agents/", "courses/agents/chapter-1/lesson-2/", "accounts/login/"]
)
def test_the_language_switch_leads_to_the_same_page(client: Client, path: str) -> None:
    make_course()
    page = elements_of(client.get(f"/en/{path}"))
    assert [link["href"] for link in page.of("a", hreflang="zh-hans")] == [f"/zh-hans/{path}"]
    assert client.get(f"/zh-hans/{path}").status_code == 200


def test_pages_name_their_translations_to_search_engines(client: Client) -> None:
    make_course()
    page = elements_of(client.get("/en/courses/agents/"))
    alternates = {link["hreflang"]: link["href"] for link in page.of("link", rel="alternate")}
    assert alternates == {
        "zh-hans": "http://testserver/zh-hans/courses/agents/",
        "en": "http://testserver/en/courses/agents/",
    }


def test_the_front_page_opens_in_the_language_last_read(client: Client) -> None:
    make_course()
    client.get("/zh-hans/courses/agents/")
    assert client.get("/", headers={"accept-language": "en"}).headers["Location"] == "/zh-hans/"
    client.get("/en/courses/agents/")
    assert client.get("/", headers={"accept-language": "zh-CN"}).headers["Location"] == "/en/"


def test_the_language_of_an_unknown_page_switches_to_the_front_page(client: Client) -> None:
    page = elements_of(client.get("/en/nothing/here/"))
    assert page.of("a", hreflang="zh-hans")[0]["href"] == "/zh-hans/"


# --- Readers --------------------------------------------------------------------------------------


def test_a_guest_may_read_and_is_offered_to_sign_in_and_come_back(client: Client) -> None:
    make_course()
    path = "/en/courses/agents/chapter-1/lesson-1/"
    page = elements_of(client.get(path))
    assert page.of("a", href=f"/en/accounts/login/?next={path}")


def test_a_signed_in_reader_sees_their_account_instead(client: Client) -> None:
    make_course()
    learner = get_user_model().objects.create_user("mei", "mei@example.org", "long-enough-1")
    client.force_login(learner)
    page = elements_of(client.get("/en/courses/agents/"))
    assert page.of("form", action="/en/accounts/logout/")
    assert not [link for link in page.of("a") if (link["href"] or "").startswith("/en/accounts/login/")]


def test_an_unchanged_page_is_not_sent_again_to_a_guest(client: Client) -> None:
    make_course()
    path = "/en/courses/agents/chapter-1/lesson-1/"
    first = client.get(path)
    again = client.get(path, headers={"if-none-match": first.headers["ETag"]})
    assert again.status_code == 304
    LessonText.objects.filter(lesson__number="1.1", language="en").update(
        markdown="# Title\n\nOther words.\n"
    )
    changed = client.get(path, headers={"if-none-match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert "Other words." in changed.content.decode()


def test_pages_are_kept_by_the_readers_own_browser_alone(client: Client) -> None:
    make_course()
    for path in ("/en/", "/en/courses/agents/", "/en/courses/agents/chapter-1/"):
        response = client.get(path)
        assert "private" in response.headers["Cache-Control"]
        assert "no-cache" in response.headers["Cache-Control"]
        assert "Cookie" in response.headers["Vary"]


@pytest.mark.parametrize("path", ["/en/", "/en/courses/agents/"])
def test_pages_are_read_not_written_to(client: Client, path: str) -> None:
    make_course()
    assert client.post(path).status_code == 405


# --- Cost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("/en/", 4),  # courses, lessons, titles, where the first listing is
        ("/en/courses/agents/", 3),
        (
            "/en/courses/agents/chapter-1/lesson-1/",
            9,
        ),  # and the text, three to see whether what is kept of it still holds, its exercises, the course's
    ],
)
def test_a_page_costs_the_same_however_long_the_course(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, path: str, queries: int
) -> None:
    make_course(chapters=12, lessons=8)
    client.get(path)  # whatever is kept between requests is kept now
    with django_assert_num_queries(queries):
        client.get(path)


# --- Account and error pages ----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["login", "signup", "password/reset"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_account_pages_have_our_frame_and_a_label_for_each_field(
    client: Client, path: str, language: str
) -> None:
    page = elements_of(client.get(f"/{language}/accounts/{path}/"))
    assert page.of("header", **{"class": "site-header"})
    fields = [attrs for attrs in page.of("input") if attrs.get("type") != "hidden"]
    labels = {label["for"] for label in page.of("label")}
    assert fields
    assert all(field.get("id") in labels or field.get("aria-label") for field in fields)


def test_a_wrong_password_is_told_beside_the_form(client: Client) -> None:
    response = client.post("/en/accounts/login/", {"login": "mei", "password": "wrong"})
    page = elements_of(response)
    assert page.of("div", role="alert")


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_error_pages_need_no_request_and_offer_a_way_out(name: str) -> None:
    page = Elements(render_to_string(name))
    ways_out = [
        link for link in page.of("a") if (link.get("class") or "").startswith("button") and link["href"]
    ]
    assert ways_out


# --- Look -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_keeps_its_contrast_on_every_surface(scheme: str) -> None:
    css = (Path(settings.BASE_DIR) / "static/css/theme.css").read_text()
    pairs = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", css)
    colours = {name: light if scheme == "light" else dark for name, light, dark in pairs}
    for text in ("text", "muted", "accent", "ok", "warn", "error", "info"):
        for surface in ("bg", "surface", "surface-2", "accent-soft", "code-bg"):
            assert contrast(colours[text], colours[surface]) >= 4.5, (text, surface)
    for outcome in ("ok", "warn", "error", "info"):
        assert contrast(colours[outcome], colours[f"{outcome}-soft"]) >= 4.5, outcome
    for token in (name for name in colours if name.startswith("syn-")):
        assert contrast(colours[token], colours["code-bg"]) >= 4.5, token
    assert contrast(colours["accent-contrast"], colours["accent"]) >= 4.5
    assert contrast(colours["border-strong"], colours["bg"]) >= 3


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio of two #rrggbb colours, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
