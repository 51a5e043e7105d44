"""A program asks its lesson's scripted model, all the way: sandbox, worker, gateway, and back to its page."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from deploy.dev import services
from progress.tests.sites import Site, Visitor, small_site

pytestmark = pytest.mark.bubblewrap

SCRIPT = """
[[reply]]
when = { turn = 1 }
text = "Thought: I should look.\\nAction: search[weather]"

[[reply]]
when = { contains = "Observation" }
text = "Thought: I know now.\\nFinish[It rains]"
"""
AGENT = """
import os
from openai import OpenAI

client = OpenAI(api_key=os.environ["LLM_API_KEY"], base_url=os.environ["LLM_BASE_URL"])
messages = [{"role": "user", "content": "How is the weather?"}]
for observation in ("Observation: rain", None):
    stream = client.chat.completions.create(model=os.environ["LLM_MODEL_ID"], messages=messages, stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    print(text)
    messages += [{"role": "assistant", "content": text}, {"role": "user", "content": observation}]
"""
ASK = "from openai import OpenAI\nOpenAI().chat.completions.create(model='gpt-x', messages=[])\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("course")
    (folder / "1.md").write_text("# Chapter 1 Agents\n\n## 1.1 Asking\n\nAsk.\n")
    (folder / "weather.model.toml").write_text(SCRIPT)
    with small_site(tmp_path_factory.mktemp("site"), MODEL_CALLS_PER_RUN="5") as started:
        services.manage(started.env, "import_lessons", folder, "--course", "agents")
        with started.worker("only"):
            yield started


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return Visitor(site.url)


def rows(site: Site, query: str) -> list[Any]:
    with closing(sqlite3.connect(site.env["DATABASE_URL"].removeprefix("sqlite:///"))) as database:
        return database.execute(query).fetchall()


def run(site: Site, visitor: Visitor, code: str) -> Any:
    (lesson,) = rows(site, "SELECT id FROM lessons_lesson WHERE number = '1.1'")[0]
    status, begun, _ = visitor.post("/en/runs/", {"code": code, "lesson": lesson})
    assert status == 201, begun
    return begun


def output_of(ended: Any) -> str:
    return "".join(text for _, text in ended["output"])


def test_an_agent_thinks_and_its_page_hears_of_it(site: Site, visitor: Visitor) -> None:
    begun = run(site, visitor, AGENT)
    events = list(visitor.follow(begun))
    ended = visitor.end_of(begun)

    assert (ended["outcome"], ended["calls"]) == ("ok", 2), ended
    assert output_of(ended).splitlines()[-1] == "Finish[It rains]"
    steps = [step for kind, step in events if kind == "call"]
    assert [(step["number"], step["status"]) for step in steps if step["status"] == "running"] == [
        *((1, "running"), (2, "running"))
    ]
    last = [step for step in steps if step["number"] == 1][-1]
    assert {part["kind"] for part in last["parts"]} == {"thought", "action", "observation"}
    assert all(step["scripted"] for step in steps)
    found = rows(site, "SELECT number, status, scripted, streamed, cost FROM tutor_modelcall ORDER BY number")
    assert found[:2] == [(1, "ok", 1, 1, 0), (2, "ok", 1, 1, 0)]


def test_without_any_model_the_learner_is_told_what_to_do(site: Site, visitor: Visitor) -> None:
    status, begun, _ = visitor.post("/en/runs/", {"code": ASK})  # of no lesson, so of no script
    ended = visitor.end_of(begun)

    assert (status, ended["outcome"], ended["calls"]) == (201, "failed", 1), json.dumps(ended)
    assert "openai." in output_of(ended)
    assert "model" in output_of(ended).lower()


def test_a_loop_of_calls_is_ended(site: Site, visitor: Visitor) -> None:
    loop = AGENT.replace('("Observation: rain", None)', '["Observation: again"] * 9')
    ended = visitor.end_of(run(site, visitor, loop))

    assert (ended["outcome"], ended["calls"]) == ("failed", 6), ended
    assert "RateLimitError" in output_of(ended) or "PermissionDenied" in output_of(ended), output_of(ended)
