"""A course with mistakes: every warning says where, what and how to mend it, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from lessons.models import Lesson, LessonText
from lessons.tests.course_files import (
    CHINESE,
    ENGLISH,
    edit,
    import_lessons,
    make_book,
    make_course,
    titles,
    write_files,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("chapter", "warning"),
    [
        (
            "# B\n## 1.1 A\n## 1.1 C\n",
            "book.md:3: numbers a section 1.1, as line 2 does. Renumber one of them.",
        ),
        ("# B\n\n[x](gone.md)\n", "book.md:3: links to gone.md, which does not exist."),
        ("# B\n\n<a href='./gone.md#x'>x</a>\n", "book.md:3: links to gone.md, which does not exist."),
        ("# B\n\n[x][1]\n\n[1]: gone.md\n", "book.md:5: links to gone.md, which does not exist."),
        ("# B\n\n[x](code.py)\n", "book.md:3: links to code.py, which is no lesson of the course."),
        ("# B\n\n[x](boook.md)\n", "Is book.md meant?"),
        ("# B\n\n[x](#nowhere)\n", "book.md:3: links to the heading “nowhere”, which book.md does not have."),
        ("# B\n\n[x](../../etc/passwd)\n", "book.md:3: links to ../../etc/passwd, which is no place inside"),
        ("# B\n\n[x](%2e%2e/secret.md)\n", "book.md:3: links to %2e%2e/secret.md, which is no place inside"),
        ("# B\n\n![x](../secret.png)\n", "book.md:3: shows ../secret.png, which is no place inside"),
        ("# B\n\n![x](gone.png)\n", "book.md:3: shows gone.png, of which the course folder has no file."),
        (
            "# B\n\n<img\n src='https://a.b/c/gone.png'>\n",
            "book.md:3: shows https://a.b/c/gone.png, of which",
        ),
        ("# B\n\n```\ncode\n## 1.1 x\n", "book.md:3: opens a code fence that is never closed"),
        ("no title\n", "book.md:1: has no heading of level 1; it is called “Book”. Add one: # Title."),
        (
            "# Other\n",
            "_sidebar.md:1: says “Book” where book.md says “Other”, which is used. Make the two agree.",
        ),
        ("# B\n##\ntext\n", "book.md:2: is a heading without words. Give the section a title."),
    ],
)
def test_a_mistake_is_reported_with_file_and_line(tmp_path: Path, chapter: str, warning: str) -> None:
    folder = make_course(
        tmp_path,
        {
            "_sidebar.md": "- [Book](book.md)" if "# B\n" not in chapter else "- [B](book.md)",
            "book.md": chapter,
            "code.py": "",
        },
    )

    printed = import_lessons(folder)

    assert len(printed.warnings) == 1
    assert warning in printed.warnings[0]
    assert f"warnings  {1:>11}" in printed.out
    assert LessonText.objects.filter(source_path="book.md").exists()


@pytest.mark.parametrize(
    "text",
    [
        "[a](https://example.org/x) <mailto:a@b.c> [m](mailto:a@b.c) [p](//cdn.example.org/x)",
        "[top](#agent-basics) [own](book.md#智能体基础) [id](book.md?id=agent-basics)",
        '[mark](#mark) <i id="mark"></i>',
        "`[x](gone.md)` and ``![x](gone.png)``",
        "```\n[x](gone.md)\n```",
        "<!-- [x](gone.md) -->",
        "f[x] (gone.md) and [x](two words)",
        "[course](README.md) [folder](./)",
        "![pixel](data:image/png;base64,AAAA)",
    ],
)
def test_what_is_in_order_is_not_reported(tmp_path: Path, text: str) -> None:
    folder = make_book(tmp_path, f"# Chapter 1: Book\n\n{text}\n\n### Agent basics!\n\n### 智能体，基础\n")
    write_files(folder, {"README.md": "# Home\n"})

    assert import_lessons(folder).warnings == []


@pytest.mark.parametrize(
    ("entry", "warning"),
    [
        (
            "[C](ch9/gone.md)",
            "_sidebar.md:2: links to ch9/gone.md, which does not exist. Add the file or correct the link.",
        ),
        (
            "[C](bok.md)",
            "_sidebar.md:2: links to bok.md, which does not exist. Add the file or correct the link. "
            "Is book.md meant?",
        ),
        (
            "[C](../outside.md)",
            "_sidebar.md:2: links to ../outside.md, which is no place inside the course folder; refused.",
        ),
        ("[C](book.md)", "_sidebar.md:2: lists book.md again (first in line 1). Remove one of the entries."),
        ("[C](blank.md)", "blank.md:1: is empty."),
        ("[C](latin.md)", "latin.md:3: is not UTF-8 (byte 0xe9). Save the file as UTF-8"),
        ("[C](wide.md)", "wide.md:1: is not UTF-8"),
        ("[C](nul.md)", "nul.md:2: holds a NUL byte."),
        ("[C](link.md)", "_sidebar.md:2: links to link.md, which does not exist."),
    ],
)
def test_a_sidebar_entry_that_gives_no_chapter_is_reported(tmp_path: Path, entry: str, warning: str) -> None:
    folder = make_book(tmp_path, "# Chapter 1: Book\n")
    files: dict[str, str | bytes] = {
        "../outside.md": "# Secret\n",
        "_sidebar.md": f"- [Chapter 1: Book](book.md)\n- {entry}\n",
        "blank.md": " \n\n",
        "latin.md": "# Caf\n\ncaf\xe9\n".encode("latin-1"),
        "wide.md": "# Wide\n".encode("utf-16"),
        "nul.md": "# N\n\0",
    }
    write_files(folder, files)
    (folder / "link.md").symlink_to(tmp_path / "outside.md")

    printed = import_lessons(folder)

    assert [item for item in printed.warnings if item.startswith(warning)], printed.warnings
    assert titles() == ["1 Book"]


@pytest.mark.parametrize("broken", [b"\xff\xfe broken", b"", None])
def test_a_broken_chapter_file_never_loses_what_was_there(tmp_path: Path, broken: bytes | None) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    before = list(LessonText.objects.order_by("pk").values())
    for name in ("一.md", "one.md"):
        if broken is None:
            (folder / "ch1" / name).unlink()
        else:
            (folder / "ch1" / name).write_bytes(broken)
    write_files(folder, {"ch2.md": "# Another\n"})
    edit(folder / "_sidebar.md", "- Part One", "- [Another](ch2.md)\n- Part One")

    printed = import_lessons(folder, prune=True)

    assert [text for text in LessonText.objects.order_by("pk").values() if text in before] == before
    assert not Lesson.objects.filter(is_retired=True).exists()
    assert printed.counts("chapters") == {"created": 1, "skipped": 1}
    assert printed.counts("lessons") == {"skipped": 3}


def test_a_broken_translation_keeps_what_was_there(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    before = list(LessonText.objects.filter(language="zh-hans").order_by("pk").values())
    write_files(folder, {"ch1/一.md": CHINESE.encode("gb18030")})
    edit(folder / "ch1" / "one.md", "## Exercises", "## 1.3 More\n\nNew.\n\n## Exercises")

    printed = import_lessons(folder, prune=True)

    assert list(LessonText.objects.filter(language="zh-hans").order_by("pk").values()) == before
    assert titles() == ["1 First Steps", "1.1 The Loop", "1.2 Tools", "1.3 More", "Exercises"]
    assert [item.split(": ")[0] for item in printed.warnings] == ["ch1/一.md:1"]


@pytest.mark.parametrize("sidebar", [b"", b"just words\n", b"\xff\xff"])
def test_a_broken_sidebar_never_loses_its_language(tmp_path: Path, sidebar: bytes) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    before = list(LessonText.objects.filter(language="en").order_by("pk").values())
    write_files(folder, {"_sidebar_en.md": sidebar})

    printed = import_lessons(folder, prune=True)

    assert list(LessonText.objects.filter(language="en").order_by("pk").values()) == before
    assert len(printed.warnings) == 1
    assert printed.warnings[0].startswith("_sidebar_en.md:1: ")


def test_the_missing_images_of_a_file_are_one_warning(tmp_path: Path) -> None:
    url = "https://raw.githubusercontent.com/someone/book/main/docs/images/5-figures/5-1.png"
    folder = make_book(tmp_path, f"# Chapter 1: Book\n\n![x]({url})\n\n[x](gone.md)\n![x](a/b.png)\n")
    write_files(folder, {"_sidebar.md": "- [Chapter 1: Book](book.md)\n- [C](lost.md)\n"})

    short = import_lessons(folder)
    full = import_lessons(folder, verbosity=2)

    gone, images, sidebar = short.warnings
    assert gone.startswith("book.md:5: links to gone.md, which does not exist.")
    what = "shows 2 images of which the course folder has no file, first …/5-figures/5-1.png"
    assert images == f"book.md:3: {what} (-v 2 lists all)."
    assert sidebar.startswith("_sidebar.md:2: links to lost.md, which does not exist.")
    assert f"warnings  {4:>11}" in short.out
    assert [warning.partition(", of which")[0] for warning in full.warnings] == [
        f"book.md:3: shows {url}",
        gone,
        "book.md:6: shows a/b.png",
        sidebar,
    ]


def test_an_unknown_language_of_a_sidebar_is_reported(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    write_files(folder, {"_sidebar_tlh.md": "- [x](ch1/one.md)"})

    assert import_lessons(folder).warnings == [
        "_sidebar_tlh.md:1: is in a language this site lacks (tlh). Use one of zh-hans, en."
    ]


def test_twins_that_differ_are_reported(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    write_files(folder, {"ch1/one.md": ENGLISH.replace("## 1.2 Tools", "## 1.5 Tools")})

    assert import_lessons(folder).warnings == [
        "ch1/one.md:9: calls a section “1.5 Tools”; its twin in ch1/一.md:9 is “1.2 工具”. Number both alike."
    ]
