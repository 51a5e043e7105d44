"""The outline of an imported course in the admin."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from lessons.models import Image, Lesson
from lessons.tests.course_files import import_lessons, make_book, make_course, make_png, write_files

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client, settings: Settings, tmp_path: Path) -> Client:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    settings.MEDIA_ROOT = tmp_path / "media"
    user = get_user_model().objects.create_superuser("root", "root@example.org", "pw")
    client.force_login(user)
    return client


def places(html: str, words: list[str]) -> list[int]:
    return [html.index(f"{word}<") for word in words]


def test_the_list_reads_like_the_outline(admin: Client, tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    import_lessons(make_book(tmp_path / "other", "# Chapter 1: Book\n## 1.1 A\n"), course="zz-book")
    # A chapter put first later gets the highest key; the list goes by position all the same.
    write_files(folder, {"zero.md": "# 第零章 开始之前\n## 准备\n"})
    sidebar = (folder / "_sidebar.md").read_text(encoding="utf-8")
    write_files(folder, {"_sidebar.md": "- [第零章 开始之前](zero.md)\n" + sidebar})
    import_lessons(folder)

    html = admin.get(reverse("admin:lessons_lesson_changelist")).content.decode()
    words = [
        "0 开始之前",
        "准备",
        "1 First Steps",
        "1.1 The Loop",
        "1.2 Tools",
        "Exercises",
        "1 Book",
        "1.1 A",
    ]
    assert places(html, words) == sorted(places(html, words))
    tools = Lesson.objects.get(texts__title="Tools")
    assert f'href="{reverse("admin:lessons_text_edit", args=[tools.pk, "en"])}">1.2 Tools<' in html
    in_chinese = admin.get(
        reverse("admin:lessons_lesson_changelist"), headers={"Accept-Language": "zh-hans"}
    ).content.decode()
    words = ["0 开始之前", "准备", "1 起步", "1.1 循环", "1.2 工具", "习题", "1 Book", "1.1 A"]
    assert places(in_chinese, words) == sorted(places(in_chinese, words))
    assert html.count("edition-published") == 4 * 2 + 4  # four have both languages
    assert html.count("edition-none") == 4


def test_search_finds_titles_in_every_language(admin: Client, tmp_path: Path) -> None:
    import_lessons(make_course(tmp_path))

    for word in ("Tools", "工具", "world outside", "1.2"):
        html = admin.get(reverse("admin:lessons_lesson_changelist"), {"q": word}).content.decode()
        assert "1.2 Tools" in html
        assert "1.1 The Loop" not in html


def test_the_list_costs_the_same_for_many_lessons(admin: Client, tmp_path: Path) -> None:
    def queries(sections: int) -> int:
        chapter = "".join(f"## 1.{number} Section {number}\ntext\n" for number in range(sections))
        import_lessons(make_book(tmp_path, f"# Chapter 1: Book\n{chapter}"))
        with CaptureQueriesContext(connection) as captured:
            assert admin.get(reverse("admin:lessons_lesson_changelist")).status_code == 200
        return len(captured)

    assert queries(2) == queries(40)


@pytest.mark.parametrize("model", ["course", "lesson", "image"])
def test_every_page_of_the_admin_opens(admin: Client, tmp_path: Path, model: str) -> None:
    folder = make_book(tmp_path, "# Chapter 1: Book\n\n![x](a.png)\n")
    write_files(folder, {"a.png": make_png()})
    import_lessons(folder)
    row = {
        "course": Lesson.objects.get().course,
        "lesson": Lesson.objects.get(),
        "image": Image.objects.get(),
    }[model]

    assert admin.get(reverse(f"admin:lessons_{model}_changelist"), {"q": "a"}).status_code == 200
    assert admin.get(reverse(f"admin:lessons_{model}_change", args=[row.pk])).status_code == 200


def test_a_lessons_page_names_course_chapter_and_state_in_words(admin: Client, tmp_path: Path) -> None:
    import_lessons(make_course(tmp_path))
    lesson = Lesson.objects.get(slug="tools")
    page = reverse("admin:lessons_lesson_change", args=[lesson.pk])

    def facts(language: str) -> list[str]:
        html = admin.get(page, headers={"Accept-Language": language}).content.decode()
        assert "icon-no" not in html
        return re.findall(r'<div class="readonly">(.*?)</div>', html)

    course = {text.language: text.title for text in lesson.course.texts.all()}
    assert facts("en")[:2] == [course["en"], "1 First Steps"]
    assert facts("zh-hans")[:2] == [course["zh-hans"], "1 起步"]
    assert "published" in facts("en")
    Lesson.objects.filter(pk=lesson.pk).update(is_retired=True)
    assert '<span class="quiet">no longer in the files</span>' in facts("en")


def test_a_slug_chosen_by_hand_survives_the_next_import(admin: Client, tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    lesson = Lesson.objects.get(slug="tools")
    before = list(lesson.texts.order_by("pk").values())
    form = {"slug": "hands", "is_retired": "on", "number": "9.9"}

    response = admin.post(reverse("admin:lessons_lesson_change", args=[lesson.pk]), form)

    assert response.status_code == 302
    import_lessons(folder)
    lesson.refresh_from_db()
    assert (lesson.slug, lesson.is_retired, lesson.number) == ("hands", False, "1.2")
    assert list(lesson.texts.order_by("pk").values()) == before
