"""Importing a second time: what is found again keeps its row, and what did not change is not written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from lessons.models import Course, CourseText, Image, Lesson, LessonText
from lessons.tests.course_files import (
    Printed,
    edit,
    import_lessons,
    lesson_titled,
    make_book,
    make_course,
    make_png,
    titles,
    write_files,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def writes_of(action: Callable[[], Printed]) -> tuple[list[str], Printed]:
    """The writing statements that an import sends."""
    with CaptureQueriesContext(connection) as queries:
        printed = action()
    statements = [query["sql"] for query in queries]
    return [sql for sql in statements if sql.split()[0] in {"INSERT", "UPDATE", "DELETE"}], printed


def snapshot() -> list[object]:
    models = (Course, CourseText, Lesson, LessonText, Image)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


def identity(*names: str) -> dict[str, tuple[int, str]]:
    return {name: (lesson_titled(name).pk, lesson_titled(name).slug) for name in names}


def test_same_input_writes_nothing_and_says_so(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    write_files(folder, {"images/a.png": make_png()})
    edit(folder / "ch1" / "one.md", "Write an agent.", "![figure](../images/a.png)")
    import_lessons(folder)
    before = snapshot()

    writes, printed = writes_of(lambda: import_lessons(folder, prune=True))

    assert writes == []
    assert snapshot() == before
    assert "Nothing changed" in printed.out
    assert printed.counts("lessons") == {"unchanged": 3}
    assert printed.counts("images") == {"unchanged": 1}


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    untouched = LessonText.objects.get(title="The Loop")
    changed = LessonText.objects.get(title="Exercises")
    edit(folder / "ch1" / "one.md", "Write an agent.", "Write two agents.")

    writes, printed = writes_of(lambda: import_lessons(folder))

    # The text, the version of it in the history, and its sections.
    assert [sql.split()[0] for sql in writes] == ["UPDATE", "INSERT", "DELETE", "INSERT"]
    assert printed.counts("lessons") == {"updated": 1, "unchanged": 2}
    assert LessonText.objects.get(pk=untouched.pk).updated_at == untouched.updated_at
    again = LessonText.objects.get(pk=changed.pk)
    assert again.markdown == "## Exercises\n\nWrite two agents.\n"
    assert again.updated_at > changed.updated_at


def test_force_writes_what_did_not_change(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    before = LessonText.objects.get(title="Tools").updated_at

    printed = import_lessons(folder, force=True)

    assert printed.counts("lessons") == {"updated": 3}
    assert LessonText.objects.get(title="Tools").updated_at > before


def test_a_renumbered_lesson_keeps_its_row_and_slug(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    before = identity("The Loop", "Tools")
    for name, loop, tools, new in (
        ("一.md", "1.1 循环", "1.2 工具", "## 1.1 新节\n\n新的文字。\n\n"),
        ("one.md", "1.1 The Loop", "1.2 Tools", "## 1.1 News\n\nA new text.\n\n"),
    ):
        edit(folder / "ch1" / name, f"## {tools}", f"## {tools.replace('1.2', '1.3')}")
        edit(folder / "ch1" / name, f"## {loop}", f"{new}## {loop.replace('1.1', '1.2')}")

    printed = import_lessons(folder)

    assert titles() == ["1 First Steps", "1.1 News", "1.2 The Loop", "1.3 Tools", "Exercises"]
    assert identity("The Loop", "Tools") == before
    assert printed.counts("lessons") == {"created": 1, "updated": 3}


BOOK = """\
# Chapter 1: Book

## 1.1 Alpha

The first letter is written by many hands, and every hand writes it in a way of its own.

## 1.2 Beta

The second letter came from the picture of a house, say those who know about old scripts.
"""


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ([("## 1.1 Alpha", "## 1.1 Aleph")], "Aleph"),
        ([("The first letter is written by many hands", "Nobody knows who wrote this")], "Alpha"),
        # New title and number, and its old number taken by a newcomer: the text tells.
        ([("## 1.1 Alpha", "## 1.1 Zero\n\nBefore all letters.\n\n## 1.3 Aleph")], "Aleph"),
        ([("## 1.1 Alpha", "## A title without number")], "A title without number"),
        # Title and text are new; the number is all that is left.
        (
            [
                ("## 1.1 Alpha", "## 1.1 Wholly new"),
                ("The first letter is written by many hands, and every", "One"),
            ],
            "Wholly new",
        ),
    ],
)
def test_an_edited_lesson_keeps_its_row_and_slug(
    tmp_path: Path, change: list[tuple[str, str]], result: str
) -> None:
    folder = make_book(tmp_path, BOOK)
    import_lessons(folder)
    before = identity("Alpha", "Beta")
    for old, new in change:
        edit(folder / "book.md", old, new)

    import_lessons(folder)

    assert identity(result)[result] == before["Alpha"]
    assert identity("Beta")["Beta"] == before["Beta"]


def test_equal_titles_are_told_apart_by_number(tmp_path: Path) -> None:
    folder = make_book(tmp_path, "# Book\n## 1.1 Summary\nfirst\n## 1.2 Summary\nsecond\n")
    import_lessons(folder)
    second = Lesson.objects.get(number="1.2")
    assert second.slug == "summary-2"
    edit(folder / "book.md", "## 1.1 Summary\nfirst\n", "")

    import_lessons(folder, prune=True)

    assert Lesson.objects.get(number="1.2", is_retired=False).pk == second.pk
    assert Lesson.objects.get(number="1.1").is_retired


def test_a_chapter_keeps_its_row_when_file_number_and_title_change(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    before = identity("First Steps", "Tools")
    (folder / "ch1").rename(folder / "chapter-2")
    for name, old, new in (("_sidebar.md", "第一章", "第二章"), ("_sidebar_en.md", "Chapter 1", "Chapter 2")):
        edit(folder / name, "ch1/", "chapter-2/")
        edit(folder / name, old, new)
    edit(folder / "chapter-2" / "一.md", "# 第一章 起步", "# 第二章 上路")
    edit(folder / "chapter-2" / "one.md", "# Chapter 1: First Steps", "# Chapter 2: On the Road")

    import_lessons(folder)

    assert identity("On the Road")["On the Road"] == before["First Steps"]
    assert identity("Tools")["Tools"] == before["Tools"]
    assert lesson_titled("On the Road").number == "2"


def test_a_lesson_moved_to_another_chapter_keeps_its_row(tmp_path: Path) -> None:
    folder = make_book(tmp_path, BOOK)
    import_lessons(folder)
    before = identity("Alpha", "Beta")
    alpha = BOOK[BOOK.index("## 1.1") : BOOK.index("## 1.2")]
    edit(folder / "book.md", alpha, "")
    write_files(
        folder, {"_sidebar.md": "- [B](book.md)\n- [N](next.md)", "next.md": f"# Chapter 2: Next\n{alpha}"}
    )

    import_lessons(folder)

    assert identity("Alpha", "Beta") == before
    assert lesson_titled("Alpha").parent == lesson_titled("Next")


def test_lessons_of_one_wording_stay_in_their_chapters(tmp_path: Path) -> None:
    exercise = "## Exercises\n\nTry every listing of this chapter with other words than the author's.\n"
    files: dict[str, str | bytes] = {
        "_sidebar.md": "- [One](one.md)\n- [Two](two.md)",
        "one.md": f"# One\n{exercise}",
        "two.md": f"# Two\n{exercise}",
    }
    folder = make_course(tmp_path, files)
    import_lessons(folder)
    before = {lesson.parent_id: lesson.pk for lesson in Lesson.objects.exclude(parent=None)}
    for name in ("one.md", "two.md"):
        edit(folder / name, "## Exercises", "## Practice")

    import_lessons(folder)

    assert {lesson.parent_id: lesson.pk for lesson in Lesson.objects.exclude(parent=None)} == before


def test_a_language_added_later_joins_the_lessons_there_are(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    english = (folder / "_sidebar_en.md").read_bytes()
    (folder / "_sidebar_en.md").unlink()
    import_lessons(folder)
    before = identity("起步", "循环", "工具", "习题")
    write_files(folder, {"_sidebar_en.md": english})

    printed = import_lessons(folder)

    assert identity("起步", "循环", "工具", "习题") == before
    assert lesson_titled("Tools") == lesson_titled("工具")
    assert printed.counts("lessons") == {"updated": 3}


def test_what_vanished_is_kept_and_reported_without_prune(tmp_path: Path) -> None:
    folder = make_book(tmp_path, BOOK)
    import_lessons(folder)
    edit(folder / "book.md", BOOK[BOOK.index("## 1.1") : BOOK.index("## 1.2")], "")

    printed = import_lessons(folder)

    assert not lesson_titled("Alpha").is_retired
    assert printed.counts("lessons") == {"updated": 1, "skipped": 1}
    assert printed.warnings == [
        "book.md:3: no longer has “Alpha” (en); the lesson is kept. "
        "Put it back, or run with --prune to retire it."
    ]


def test_prune_retires_what_vanished_and_its_return_revives_it(tmp_path: Path) -> None:
    folder = make_book(tmp_path, BOOK)
    import_lessons(folder)
    before = identity("Alpha")
    (folder / "book.md").write_text(BOOK[: BOOK.index("## 1.1")] + BOOK[BOOK.index("## 1.2") :])

    pruned = import_lessons(folder, prune=True)

    assert pruned.counts("lessons") == {"updated": 1, "removed": 1}
    assert lesson_titled("Alpha").is_retired
    writes, _ = writes_of(lambda: import_lessons(folder, prune=True))
    assert writes == []
    (folder / "book.md").write_text(BOOK)
    import_lessons(folder)
    assert identity("Alpha") == before
    assert not lesson_titled("Alpha").is_retired


def test_prune_drops_a_translation_that_vanished(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    edit(folder / "ch1" / "one.md", "## Exercises\n\nWrite an agent.\n", "")

    assert import_lessons(folder).counts("lessons") == {"unchanged": 3, "skipped": 1}
    import_lessons(folder, prune=True)

    assert list(lesson_titled("习题").texts.values_list("language", flat=True)) == ["zh-hans"]


def test_a_vanished_chapter_retires_with_its_lessons(tmp_path: Path) -> None:
    folder = make_book(tmp_path, BOOK)
    write_files(
        folder, {"_sidebar.md": "- [B](book.md)\n- [N](next.md)", "next.md": "# Next\n## Inside\ntext\n"}
    )
    import_lessons(folder)
    write_files(folder, {"_sidebar.md": "- [B](book.md)"})

    printed = import_lessons(folder, prune=True)

    assert printed.counts("chapters") == {"unchanged": 1, "removed": 1}
    assert titles() == ["1 Book", "1.1 Alpha", "1.2 Beta"]
    assert Lesson.objects.filter(is_retired=True).count() == 2


def test_operators_settings_of_a_course_stay(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    Course.objects.update(position=7, code_policy=Course.CodePolicy.BLOCK, default_language="en")

    import_lessons(folder, force=True)

    course = Course.objects.get()
    assert (course.position, course.code_policy, course.default_language) == (7, "block", "en")


def test_two_courses_do_not_touch_each_other(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)

    import_lessons(folder, course="second")

    assert Lesson.objects.filter(course__slug="agents").count() == 4
    assert Lesson.objects.filter(course__slug="second").count() == 4


def test_the_number_of_queries_does_not_grow_with_the_number_of_lessons(tmp_path: Path) -> None:
    sections = "".join(f"## 1.{number} Section {number}\n\ntext {number}\n" for number in range(1, 80))
    folder = make_book(tmp_path, f"# Chapter 1: Book\n{sections}")

    with CaptureQueriesContext(connection) as first:
        import_lessons(folder)
    with CaptureQueriesContext(connection) as second:
        import_lessons(folder)

    assert len(first) < 20
    assert len(second) < 12


def test_a_text_that_only_moved_down_its_file_is_not_counted_nor_dated(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    before = LessonText.objects.get(title="Tools")
    edit(folder / "ch1/one.md", "An agent thinks", "Look:\n\nAn agent thinks")

    printed = import_lessons(folder)

    after = LessonText.objects.get(title="Tools")
    assert printed.counts("lessons") == {"updated": 1, "unchanged": 2}
    assert after.source_line == before.source_line + 2
    assert (after.updated_at, after.history.count()) == (before.updated_at, before.history.count())
    assert "Nothing changed" in import_lessons(folder).out
