"""What a trace shows of agents that think, act and observe, and that it grows with what is new alone."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from tutor import runs, telemetry
from tutor.gateway import Caller
from tutor.models import ModelCall
from tutor.recognising import observations_in, parts_of
from tutor.tests.makers import ask, chat, make_lesson
from tutor.trace import steps_of

REACT_PROMPT = """
请注意，你是一个有能力调用外部工具的智能助手。

可用工具如下:
- Search: 一个网页搜索引擎。

请严格按照以下格式进行回应:

Thought: 你的思考过程，用于分析问题、拆解任务和规划下一步行动。
Action: 你决定采取的行动，必须是以下格式之一:
- `{{tool_name}}[{{tool_input}}]`:调用一个可用工具。
- `Finish[最终答案]`:当你认为已经获得最终答案时。

现在，请开始解决以下问题:
Question: 华为最新的手机是哪一款？
History: {history}
"""
REACT_SCRIPT = '''
name = "react"

[[reply]]
when = { contains = "Question:", observations = 0 }
text = """Thought: 我需要查找华为最新发布的手机。
Action: Search[华为最新手机]"""

[[reply]]
when = { observations = 1, observation = "Mate 70" }
text = """Thought: 搜索结果里有答案。
Action: Finish[Mate 70]"""
'''


def kinds(text: str, asked: str = "") -> list[tuple[str, str]]:
    return [(part["kind"], part["text"]) for part in parts_of(text, asked)]


def test_react_is_recognised_in_both_languages() -> None:
    assert kinds("Thought: I search.\nAction: Search[Huawei's phone]") == [
        ("thought", "I search."),
        ("action", "Search[Huawei's phone]"),
    ]
    assert kinds("🤔 思考：先搜索。\n**行动 1**: Search[手机]") == [
        ("thought", "先搜索。"),
        ("action", "Search[手机]"),
    ]
    assert kinds('Thought: done\nAction: finish(answer="Mate 70")')[1] == ("finish", "Mate 70")
    assert kinds("Thought: 够了\nAction: Finish[答案有[括号]\n和两行]")[1] == (
        "finish",
        "答案有[括号]\n和两行",
    )
    assert kinds("Thought: x\nAction: look\nAction Input: Beijing")[1] == ("action", "look[Beijing]")
    assert kinds("I now know.\nFinal Answer: 42") == [("text", "I now know."), ("finish", "42")]
    assert kinds("Just an answer, no marks.") == [("text", "Just an answer, no marks.")]


def test_an_observation_that_the_model_invents_is_none() -> None:
    assert kinds("Thought: a\nAction: Search[b]\nObservation: invented") == [
        ("thought", "a"),
        ("action", "Search[b]"),
    ]


def test_plans_steps_and_reviews_are_recognised() -> None:
    plan = '```python\n["算周一的销量", "算周二的销量"]\n```'
    assert parts_of(plan) == [
        {"kind": "thought", "text": "1. 算周一的销量\n2. 算周二的销量", "label": "plan"}
    ]
    step = "# 原始问题:\n…\n\n# 当前步骤:\n算周一的销量\n\n请仅输出针对“当前步骤”的回答:"
    assert kinds("15", step) == [("action", "算周一的销量"), ("observation", "15")]
    review = "你是一位极其严格的代码评审专家。找出主要瓶颈。\n请直接输出你的反馈。"
    assert parts_of("时间复杂度太高", review)[0]["label"] == "reflection"
    assert kinds("无需改进", review) == [("finish", "无需改进")]
    refine = "你正在根据一位代码评审专家的反馈来优化你的代码。\n评审员的反馈：\n太慢"
    assert kinds("def f(): ...", refine) == [("text", "def f(): ...")]
    assert kinds("15", "# Current Step:\nSum Monday\n") == [("action", "Sum Monday"), ("observation", "15")]


def test_observations_are_found_in_prompts() -> None:
    found = observations_in("History: Action: Search[x]\nObservation: 26 degrees,\nsunny\nAction: y")
    assert [part["text"] for part in found] == ["26 degrees,\nsunny"]


@pytest.mark.parametrize(
    "text",
    [
        "Observation" + " " * 20_000 + "!",
        "Action" + "\n" * 20_000 + "Input",
        "\n" * 100_000,
        "反思" * 50_000,
        "```[" * 25_000,
    ],
)
def test_no_text_can_be_searched_for_ever(text: str) -> None:
    """A pattern that backtracks needs ages for these, and meanwhile its process does nothing else."""
    assert observations_in(text) == []
    assert all(part["kind"] == "text" for part in parts_of(text, text))


@pytest.mark.django_db
def test_a_react_run_shows_each_thought_action_and_observation() -> None:
    caller = Caller(user_id=None, visitor="g", lesson_id=make_lesson(script=REACT_SCRIPT).pk, run_id=uuid4())
    assert caller.run_id
    history = "Action: Search[华为最新手机]\nObservation: [1] HUAWEI Mate 70"

    ask(chat(REACT_PROMPT.replace("{history}", "")), caller=caller)
    asked = ask(chat(REACT_PROMPT.replace("{history}", history)), caller=caller, number=2)

    first, second = steps_of(caller.run_id)
    assert [part["kind"] for part in first["parts"]] == ["thought", "action", "observation"]
    assert first["parts"][2]["text"] == "[1] HUAWEI Mate 70"
    assert [part["kind"] for part in second["parts"]] == ["thought", "finish"]
    assert second["messages"][0]["content"] == REACT_PROMPT.replace("{history}", history)
    # The page hears of the observation with the next call, and of that call twice.
    assert [(step["number"], step["status"]) for step in asked.steps] == [
        (1, "ok"),
        (2, "running"),
        (2, "ok"),
    ]
    assert asked.steps[0]["parts"] == first["parts"]
    assert asked.steps[2]["parts"] == second["parts"]


@pytest.mark.django_db
def test_tool_calls_are_paired_with_results() -> None:
    script = (
        '[[reply]]\nwhen.turn = 1\ntool_calls = [{ name = "add" }, { name = "mul" }]\n'
        '[[reply]]\nwhen.turn = 2\ntext = "done"'
    )
    caller = Caller(user_id=None, visitor="g", lesson_id=make_lesson(script=script).pk, run_id=uuid4())
    assert caller.run_id
    body = chat("Compute")
    message = ask(body, caller=caller).line.json["choices"][0]["message"]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": str(number)}
        for number, call in enumerate(message["tool_calls"])
    ]
    body["messages"] += [message, *results]
    ask(body, caller=caller, number=2)

    first, second = steps_of(caller.run_id)
    assert [(result["name"], result["content"]) for result in first["tool_results"]] == [
        ("add", "0"),
        ("mul", "1"),
    ]
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "tool", "tool"]
    [resource] = telemetry.export(caller.run_id)["resourceSpans"]
    spans = resource["scopeSpans"][0]["spans"]
    operations = [span["attributes"]["gen_ai.operation.name"] for span in spans]
    assert operations == ["chat", "execute_tool", "execute_tool", "chat"]
    assert spans[1]["parentSpanId"] == spans[0]["spanId"]
    assert spans[0]["attributes"]["gen_ai.response.model"] == "scripted:test"
    assert spans[0]["attributes"]["gen_ai.usage.input_tokens"] > 0
    json.dumps(spans)


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["messages", "prompt"])
def test_a_trace_grows_with_what_is_new(way: str) -> None:
    caller = Caller(
        user_id=None, visitor="g", lesson_id=make_lesson(script='[[reply]]\ntext="ok"').pk, run_id=uuid4()
    )
    assert caller.run_id
    turns: list[str] = []
    for number in range(1, 31):
        turns.append(f"Turn {number}: " + "x" * 400)
        body = chat(*turns) if way == "messages" else chat("\n".join(turns))
        ask(body, caller=caller, number=number)

    stored = sum(len(json.dumps(call.request)) for call in ModelCall.objects.all())
    assert stored < 30 * 1000  # each turn once or twice; whole conversations would be fifteen times as much
    last = steps_of(caller.run_id)[-1]["messages"]
    assert "\n".join(message["content"] for message in last) == "\n".join(turns)


@pytest.mark.django_db
def test_two_agents_that_take_turns_share_only_their_own_words() -> None:
    caller = Caller(
        user_id=None, visitor="g", lesson_id=make_lesson(script='[[reply]]\ntext="ok"').pk, run_id=uuid4()
    )
    assert caller.run_id
    talks: dict[str, list[str]] = {"writer": [], "critic": []}
    for number in range(1, 9):
        name = "writer" if number % 2 else "critic"
        talks[name].append(f"{name} {number} " + "y" * 300)
        ask(chat(*talks[name]), caller=caller, number=number)

    steps = steps_of(caller.run_id)
    assert [m["content"] for m in steps[-1]["messages"]] == talks["critic"]
    assert [m["content"] for m in steps[-2]["messages"]] == talks["writer"]
    assert ModelCall.objects.get(number=8).request["base"] == 6


@pytest.mark.django_db
def test_a_run_cannot_fill_the_database(monkeypatch: Any) -> None:
    monkeypatch.setattr(runs, "_ROOM", 50_000)
    caller = Caller(user_id=None, visitor="g", lesson_id=make_lesson(script=REACT_SCRIPT).pk, run_id=uuid4())
    for number in range(1, 8):
        ask(chat(f"{number} " * 8_000), caller=caller, number=number)

    sizes = [len(json.dumps(call.request)) for call in ModelCall.objects.filter(run_id=caller.run_id)]
    assert max(sizes) > 10_000  # as long as there is room
    assert sum(sizes) < 55_000
    assert caller.run_id
    *_, last = steps_of(caller.run_id)
    assert last["messages"][0]["content"].startswith("7 7 7")


@pytest.mark.django_db
def test_large_messages_and_pictures_are_kept_in_short() -> None:
    caller = Caller(
        user_id=None, visitor="g", lesson_id=make_lesson(script='[[reply]]\ntext="ok"').pk, run_id=uuid4()
    )
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 50_000}}
    body: Any = chat("z" * 1_000_000)
    body["messages"].append({"role": "user", "content": [{"type": "text", "text": "See"}, picture]})

    ask(body, caller=caller)

    request = ModelCall.objects.get().request
    assert len(json.dumps(request)) < 30_000
    assert request["messages"][1]["content"] == [
        {"type": "text", "text": "See"},
        {"type": "image_url", "note": "49 KB"},
    ]
