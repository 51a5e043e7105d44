"""Courses that are made on the site: their titles, when readers see them, and how they go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from lessons.authoring import actions
from lessons.models import Course, CourseText, Lesson
from lessons.tests.course_files import import_lessons, make_course
from progress.models import Draft, Submission

pytestmark = pytest.mark.django_db

NEW = {"slug": "mine", "position": "3", "default_language": "en", "code_policy": "warn", "image": "agent"}
ROWS = {"texts-TOTAL_FORMS": "2", "texts-INITIAL_FORMS": "0"}


@pytest.fixture
def root(settings: Settings, tmp_path: Path) -> Any:
    settings.MEDIA_ROOT = tmp_path / "media"
    return get_user_model().objects.create_superuser("root", "root@example.org", "pw")


@pytest.fixture
def admin(root: Any) -> Client:
    client = Client()
    client.force_login(root)
    return client


def page(what: str, *args: Any) -> str:
    return reverse(f"admin:lessons_course_{what}", args=args)


def make_own_course(admin: Client) -> Course:
    titles = {"texts-0-language": "zh-hans", "texts-1-language": "en", "texts-1-title": "My course"}
    response = admin.post(page("add"), NEW | ROWS | titles | {"texts-1-description": "By me"})
    assert response.status_code == 302, response.content.decode()
    return Course.objects.get(slug="mine")


def publish_lesson(course: Course, author: Any) -> Lesson:
    chapter = actions.create_lesson(
        course=course, chapter=None, language="en", number="1", title="Hello", author=author
    )
    actions.publish(draft=chapter, author=author)
    return chapter.lesson


def test_a_course_made_here_has_titles_and_is_seen_once_something_is_published(
    admin: Client, root: Any
) -> None:
    course = make_own_course(admin)
    reader = Client()

    assert list(course.texts.values_list("language", "title", "description")) == [
        ("en", "My course", "By me")
    ]
    assert "My course" not in reader.get("/en/").content.decode()
    assert reader.get("/en/courses/mine/").status_code == 404
    assert 'value="mine"' not in reader.get("/en/search/").content.decode()
    assert "My course" in admin.get("/en/").content.decode()
    assert "as soon as one of its lessons is published" in admin.get("/en/courses/mine/").content.decode()

    lesson = publish_lesson(course, root)
    assert "My course" in reader.get("/en/").content.decode()
    assert reader.get("/en/courses/mine/").status_code == 200
    actions.withdraw(lesson=lesson, author=root)
    assert reader.get("/en/courses/mine/").status_code == 404


def test_its_titles_can_be_written_in_another_language_later(admin: Client) -> None:
    course = make_own_course(admin)
    html = admin.get(page("change", course.pk)).content.decode()
    assert '<option value="zh-hans" selected>' in html
    text = course.texts.get()
    sent = {
        **NEW,
        "texts-TOTAL_FORMS": "2",
        "texts-INITIAL_FORMS": "1",
        "texts-0-id": text.pk,
        "texts-0-course": course.pk,
        "texts-0-language": "en",
        "texts-0-title": "Mine",
        "texts-0-description": "",
        "texts-1-course": course.pk,
        "texts-1-language": "zh-hans",
        "texts-1-title": "我的课程",
    }

    assert admin.post(page("change", course.pk), sent).status_code == 302
    assert set(course.texts.values_list("language", "title")) == {("en", "Mine"), ("zh-hans", "我的课程")}


def test_the_titles_of_a_course_from_files_are_read_only(admin: Client, tmp_path: Path) -> None:
    import_lessons(make_course(tmp_path))
    course = Course.objects.get()

    html = admin.get(page("change", course.pk)).content.decode()

    assert "A course about agents" in html
    assert 'name="texts-0-title"' not in html
    sent = {
        "texts-TOTAL_FORMS": "1",
        "texts-INITIAL_FORMS": "0",
        "texts-0-language": "en",
        "texts-0-title": "X",
    }
    admin.post(page("change", course.pk), NEW | {"slug": "agents"} | sent)
    assert not CourseText.objects.filter(title="X").exists()


def test_a_new_course_comes_after_the_others(admin: Client, tmp_path: Path) -> None:
    import_lessons(make_course(tmp_path))

    assert 'name="position" value="1"' in admin.get(page("add")).content.decode()


def test_a_course_that_nobody_has_worked_in_can_be_deleted(admin: Client, root: Any, tmp_path: Path) -> None:
    import_lessons(make_course(tmp_path))
    course = Course.objects.get()
    # What whoever deletes it tried out is theirs to delete.
    Draft.objects.create(learner=root, lesson=Lesson.objects.get(slug="tools"), code="x")

    assert "Are you sure" in admin.get(page("delete", course.pk)).content.decode()
    assert admin.post(page("delete", course.pk), {"post": "yes"}).status_code == 302
    assert not Course.objects.exists()
    assert not Lesson.objects.exists()


@pytest.mark.parametrize("whose", ["a learner's run", "a deleted run", "a guest's run"])
def test_a_course_with_work_in_it_stays(admin: Client, tmp_path: Path, whose: str) -> None:
    import_lessons(make_course(tmp_path))
    course, tools = Course.objects.get(), Lesson.objects.get(slug="tools")
    if whose == "a guest's run":
        Submission.objects.create(guest_key="g", lesson=tools, code="x", status="finished", outcome="ok")
    else:
        mei = get_user_model().objects.create_user("mei", "mei@example.org", "pw")
        run = Submission.objects.create(learner=mei, lesson=tools, code="x", status="finished", outcome="ok")
        if whose == "a deleted run":
            Submission.all_rows.filter(pk=run.pk).update(deleted_at=run.created_at)

    for send in (admin.get, admin.post):
        html = send(page("delete", course.pk), {"post": "yes"}, follow=True).content.decode()
        assert "Learners have work in this course" in html
    assert Course.objects.exists()


def test_lessons_go_by_number_and_title_in_the_admin(admin: Client, tmp_path: Path) -> None:
    import_lessons(make_course(tmp_path))
    tools = Lesson.objects.get(slug="tools")
    change = reverse("admin:lessons_lesson_change", args=[tools.pk])

    english = admin.get(change).content.decode()
    assert "<h2>1.2 Tools</h2>" in english
    assert "<h2>1.2 工具</h2>" in admin.get(change, headers={"Accept-Language": "zh-hans"}).content.decode()
    history = admin.get(reverse("admin:lessons_lesson_history", args=[tools.pk]))
    assert history.headers["Location"] == reverse("admin:lessons_text_history", args=[tools.pk, "en"])


def test_an_instructor_is_led_to_the_listings_that_run(tmp_path: Path, root: Any) -> None:
    import_lessons(make_course(tmp_path))
    address = reverse("listings", args=["agents"])
    for name, sees in (("tina", True), ("mei", False)):
        user = get_user_model().objects.create_user(name, f"{name}@example.org", "pw")
        if sees:
            user.groups.add(Group.objects.get_or_create(name="instructors")[0])
        client = Client()
        client.force_login(user)
        assert (address in client.get("/en/courses/agents/").content.decode()) is sees
