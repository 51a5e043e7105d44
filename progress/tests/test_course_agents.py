"""The agents of a real course, which others wrote, run as they stand, with scripted models.

The course is not part of this project: it is looked for beside it, or where COURSE_DIR says. Nothing is added
to its listings but the lines that start an agent; imports that its authors forgot are made up for.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.conf import settings

from deploy.dev import services
from lessons.listings import extract
from progress.tests.sites import Site, Visitor, small_site

pytestmark = pytest.mark.docker

COURSE = Path(os.environ.get("COURSE_DIR", settings.BASE_DIR.parent / "shared/course/hello-agents"))

SCRIPTS = {
    "4.1": """
[[reply]]
when = { contains = "quicksort", system = "Python", language = "en" }
text = "def quicksort(items): ..."

[[reply]]
when = { contains = "快速排序", language = "zh-hans" }
text = "def 快速排序(items): ..."
""",
    "4.2": """
[[reply]]
when = { contains = ["Question: ", "- Search: "], observations = 0, language = "en" }
text = '''
Thought: I do not know the latest phone, so I look.
Action: Search[latest phone]'''

[[reply]]
when = { contains = "Question: ", observation = "Mate 70", language = "en" }
text = '''
Thought: The result names it.
Action: Finish[It is the ${observation}.]'''

[[reply]]
when = { contains = ["Question: ", "- Search: "], observations = 0, language = "zh-hans" }
text = '''
Thought: 我不知道最新的手机，先搜索。
Action: Search[最新手机]'''

[[reply]]
when = { contains = "Question: ", observation = "Mate 70", language = "zh-hans" }
text = '''
Thought: 结果里有答案。
Action: Finish[是${observation}。]'''
""",
    "4.3": """
[[reply]]
when = { contains = "```python", language = "en" }
text = '''
```python
["Monday: 15", "Tuesday: twice as many", "All together"]
```'''

[[reply]]
when = { contains = "```python", language = "zh-hans" }
text = '''
```python
["周一：15", "周二：两倍", "总数"]
```'''

[[reply]]
when = { matches = '# (Current Step|当前步骤):\\s+(Monday|周一)' }
text = "15"

[[reply]]
when = { matches = '# (Current Step|当前步骤):\\s+(Tuesday|周二)', contains = "15" }
text = "30"

[[reply]]
when = { matches = '# (Current Step|当前步骤):\\s+(All|总数)', contains = "30" }
text = "45"
""",
    "4.4": """
[[reply]]
when = { matches = '(Reviewer.s Feedback:|评审员的反馈)' }
text = "def primes(n): return sieve_of(n)"

[[reply]]
when = { matches = '(Code to Review|待审查的代码)', contains = "sieve_of(n)", language = "en" }
text = "It is as good as it gets: no improvement needed."

[[reply]]
when = { matches = '(Code to Review|待审查的代码)', contains = "sieve_of(n)", language = "zh-hans" }
text = "已经最优，无需改进。"

[[reply]]
when = { matches = '(Code to Review|待审查的代码)' }
text = "O(n * sqrt(n)). Use a sieve. 用筛法。"

[[reply]]
text = "def primes(n): return divide_all(n)"
""",
}
REACT = """
tools = ToolExecutor()
tools.registerTool("Search", "finds things", lambda query: "HUAWEI Mate 70")
print(ReActAgent(HelloAgentsLLM(), tools).run("What is the latest phone?"))
"""
PLAN = (
    "\nPlanAndSolveAgent(HelloAgentsLLM()).run('15 apples on Monday, twice as many on Tuesday: how many?')\n"
)
REFLECTION = "\nReflectionAgent(HelloAgentsLLM(), max_iterations=3).run('Find all primes up to n.')\n"

LANGUAGES = pytest.mark.parametrize("language", ["en", "zh-hans"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, missing: Callable[[str], NoReturn]) -> Iterator[Site]:
    if not COURSE.is_dir():
        missing(f"{COURSE} does not exist; set COURSE_DIR to a copy of the Hello-Agents course")
    folder = tmp_path_factory.mktemp("course") / "hello-agents"
    shutil.copytree(COURSE, folder)
    for lesson, script in SCRIPTS.items():
        (folder / f"{lesson}.model.toml").write_text(f'lesson = "{lesson}"\notherwise = "error"\n{script}')
    with small_site(tmp_path_factory.mktemp("site"), SANDBOX_ENGINE="docker") as started:
        services.manage(started.env, "import_lessons", folder, "--course", "hello-agents", "--verbosity", "0")
        with started.worker("only"):
            yield started


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return Visitor(site.url)


class Ran:
    """A listing that was run: what it printed, and its trace."""

    def __init__(self, visitor: Visitor, ended: Any, language: str) -> None:
        self.ended = ended
        self.text = "".join(text for _, text in ended["output"])
        self.trace = visitor.get(f"/{language}/runs/{ended['id']}/trace/")

    @property
    def steps(self) -> list[Any]:
        steps: list[Any] = self.trace["steps"]
        return steps

    @property
    def kinds(self) -> list[list[str]]:
        return [[part["kind"] for part in step["parts"]] for step in self.steps]


def lesson_text(site: Site, number: str, language: str) -> Any:
    """A lesson's id and Markdown."""
    query = (
        "SELECT lesson_id, markdown FROM lessons_lessontext "
        "JOIN lessons_lesson ON lessons_lesson.id = lesson_id WHERE number = ? AND language = ?"
    )
    with closing(sqlite3.connect(site.env["DATABASE_URL"].removeprefix("sqlite:///"))) as database:
        return database.execute(query, (number, language)).fetchone()


def run(site: Site, visitor: Visitor, lesson: str, language: str, *, below: str = "") -> Ran:
    """Run the last listing of a lesson as it stands, with lines of the learner's `below` it."""
    pk, markdown = lesson_text(site, lesson, language)
    last = extract(markdown, lesson)[-1]
    asked = {"lesson": pk, "listing": last.index, "language_version": language}
    code = {"code": last.code + below} if below else {}
    status, begun, _ = visitor.post(f"/{language}/runs/", {**asked, **code})
    assert status == 201, begun
    ended = visitor.end_of(begun)
    ran = Ran(visitor, ended, language)
    assert ended["outcome"] == "ok", ran.text
    return ran


@LANGUAGES
def test_the_first_client_streams_an_answer(site: Site, visitor: Visitor, language: str) -> None:
    ran = run(site, visitor, "4.1", language)

    assert ran.text.count("(items): ...") == 2  # as it comes, and whole
    assert "❌" not in ran.text
    (step,) = ran.steps
    assert (step["status"], step["streamed"], step["scripted"]) == ("ok", True, True)


@LANGUAGES
def test_react_thinks_acts_and_observes(site: Site, visitor: Visitor, language: str) -> None:
    ran = run(site, visitor, "4.2", language, below=REACT)

    answer = {"en": "It is the HUAWEI Mate 70.", "zh-hans": "是HUAWEI Mate 70。"}[language]
    assert ran.text.splitlines()[-1] == answer
    assert ran.kinds == [["thought", "action", "observation"], ["thought", "finish"]]
    assert [part["text"] for part in ran.steps[0]["parts"]][2] == "HUAWEI Mate 70"


@LANGUAGES
def test_plan_and_solve_plans_and_solves(site: Site, visitor: Visitor, language: str) -> None:
    ran = run(site, visitor, "4.3", language, below=PLAN)

    assert ran.text.splitlines()[-1].endswith("45")
    assert [step["answer"]["content"] for step in ran.steps[1:]] == ["15", "30", "45"]
    assert len(ran.steps) == 4


@LANGUAGES
def test_reflection_ends_when_nothing_is_left_to_improve(site: Site, visitor: Visitor, language: str) -> None:
    ran = run(site, visitor, "4.4", language, below=REFLECTION)

    assert "return sieve_of(n)" in ran.text.splitlines()[-2]
    answers = [step["answer"]["content"] for step in ran.steps]
    assert [("sieve_of" in answer, "O(n" in answer) for answer in answers] == [
        *((False, False), (False, True), (True, False), (False, False))
    ]


@LANGUAGES
def test_where_no_model_answers_a_program_is_told_what_to_do(
    site: Site, visitor: Visitor, language: str
) -> None:
    code = """
import openai
try:
    openai.OpenAI().chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
except openai.APIStatusError as error:
    print(error.status_code, error.type, error.code)
    print(error.message)
"""
    status, begun, _ = visitor.post(f"/{language}/runs/", {"code": code})  # of no lesson, so of no script
    text = Ran(visitor, visitor.end_of(begun), language).text

    assert status == 201
    assert text.startswith("503 configuration_error model_not_configured\n")
    assert len(text.splitlines()[1]) > 40
