"""Exercises among a course's files: read with every mistake at its line, tied to lessons, kept up to date."""

from pathlib import Path
from typing import Any

import pytest

from lessons.exercises import OutputCheck, ValueCheck, in_language, read_exercise
from lessons.models import Course, Exercise, ModelScript
from lessons.tests.course_files import edit, import_lessons, make_course, write_files
from lessons.toml_files import BadFile

EXERCISE = '''\
id = "count-vowels"
lesson = "1.2"
concepts = ["tools"]
files = { "data.txt" = "aeiou" }
listing = 1
title = { en = "Count the vowels", zh-hans = "数元音" }
prompt.en = """
Write `count_vowels`.
id = "not here"
"""
prompt.zh-hans = "写 `count_vowels`。"
starter = "def count_vowels(text):\\n    ...\\n"
solution = "def count_vowels(text):\\n    return sum(c in 'aeiou' for c in text)\\n"
model = "vowels.model.toml"

[[check]]
name = "Counts those of hello"
value = "count_vowels('hello')"
equals = 2

[[check]]
name = { en = "Says hello", zh-hans = "说你好" }
hidden = true
output.contains = { en = "hello", zh-hans = ["你", "好"] }
message.en = "Say it."

[[hint]]
text = "Where is the loop?"
line_contains = "def count"

[[mistake]]
message = "It counts consonants, too."
code = "def count_vowels(text):\\n    return len(text)\\n"
when.check = 1
when.code_contains = "len"
'''
SCRIPT = """
exercise = "count-vowels"
prefer = "script"

[[reply]]
text = "42"
"""
PREDICT = """
id = "what-comes"
lesson = "1.2"
kind = "predict"
optional = true
title = "What comes?"
prompt = "What does this print?"
code = "print(1 + 1)"
answer = "2"
choices = ["2", "11"]
explanation = "Numbers are added."
"""


def test_an_exercise_is_read_whole() -> None:
    read = read_exercise(EXERCISE)

    assert (read.id, read.lesson, read.kind, read.timeout, read.listing) == (
        "count-vowels",
        "1.2",
        "code",
        10,
        1,
    )
    assert in_language(read.title, "zh-hans", "") == "数元音"
    assert in_language(read.title, "fr", "") == "Count the vowels"
    value, output = (check.what for check in read.checks)
    assert isinstance(value, ValueCheck)
    assert (value.expression, value.equals) == ({"": "count_vowels('hello')"}, {"": 2})
    assert isinstance(output, OutputCheck)
    assert output.contains == {"en": ("hello",), "zh-hans": ("你", "好")}
    assert [check.hidden for check in read.checks] == [False, True]
    assert read.hints[0].line_contains == {"": "def count"}
    assert (read.mistakes[0].check, read.mistakes[0].code_contains) == (1, {"": ("len",)})
    assert read_exercise(PREDICT).choices == {"": ("2", "11")}


def mistakes_in(text: str) -> list[str]:
    with pytest.raises(BadFile) as raised:
        read_exercise(text)
    return [f"{at.line}: {at.what} {at.mend}" for at in raised.value.mistakes]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('id = "count-vowels"', 'id = "Count Vowels"', "1: sets id to 'Count Vowels'."),
        ('lesson = "1.2"\n', "", "1: does not set lesson. An exercise of kind code needs it."),
        (
            'concepts = ["tools"]',
            'concept = ["tools"]',
            "3: sets concept in the head of an exercise. Use id,",
        ),
        (
            '{ "data.txt" = "aeiou" }',
            '{ "../data.txt" = "a" }',
            "4: sets files to {'../data.txt': 'a'}. Give",
        ),
        ("prompt.zh-hans", "prompt.fr", "11: sets prompt to "),
        ("def count_vowels(text):\\n    return sum", "def :\\n    return sum", "13: sets solution to "),
        ("model = ", "code = ", "14: sets code, which no exercise of kind code has."),
        ("equals = 2", "", "16: says of a value nothing that must be so."),
        ("equals = 2", "equals = 2\noutput.lines = 1", "16: is a check on output and value."),
        ("equals = 2", 'equals_python = "{1,"', "19: sets equals_python to '{1,'. Give a literal"),
        ("count_vowels('hello')", "count_vowels('", "18: sets value to "),
        ("hidden = true", 'hidden = "yes"', "23: sets hidden to 'yes'. Give true or false."),
        ("output.contains", "output.holds", "24: sets holds in output. Use equals, contains,"),
        ("output.contains", 'code.calls = ["print"]\nstdin = "x"\n#', "25: sets stdin in a check on code."),
        ('text = "Where is the loop?"\n', "", "27: does not set text. A hint needs it."),
        ("when.check = 1", "when.check = 3", "34: speaks of check 3. The exercise has 2."),
        (
            'when.code_contains = "len"',
            'when.code_matches = "("',
            "35: sets code_matches to '('. Give a regular",
        ),
        ('[[check]]\nname = "Counts', '[check]\nname = "Counts', "is not TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_how_to_mend_it(old: str, new: str, told: str) -> None:
    assert old in EXERCISE

    assert any(told in said for said in mistakes_in(EXERCISE.replace(old, new, 1))), mistakes_in(
        EXERCISE.replace(old, new, 1)
    )


def test_the_answer_is_among_the_choices() -> None:
    assert mistakes_in(PREDICT.replace('answer = "2"', 'answer = "3"')) == [
        "9: has an answer that is no choice. Give the answer as one of the choices, letter by letter."
    ]
    assert mistakes_in(PREDICT + '[[check]]\nname = "x"\ncode.calls = "print"\n') == [
        "12: sets check, which no exercise of kind predict has. Leave it out."
    ]


# --- In a course ----------------------------------------------------------------------------------


def course_with(tmp_path: Path, files: dict[str, str | bytes] | None = None) -> Path:
    folder = make_course(tmp_path)
    concepts = '[concepts]\ntools = { en = "Tools", zh-hans = "工具" }\n'
    default: dict[str, Any] = {
        "ch1/vowels.exercise.toml": EXERCISE,
        "ch1/vowels.model.toml": SCRIPT,
        "ch1/what.exercise.toml": PREDICT,
    }
    write_files(folder, {"course.toml": concepts, **(default if files is None else files)})
    return folder


def test_an_import_ties_exercises_to_lessons_and_is_idempotent(db: None, tmp_path: Path) -> None:
    folder = course_with(tmp_path)

    printed = import_lessons(folder)

    assert printed.warnings == []
    assert printed.counts("exercises") == {"created": 2}
    course = Course.objects.get()
    assert course.concepts == {"tools": {"en": "Tools", "zh-hans": "工具"}}
    vowels, what = Exercise.objects.published()
    assert (vowels.slug, vowels.lesson.number, vowels.position, vowels.concepts) == (
        *("count-vowels", "1.2", 1),
        ["tools"],
    )
    assert (what.slug, what.position, what.kind, what.optional) == ("what-comes", 2, "predict", True)
    assert vowels.title_in("zh-hans") == "数元音"
    assert vowels.text == EXERCISE
    script = ModelScript.objects.get()
    assert (script.exercise, script.lesson) == (vowels, None)
    assert list(ModelScript.objects.for_lesson(vowels.lesson)) == []
    assert list(ModelScript.objects.for_lesson(vowels.lesson, exercise=vowels.pk)) == [script]

    again = import_lessons(folder)

    assert again.counts("exercises") == {"unchanged": 2}
    assert "Nothing changed" in again.out


def test_a_broken_file_keeps_what_was_there_and_a_gone_one_is_retired(db: None, tmp_path: Path) -> None:
    folder = course_with(tmp_path)
    import_lessons(folder)
    edit(folder / "ch1/vowels.exercise.toml", "equals = 2", "equals = 1979-05-27")
    (folder / "ch1/what.exercise.toml").unlink()

    printed = import_lessons(folder)

    assert printed.counts("exercises") == {"removed": 1, "skipped": 1}
    [warning] = [said for said in printed.warnings if "exercise.toml" in said]
    assert warning.startswith("ch1/vowels.exercise.toml:19: sets equals to ")
    assert warning.endswith("Until then the exercise stays as it was.")
    [kept] = Exercise.objects.published()
    assert kept.text == EXERCISE

    write_files(folder, {"ch2.exercise.toml": PREDICT, "ch1/vowels.exercise.toml": EXERCISE})
    assert import_lessons(folder).counts("exercises") == {"updated": 1, "unchanged": 1}
    assert Exercise.objects.count() == 2, "the one that came back has its row still"


def test_what_an_exercise_names_and_the_course_has_not_got_is_told(db: None, tmp_path: Path) -> None:
    folder = course_with(
        tmp_path,
        {
            "a.exercise.toml": EXERCISE.replace('"1.2"', '"9.9"'),
            "b.exercise.toml": EXERCISE.replace("tools", "magic"),
            "c.exercise.toml": EXERCISE.replace('"count-vowels"', '"other"').replace(
                "vowels.model", "wrong.model"
            ),
            "wrong.model.toml": SCRIPT.replace("count-vowels", "nobody"),
            "vowels.model.toml": SCRIPT,
        },
    )

    warnings = "\n".join(import_lessons(folder).warnings)

    assert "a.exercise.toml:2: is for lesson 9.9, which the course has not got" in warnings
    assert "b.exercise.toml:1: has the id count-vowels, as a.exercise.toml has" in warnings
    assert (
        "c.exercise.toml:14: names the model wrong.model.toml, which is for the exercise nobody." in warnings
    )
    assert "wrong.model.toml:1: is for the exercise nobody, which the course has not got" in warnings
    edit(folder / "c.exercise.toml", '["tools"]', '["tools", "magic"]')
    assert "c.exercise.toml:3: practises magic, of which the course knows nothing." in "\n".join(
        import_lessons(folder).warnings
    )


def test_concepts_are_checked(db: None, tmp_path: Path) -> None:
    folder = course_with(tmp_path)
    edit(folder / "course.toml", "en =", "fr =")

    [warning] = [said for said in import_lessons(folder).warnings if said.startswith("course.toml")]

    assert warning.startswith("course.toml:1: sets concepts to ")
    assert "tools does not do: give texts by language: zh-hans, en; until then" in warning
