"""A course is written back as the folder it came from."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from lessons.models import Course, Lesson, LessonText
from lessons.tests.course_files import (
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


def export(slug: str, folder: Path, **options: object) -> str:
    out = StringIO()
    call_command("export_lessons", slug, folder, stdout=out, stderr=out, no_color=True, **options)
    return out.getvalue()


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def rows(slug: str) -> list[tuple[object, ...]]:
    """The course as readers see it, without keys and times."""
    texts = LessonText.objects.filter(lesson__course__slug=slug, lesson__is_retired=False)
    fields = ("lesson__number", "lesson__position", "lesson__parent__position", "language")
    return sorted(texts.values_list(*fields, "title", "part", "markdown", "source_path"), key=str)


def test_the_shipped_course_comes_out_as_it_went_in(tmp_path: Path) -> None:
    source = Path(django_settings.BASE_DIR) / "lessons/content/first-agents"
    import_lessons(source)

    export("first-agents", tmp_path / "out")

    # What figures are drawn from is shown by no lesson.
    shown = {path: content for path, content in contents(source).items() if not path.endswith(".svg")}
    assert contents(tmp_path / "out") == shown
    assert "Nothing changed" in import_lessons(tmp_path / "out", course="first-agents").out


def test_every_oddity_of_a_folder_survives(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    one = (folder / "ch1/one.md").read_text(encoding="utf-8")
    write_files(
        folder,
        {
            "ch1/one.md": b"\xef\xbb\xbf" + one.rstrip("\n").replace("\n", "\r\n").encode(),
            "course.toml": b"\xef\xbb\xbf# how it runs\nimage = 'python'\n\n",
            "_sidebar.md": b"\xef\xbb\xbf"
            + (folder / "_sidebar.md").read_bytes()
            + b"- [Later](later.md)\n\n",
            "ch1/x.model.toml": 'lesson = "1.1"\n\n[[reply]]\ntext = "Hello"\n',
            "images/a.png": make_png(),
        },
    )
    with (folder / "ch1/一.md").open("a", encoding="utf-8") as file:
        file.write("\n\n![a](../images/a.png)   \n\n\n")
    import_lessons(folder)
    before = rows("agents")

    said = export("agents", tmp_path / "out")
    again = export("agents", tmp_path / "out")

    assert contents(tmp_path / "out") == contents(folder)
    assert f"{len(contents(folder))} files written" in said
    assert "0 files written" in again
    import_lessons(tmp_path / "out", course="twin")
    assert rows("twin") == before


def test_a_plain_folder_stays_one(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"{n}.md": f"# Chapter {n}: A\n\nText.\n\n## {n}.1 B\n" for n in (2, 10)}
    folder = make_course(tmp_path, {**files, "README.md": "# Plain\n\nA plain course it is.\n"})
    import_lessons(folder)

    export("agents", tmp_path / "out")

    assert contents(tmp_path / "out") == contents(folder)


def test_one_language_and_what_an_operator_set(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    import_lessons(folder)
    Course.objects.update(image="python", packages="numpy==2.4.6\n", code_policy="warn")

    export("agents", tmp_path / "out", language="en")

    assert set(contents(tmp_path / "out")) == {"README.md", "_sidebar_en.md", "ch1/one.md", "course.toml"}
    toml = (tmp_path / "out/course.toml").read_text(encoding="utf-8")
    assert toml == 'image = "python"\npackages = ["numpy==2.4.6"]\n'


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    import_lessons(make_book(tmp_path, "# Chapter 1: Book\n"))
    file = tmp_path / "file"
    file.write_text("x", encoding="utf-8")
    with pytest.raises(CommandError, match="The courses are: agents"):
        export("other", tmp_path / "out")
    with pytest.raises(CommandError, match="is a file"):
        export("agents", file)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "book.md").symlink_to(file)
    with pytest.raises(CommandError, match="leads out of"):
        export("agents", tmp_path / "out")
    assert file.read_text(encoding="utf-8") == "x"


def test_a_course_from_before_gets_a_readme_and_sidebars(tmp_path: Path) -> None:
    import_lessons(make_course(tmp_path))
    course = Course.objects.get()
    course.files.all().delete()
    before = rows("agents")

    export("agents", tmp_path / "out")

    sidebar = (tmp_path / "out/_sidebar_en.md").read_text(encoding="utf-8")
    assert sidebar == "- [Agents](README_en.md)\n- Part One\n  - [Chapter 1: First Steps](ch1/one.md)\n"
    import_lessons(tmp_path / "out", course="twin")
    assert rows("twin") == before
    assert Course.objects.get(slug="twin").texts.get(language="en").title == "Agents"


def test_what_readers_do_not_see_stays_behind(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    write_files(folder, {"b.md": "# 第二章 更多\n"})
    write_files(folder, {"_sidebar.md": (folder / "_sidebar.md").read_text() + "- [第二章 更多](b.md)\n"})
    import_lessons(folder)
    Lesson.objects.filter(pk__in=[lesson_titled("Tools").pk, lesson_titled("更多").pk]).update(
        is_retired=True
    )

    export("agents", tmp_path / "out")

    assert "Tools" not in (tmp_path / "out/ch1/one.md").read_text(encoding="utf-8")
    assert "b.md" not in (tmp_path / "out/_sidebar.md").read_text(encoding="utf-8")
    assert not (tmp_path / "out/b.md").exists()
    assert import_lessons(tmp_path / "out", course="twin").counts("chapters") == {"created": 1}
    assert "1.2 Tools" not in titles()
