"""`check_content`: a course's exercises tried for real; what is broken is told with file and line."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from lessons.models import Course
from lessons.tests.course_files import edit, import_lessons, make_course, write_files
from progress.management.commands import check_content
from sandbox.pools import Pools
from tutor.models import ModelCall

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.bubblewrap]

ASK = '''\
id = "ask"
lesson = "1.2"
title = { en = "Ask", zh-hans = "提问" }
prompt = { en = "Ask for the weather.", zh-hans = "问天气。" }
model = "ask.model.toml"
solution = """
from openai import OpenAI
answer = OpenAI().chat.completions.create(
    model="any", messages=[{"role": "user", "content": "How is the weather?"}]
).choices[0].message.content
print(answer)
"""

[[check]]
name = { en = "Asks once", zh-hans = "只问一次" }
trace.calls = 1
trace.asked = "weather"

[[check]]
name = { en = "Prints the answer", zh-hans = "打印回答" }
output.matches = "^Sun+y$"

[[check]]
name = { en = "Keeps the answer", zh-hans = "保存回答" }
probe = ["answer"]
python = """
assert result.values["answer"] == "Sunny", "It kept " + result.values["answer"]
assert result.calls[0]["answer"]["content"] == "Sunny"
assert "OpenAI" in result.code and result.output.strip() == "Sunny"
"""

[[hint]]
text = { en = "Whom do you ask?", zh-hans = "你问谁？" }

[[mistake]]
message = { en = "That asks nobody.", zh-hans = "这没有问任何人。" }
code = "answer = 'Sunny'; print(answer)"
when.check = 1
when.code_matches = "answer *="
'''
SCRIPT = """
exercise = "ask"
prefer = "script"
otherwise = "error"

[[reply]]
when = { contains = "weather" }
text = "Sunny"
"""
PREDICT = """\
id = "sum"
lesson = "1.1"
kind = "predict"
title = "Sum"
prompt = "What comes?"
code = "print(1 + 1)"
answer = "2"
"""


@pytest.fixture(autouse=True)
def pools(sandbox: Pools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_content, "get_pool", lambda: sandbox)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = make_course(tmp_path)
    write_files(
        folder, {"ask.exercise.toml": ASK, "ask.model.toml": SCRIPT, "ch1/sum.exercise.toml": PREDICT}
    )
    return folder


def check(course: str | Path) -> tuple[str, str, str]:
    """What was printed, what was wrong, how it ended."""
    out, err = StringIO(), StringIO()
    try:
        call_command("check_content", str(course), stdout=out, stderr=err, no_color=True)
    except CommandError as error:
        return out.getvalue(), err.getvalue(), str(error)
    return out.getvalue(), err.getvalue(), ""


def test_a_right_course_is_tried_whole_and_leaves_nothing_behind(folder: Path) -> None:
    out, err, end = check(folder)

    assert (end, err) == ("", "")
    assert [line.split() for line in out.splitlines()[:4]] == [
        ["right", "en", "ask"],
        ["right", "zh-hans", "ask"],
        ["right", "en", "sum"],
        ["right", "zh-hans", "sum"],
    ]
    assert not Course.objects.exists()
    assert not ModelCall.objects.exists()


def test_each_thing_that_is_broken_has_file_and_line(folder: Path) -> None:
    import_lessons(folder)
    edit(folder / "ask.exercise.toml", "Sun+y", "Rain+y")
    edit(folder / "ask.exercise.toml", "answer *=", "question *=")
    edit(folder / "ask.exercise.toml", 'zh-hans = "你问谁？"', "")
    edit(folder / "ask.exercise.toml", '"Whom do you ask?", ', '"Whom do you ask?"')
    edit(folder / "ch1/sum.exercise.toml", '"2"', '"11"')
    write_files(folder, {"broken.exercise.toml": ASK.replace("trace.calls = 1", "trace.calls = -1")})

    _, err, end = check(folder)

    assert end == "7 things are wrong."
    for told in (
        "broken.exercise.toml:16: sets calls to -1.",
        "ask.exercise.toml:19: (en) the solution fails “Prints the answer”: ",
        "ask.exercise.toml:19: (zh-hans) the solution fails “打印回答”: ",
        "ask.exercise.toml:35: (en) the mistake is not recognised. It fails check 1, “Asks once”",
        "ch1/sum.exercise.toml:7: (en) the code prints '2\\n', and the answer is '11'.",
        "warning: ask.exercise.toml:33: has no zh-hans text for text; en is shown.",
    ):
        assert told in err, err

    assert check("agents")[2] == "", "the course as it was imported is right still"


def test_a_starter_that_is_told_of_a_mistake_is_named(folder: Path) -> None:
    starter = 'starter = "answer = input"\nsolution'
    edit(folder / "ask.exercise.toml", "solution", starter)

    _, err, end = check(folder)

    assert end == "2 things are wrong."
    for language in ("en", "zh-hans"):
        told = f"ask.exercise.toml:36: ({language}) the untouched starter is taken for this mistake."
        assert told in err, err


def test_a_mistake_of_a_later_check_is_not_told_at_an_earlier_one(folder: Path) -> None:
    edit(folder / "ask.exercise.toml", "when.check = 1", "when.check = 2")

    _, err, _ = check(folder)

    assert "ask.exercise.toml:35: (en) the mistake is not recognised. It fails check 1, “Asks once”" in err


def test_a_course_that_is_none_is_told(tmp_path: Path) -> None:
    assert "is neither a folder nor a course" in check("nowhere")[2]
    assert "holds no course" in check(tmp_path)[2]
