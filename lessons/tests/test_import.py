"""What an import makes of a course's files."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from lessons.models import Course, CourseText, Lesson, LessonText
from lessons.tests.course_files import (
    CHINESE,
    ENGLISH,
    import_lessons,
    lesson_titled,
    make_book,
    make_course,
    titles,
    write_files,
)

pytestmark = pytest.mark.django_db


def test_chapters_and_lessons_come_from_sidebar_and_headings(tmp_path: Path) -> None:
    printed = import_lessons(make_course(tmp_path))

    assert titles("zh-hans") == ["1 起步", "1.1 循环", "1.2 工具", "习题"]
    assert titles("en") == ["1 First Steps", "1.1 The Loop", "1.2 Tools", "Exercises"]
    assert printed.counts("chapters") == {"created": 1}
    assert printed.counts("lessons") == {"created": 3}
    assert printed.warnings == []
    assert "[1/1] 1 起步: 4 created" in printed.out
    course = Course.objects.get()
    assert (course.slug, course.default_language) == ("agents", "zh-hans")
    text = CourseText.objects.get(language="en")
    assert (text.title, text.description) == ("Agents", "A course about agents that fit on a page.")
    chapter = LessonText.objects.get(title="First Steps")
    assert (chapter.part, chapter.source_path, chapter.source_line) == ("Part One", "ch1/one.md", 1)
    assert LessonText.objects.get(title="Tools").source_line == 9


def test_languages_are_linked_lesson_to_lesson(tmp_path: Path) -> None:
    import_lessons(make_course(tmp_path))

    pairs = {frozenset(lesson.texts.values_list("title", flat=True)) for lesson in Lesson.objects.all()}
    assert pairs == {
        frozenset({"起步", "First Steps"}),
        frozenset({"循环", "The Loop"}),
        frozenset({"工具", "Tools"}),
        frozenset({"习题", "Exercises"}),
    }


def test_slugs_are_english_where_there_is_english(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    write_files(
        folder,
        {"_sidebar.md": "- [起步](ch1/一.md)\n- [尾声 结束语](end.md)", "end.md": "# 尾声 结束语\n再见。"},
    )

    import_lessons(folder)

    slugs = set(Lesson.objects.values_list("slug", flat=True))
    assert slugs == {"first-steps", "the-loop", "tools", "exercises", "尾声-结束语"}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_slices_joined_are_the_file_byte_for_byte(tmp_path: Path, newline: str) -> None:
    text = "intro\n\n# Chapter 1: Book\n\x0bodd\u2028line  \n## 1.1 A \n a\n\n\n##  1.2 B ##\n\tb".replace(
        "\n", newline
    )
    import_lessons(make_book(tmp_path, "\ufeff" + text))

    assert "".join(LessonText.objects.order_by("source_line").values_list("markdown", flat=True)) == text
    assert titles() == ["1 Book", "1.1 A", "1.2 B"]


@pytest.mark.parametrize(
    "code",
    [
        "```python\n## no\n```",
        "````\n```\n## no\n```\n## no\n````",
        "~~~~ text\n## no\n```\n~~~\n## no\n~~~~",
        "- list\n\n      ```\n## no\n      ```",
        "1. ```python\n   # no\n## no\n   ```",
        "> ```\n> ## no\n> ```",
        "<!-- gone\n## no\n-->",
        "<pre>\n## no\n</pre>",
        "    ## no",
        "#### no",
        "##no",
        "#!/bin/bash",
    ],
)
def test_what_only_looks_like_a_section_does_not_split(tmp_path: Path, code: str) -> None:
    import_lessons(make_book(tmp_path, f"# Chapter 1: Book\n## 1.1 A\n{code}\n## 1.2 B\nend\n"))

    assert titles() == ["1 Book", "1.1 A", "1.2 B"]


@pytest.mark.parametrize(
    ("heading", "number", "title"),
    [
        ("4.2 ReAct", "4.2", "ReAct"),
        ("4.2. ReAct", "4.2", "ReAct"),
        ("4.2.1 ReAct", "4.2.1", "ReAct"),
        ("4.2本章小结", "4.2", "本章小结"),
        ("第十六章 毕业设计", "16", "毕业设计"),
        ("第二十一章：附注", "21", "附注"),
        ("第 3 节 注意力", "3", "注意力"),
        ("Chapter 12: Agents", "12", "Agents"),
        ("Appendix B: Tables", "B", "Tables"),
        ("3. Third", "3", "Third"),
        ("3 ways to fail", "", "3 ways to fail"),
        ("一个例子", "", "一个例子"),
        ("第一章", "1", "第一章"),
        ("5.5% more", "", "5.5% more"),
        ("**Bold** `code` [link](x.md) &amp; *more* ##", "", "Bold code link & more"),
        ("<strong>4.1 Strong</strong> {#own-id}", "4.1", "Strong"),
        ("snake_case_name and __init__", "", "snake_case_name and init"),
    ],
)
def test_numbers_are_told_from_titles(tmp_path: Path, heading: str, number: str, title: str) -> None:
    import_lessons(make_book(tmp_path, f"# Book\n\n## {heading}\n\ntext\n"))

    lesson = Lesson.objects.exclude(parent=None).get()
    assert (lesson.number, lesson.texts.get().title) == (number, title)


def test_sidebar_of_parts_encoded_names_and_other_links(tmp_path: Path) -> None:
    sidebar = """\
* [Home](/)
* **Basics**
* [One](a%20b.md "first")
* [Two](c d.md)

## Advanced
- <strong>Deep</strong>
  - [Three](sub/three)
  - [A section](sub/three.md#there)
- [Elsewhere](https://example.org/x.md)
- [Four](/sub/)
<!-- - [Hidden](hidden.md) -->
"""
    files: dict[str, str | bytes] = {
        "_sidebar.md": sidebar,
        "README.md": "<h1>Shelf</h1>\n\n[![badge](b)](c)\n\nAll there is to know about it.\n",
        "a b.md": "# One\n",
        "c d.md": "# Two\n",
        "sub/three.md": "# Three\n",
        "sub/README.md": "# Four\n",
    }
    printed = import_lessons(make_course(tmp_path, files))

    assert printed.warnings == []
    parts = LessonText.objects.order_by("lesson__position").values_list("title", "part")
    assert list(parts) == [("One", "Basics"), ("Two", "Basics"), ("Three", "Deep"), ("Four", "Advanced")]
    assert CourseText.objects.get().title == "Home"
    assert CourseText.objects.get().description == "All there is to know about it."


def test_plain_folder_in_natural_order(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "README.md": "# 我的课程\n\n这是一门关于智能体的小课程。\n",
        "10.md": "# 最后\n",
        "2.md": "# 中间\n## 2.1 节\n文字\n",
        "1.md": "开头\n===\n",
        "notes.txt": "no",
        ".git/x.md": "# no",
    }
    printed = import_lessons(make_course(tmp_path, files))

    assert titles("zh-hans") == ["开头", "中间", "2.1 节", "最后"]
    assert CourseText.objects.get().title == "我的课程"
    assert printed.warnings == []


def test_plain_sidebar_takes_the_language_given(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    (folder / "_sidebar_en.md").unlink()

    import_lessons(folder, language="en")

    assert set(LessonText.objects.values_list("language", flat=True)) == {"en"}


@pytest.mark.parametrize(
    ("english", "pairs"),
    [
        # A section more, before, between or after: told by the code and names both share.
        (
            ["Setup `pip`", "Loop `while`", "Tool `call`"],
            ["环境 `pip`/Setup `pip`", "循环 `while`/Loop `while`"],
        ),
        (["News", "Setup `pip`", "Loop `while`"], ["环境 `pip`/Setup `pip`", "循环 `while`/Loop `while`"]),
        (["Loop `while`"], ["循环 `while`/Loop `while`"]),
        (["One", "Two"], ["环境 `pip`/One", "循环 `while`/Two"]),
    ],
)
def test_unnumbered_sections_meet_their_twins(tmp_path: Path, english: list[str], pairs: list[str]) -> None:
    def chapter(headings: list[str]) -> str:
        return "# T\n" + "".join(f"## {heading}\n{heading}\n" for heading in headings)

    files: dict[str, str | bytes] = {
        "_sidebar.md": "- [序](zh.md)",
        "_sidebar_en.md": "- [T](en.md)",
        "zh.md": chapter(["环境 `pip`", "循环 `while`"]),
        "en.md": chapter(english),
    }
    printed = import_lessons(make_course(tmp_path, files), language="zh-hans")

    linked = [
        "/".join(text.title for text in lesson.texts.order_by("-language"))
        for lesson in Lesson.objects.exclude(parent=None).order_by("position")
    ]
    assert [title.replace("`", "") for title in pairs] == [title for title in linked if "/" in title]
    lonely = len(linked) - len(pairs)
    assert len([warning for warning in printed.warnings if "file lacks" in warning]) == lonely


def test_unnumbered_sections_in_different_places_are_no_twins(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "_sidebar.md": "- [书](zh.md)",
        "_sidebar_en.md": "- [Book](en.md)",
        "zh.md": "# 书\n## 缘起\n文字\n## 1.1 循环\n文字\n",
        "en.md": "# Book\n## 1.1 Loop\ntext\n## Afterword\ntext\n",
    }
    printed = import_lessons(make_course(tmp_path, files))

    assert titles("zh-hans") == ["书", "缘起", "1.1 循环"]
    assert titles("en") == ["Book", "1.1 Loop", "Afterword"]
    assert Lesson.objects.exclude(parent=None).count() == 3
    assert [warning.partition(" has the")[0] for warning in printed.warnings] == ["en.md:4:", "zh.md:2:"]


def test_a_chapter_in_one_language_is_reported(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    write_files(folder, {"ch2.md": "# Chapter 2: Two\n"})
    with (folder / "_sidebar_en.md").open("a") as sidebar:
        sidebar.write("  - [Chapter 2: Two](ch2.md)\n")

    printed = import_lessons(folder)

    assert titles() == ["1 First Steps", "1.1 The Loop", "1.2 Tools", "Exercises", "2 Two"]
    assert printed.warnings == [
        "_sidebar_en.md:4: lists ch2.md, which has no counterpart in zh-hans. "
        "Add the chapter to the zh-hans sidebar, at the same place."
    ]


def test_dry_run_writes_nothing_and_prints_the_same_table(tmp_path: Path) -> None:
    folder = make_course(tmp_path)

    rehearsed = import_lessons(folder, dry_run=True)

    assert not Course.objects.exists()
    assert "Nothing was written" in rehearsed.out
    done = import_lessons(folder)
    assert rehearsed.out.splitlines()[:-1] == done.out.splitlines()[:-1]


def test_course_slug_can_be_given(tmp_path: Path) -> None:
    import_lessons(make_course(tmp_path), course="my-agents")

    assert Course.objects.get().slug == "my-agents"
    assert lesson_titled("Tools").course.slug == "my-agents"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{folder}/absent"], "is not a folder. Give the folder that holds _sidebar.md"),
        (["{folder}/empty"], "holds no course: no chapter can be read."),
        (["{folder}"], "Is shelf/agents inside it meant?"),
        (["{folder}/shelf"], "is no course, but holds one. Is agents inside it meant?"),
        (["{folder}/shelf/agents", "--language", "tlh"], "Unknown language “tlh”. Give one of zh-hans, en."),
        (["{folder}/shelf/agents", "--course", "a/b"], "cannot name a course in addresses. Give --course"),
        (["{folder}/课程"], "cannot name a course in addresses. Give --course"),
    ],
)
def test_what_cannot_be_imported_says_how_to_mend_it(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    make_course(tmp_path / "shelf")
    write_files(tmp_path, {"empty/notes.txt": "", "课程/1.md": "# 一\n", "_sidebar.md": ""})

    with pytest.raises(CommandError) as raised:
        call_command("import_lessons", *(item.format(folder=tmp_path) for item in arguments))

    assert message in str(raised.value)
    assert not Course.objects.exists()


def test_two_sidebars_of_one_language_are_told_apart_by_the_option(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    write_files(
        folder,
        {"_sidebar.md": "- [Chapter 1: First Steps](ch1/one.md)", "ch1/two.md": ENGLISH, "x.md": CHINESE},
    )

    printed = import_lessons(folder)

    assert any("is taken for en, which another sidebar already is" in item for item in printed.warnings)
    assert set(LessonText.objects.values_list("language", flat=True)) == {"en"}
