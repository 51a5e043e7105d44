"""Scripted models among a course's files: found, tied to their lesson, checked with file and line."""

from pathlib import Path

import pytest

from lessons.model_scripts import read_script
from lessons.models import Course, Lesson, ModelScript
from lessons.tests.course_files import import_lessons, make_course
from lessons.toml_files import BadFile

SCRIPT = """
lesson = "1.2"

[[reply]]
when = { contains = "weather" }
text = "It rains."
"""


def add(folder: Path, path: str, text: str) -> None:
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8")


def mistakes(text: str) -> list[tuple[int, str]]:
    with pytest.raises(BadFile) as raised:
        read_script(text)
    return [(mistake.line, mistake.what) for mistake in raised.value.mistakes]


@pytest.mark.django_db
def test_a_script_belongs_to_the_lesson_chapter_or_course_it_names(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    add(folder, "scripts/tools.model.toml", SCRIPT)
    add(folder, "ch1/chapter.model.toml", SCRIPT.replace('"1.2"', '"1"'))
    add(folder, "all.model.toml", SCRIPT.replace('lesson = "1.2"', 'name = "everything"'))

    import_lessons(folder)

    tools = Lesson.objects.get(number="1.2")
    assert tools.parent is not None
    assert [script.name for script in ModelScript.objects.for_lesson(tools)] == [
        *("tools", "chapter", "everything")
    ]
    other = Lesson.objects.get(number="1.1")
    assert [script.name for script in ModelScript.objects.for_lesson(other)] == ["chapter", "everything"]


@pytest.mark.django_db
def test_a_changed_script_is_updated_and_a_removed_one_goes(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    add(folder, "tools.model.toml", SCRIPT)
    import_lessons(folder)
    before = ModelScript.objects.get().pk

    add(folder, "tools.model.toml", SCRIPT.replace("rains", "snows"))
    import_lessons(folder)
    after = ModelScript.objects.get()
    assert (after.pk, "snows" in after.text) == (before, True)
    assert "Nothing changed" in import_lessons(folder).out

    (folder / "tools.model.toml").unlink()
    import_lessons(folder)
    assert not Course.objects.get().model_scripts.exists()


@pytest.mark.django_db
def test_a_broken_script_is_named_with_its_line_and_the_old_one_kept(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    add(folder, "tools.model.toml", SCRIPT)
    import_lessons(folder)

    add(folder, "tools.model.toml", SCRIPT.replace('text = "It rains."', 'text = "It rains."\nspeed = 3'))
    printed = import_lessons(folder)

    assert any(line.startswith("tools.model.toml:7: sets speed in a reply.") for line in printed.warnings)
    assert "speed" not in ModelScript.objects.get().text


@pytest.mark.django_db
def test_a_script_for_no_lesson_of_the_course_is_left_out(tmp_path: Path) -> None:
    folder = make_course(tmp_path)
    add(folder, "tools.model.toml", SCRIPT.replace("1.2", "7.7"))

    [warning] = [line for line in import_lessons(folder).warnings if "model.toml" in line]

    assert warning.startswith("tools.model.toml:1: is for lesson 7.7, which the course has not got")
    assert not ModelScript.objects.exists()


def test_every_mistake_is_found_at_its_line() -> None:
    text = '''lesson = 4

[[reply]]
text = """
[[reply]]
turn = "not a setting, but text"
"""

[[reply]]
text = "x"
delay = -1
when = { turn = 0, matches = "(" }

[reply.usage]
prompt = 3

[[reply]]
when.turn = 1
'''
    assert mistakes(text) == [
        (1, "sets lesson to 4."),
        (11, "sets delay to -1."),
        (12, "sets matches to '('."),
        (12, "sets turn to 0."),
        (17, "has a reply that says nothing."),
    ]


def test_what_is_not_toml_is_said_so() -> None:
    [(line, what)] = mistakes('name = "x"\n[[reply]\n')

    assert line == 2
    assert what.startswith("is not TOML")


def test_an_empty_script_is_a_mistake() -> None:
    assert mistakes('name = "x"') == [(1, "has no reply.")]
