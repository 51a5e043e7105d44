"""The protocol as programs meet it: scripted answers, refusals, and everything that is not a request."""

from __future__ import annotations

import math
from typing import Any
from uuid import uuid4

import pytest

from tutor import gateway
from tutor.gateway import Caller
from tutor.models import ModelCall
from tutor.tests.makers import (
    answers,
    ask,
    chat,
    fails,
    fake_provider,
    make_call,
    make_learner,
    make_lesson,
    make_script,
)

pytestmark = pytest.mark.django_db

WEATHER = """
name = "weather"

[[reply]]
when = { contains = "weather", tools = ["look"], turn = 1 }
tool_calls = [{ name = "look", arguments = { city = "Beijing" } }]

[[reply]]
when = { tool = "look", tool_result = "26" }
text = "It is warm: ${tool_result}."

[[reply]]
when = { matches = '我叫(?P<name>\\w+)' }
text = "你好，${name}！"

[[reply]]
when = { contains = "slow" }
text = "abcdef"
chunk = 2

[[reply]]
when = { contains = "fail" }
error = { status = 429, message = "too fast", retry_after = 0.1 }
times = 1

[[reply]]
when = { contains = "fail" }
text = "recovered"
usage = { prompt = 7, completion = 3 }

[[reply]]
when = { contains = "break" }
text = "one two three four five"
chunk = 4
break_after = 2
"""
LOOK = {"type": "function", "function": {"name": "look", "parameters": {}}}


def caller_in(lesson: Any, **fields: Any) -> Caller:
    return Caller(user_id=None, visitor="g", lesson_id=lesson.pk, run_id=uuid4(), **fields)


# --- Scripted models ------------------------------------------------------------------------------


def test_a_script_calls_a_tool_and_uses_what_it_answers() -> None:
    caller = caller_in(make_lesson(script=WEATHER))

    first = ask(chat("How is the weather?", tools=[LOOK]), caller=caller)
    message = first.line.json["choices"][0]["message"]
    [call] = message["tool_calls"]
    assert (call["function"]["name"], call["function"]["arguments"]) == ("look", '{"city": "Beijing"}')
    assert first.line.json["choices"][0]["finish_reason"] == "tool_calls"

    result = {"role": "tool", "tool_call_id": call["id"], "content": "26 degrees"}
    body = chat("How is the weather?", tools=[LOOK])
    body["messages"] += [message, result]
    second = ask(body, caller=caller, number=2)
    assert second.line.json["choices"][0]["message"]["content"] == "It is warm: 26 degrees."


def test_what_is_scripted_says_so_and_costs_nothing() -> None:
    asked = ask(chat("我叫小明"), caller=caller_in(make_lesson(script=WEATHER)))

    assert asked.line.json["model"] == "scripted:weather"
    assert asked.line.json["choices"][0]["message"]["content"] == "你好，小明！"
    assert asked.line.headers["x-helloagents-scripted"] == "true"
    assert (asked.steps[-1]["scripted"], asked.steps[-1]["cost"]) == (True, "0")
    assert ModelCall.objects.charged().count() == 0


def test_a_scripted_stream_comes_in_pieces_and_stops_where_asked() -> None:
    caller = caller_in(make_lesson(script=WEATHER))

    asked = ask(chat("slow", stream=True), caller=caller)
    contents = [e["choices"][0]["delta"].get("content") for e in asked.line.events[:-1]]
    assert contents == ["", "ab", "cd", "ef", None]
    assert ask(chat("slow", stream=True, stop=["e"]), caller=caller, number=2).line.text == "abcd"


def test_the_same_program_gets_the_same_answers() -> None:
    lesson = make_lesson(script=WEATHER)

    bodies = []
    for _ in range(2):
        answer = ask(chat("slow"), caller=caller_in(lesson)).line.json
        answer.pop("created")
        bodies.append(answer)
    assert bodies[0] == bodies[1]


def test_a_scripted_error_comes_as_often_as_it_says() -> None:
    caller = caller_in(make_lesson(script=WEATHER))

    first = ask(chat("fail"), caller=caller)
    assert (first.line.status, first.error["message"]) == (429, "too fast")
    assert first.line.headers["retry-after"] == "0.1"
    second = ask(chat("fail"), caller=caller, number=2)
    assert second.line.json["choices"][0]["message"]["content"] == "recovered"
    assert second.line.json["usage"] == {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def test_a_scripted_stream_can_break() -> None:
    asked = ask(chat("break", stream=True), caller=caller_in(make_lesson(script=WEATHER)))

    assert asked.line.events[-1]["error"]["code"] == "scripted_break"
    assert asked.steps[-1]["status"] == "failed"


def test_lessons_ask_their_chapters_and_courses_scripts() -> None:
    lesson = make_lesson(script='[[reply]]\nwhen = { contains = "mine" }\ntext = "lesson"')
    make_script('[[reply]]\ntext = "course"', lesson=lesson, for_course=True)

    def said(text: str) -> Any:
        return ask(chat(text), caller=caller_in(lesson)).line.json["choices"][0]["message"]["content"]

    assert said("mine") == "lesson"
    assert said("other") == "course"


@pytest.mark.parametrize(
    ("head", "prefers_scripts", "expected"),
    [
        ("", True, "scripted"),
        ("", False, "real"),
        ('prefer = "provider"', True, "real"),
        ('prefer = "script"', False, "scripted"),
    ],
)
def test_who_answers_where_there_are_both(
    settings: Any, head: str, prefers_scripts: bool, expected: str
) -> None:
    lesson = make_lesson(script=head + '\n[[reply]]\ntext = "scripted"')
    settings.MODEL_PREFERS_SCRIPTS = prefers_scripts
    with fake_provider(answers("real")) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        asked = ask(chat("Hi"), caller=caller_in(lesson))

    assert asked.line.json["choices"][0]["message"]["content"] == expected


@pytest.mark.parametrize(("otherwise", "status"), [("provider", 200), ("error", 422)])
def test_where_no_reply_fits_the_script_says_what_happens(settings: Any, otherwise: str, status: int) -> None:
    lesson = make_lesson(script=f'otherwise = "{otherwise}"\n[[reply]]\nwhen.contains = "x"\ntext = "y"')
    with fake_provider(answers("real")) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        asked = ask(chat("Hi"), caller=caller_in(lesson))

    assert asked.line.status == status


def test_another_lessons_script_is_out_of_reach() -> None:
    make_lesson(script='[[reply]]\ntext = "secret"', slug="other")

    asked = ask({**chat("Hi"), "model": "scripted:test"}, caller=caller_in(make_lesson()))

    assert (asked.line.status, asked.error["code"]) == (503, "model_not_configured")


# --- Nobody to answer -----------------------------------------------------------------------------


def test_without_provider_and_script_the_program_is_told_what_to_do() -> None:
    asked = ask(chat("Hi", stream=True))

    assert (asked.line.status, asked.error["code"]) == (503, "model_not_configured")
    assert asked.error["type"] == "configuration_error"
    assert asked.line.headers["x-should-retry"] == "false"  # an SDK raises at once
    assert "Model key" in asked.error["message"]


def test_guests_reach_providers_only_where_they_may(settings: Any) -> None:
    settings.MODEL_GUESTS_MAY_CALL = False
    with fake_provider() as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        asked = ask(chat("Hi"))

    assert asked.error["code"] == "model_not_configured"
    assert "Sign in" in asked.error["message"]
    assert provider.requests == []


def test_a_call_that_changes_hands_while_it_runs_keeps_its_new_owner() -> None:
    learner = make_learner()
    lesson = make_lesson(script='[[reply]]\ntext = "hello"')
    call, line = make_call(chat("Hi"))

    def sign_up(step: dict[str, Any]) -> None:
        if step["status"] == "running":
            ModelCall.objects.filter(pk=step["id"]).update(user=learner, owner=f"user:{learner.pk}")

    gateway.answer(call, caller=caller_in(lesson), on_step=sign_up)

    stored = ModelCall.objects.get()
    assert line.status == 200
    assert (stored.user, stored.owner, stored.status) == (learner, f"user:{learner.pk}", "ok")


def test_a_script_without_a_reply_says_what_it_is_for() -> None:
    lesson = make_lesson(script='[[reply]]\nwhen.contains = "x"\ntext = "y"')

    asked = ask(chat("Hi"), caller=caller_in(lesson))

    assert (asked.line.status, asked.error["code"]) == (422, "script_has_no_reply")


def test_a_loop_without_end_is_ended(settings: Any) -> None:
    settings.MODEL_CALLS_PER_RUN = 2
    caller = caller_in(make_lesson(script='[[reply]]\ntext = "y"'))

    codes = [ask(chat("Hi"), caller=caller, number=number).line.status for number in range(1, 6)]

    assert codes == [200, 200, 429, 429, 429]
    assert ModelCall.objects.count() == 3  # the first refusal is shown, the others cost nothing


# --- Other paths ----------------------------------------------------------------------------------


def test_models_are_listed(settings: Any) -> None:
    lesson = make_lesson(script='[[reply]]\ntext = "y"')
    with fake_provider() as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        asked = ask(method="GET", path="/v1/models", body=None, caller=caller_in(lesson))
        one = ask(method="GET", path="/v1/models/fake-large", body=None, caller=caller_in(lesson))
        none = ask(method="GET", path="/v1/models/gpt-99", body=None, caller=caller_in(lesson))

    assert [model["id"] for model in asked.line.json["data"]] == ["scripted:test", "fake-large"]
    assert one.line.json["id"] == "fake-large"
    assert (none.line.status, none.error["code"]) == (404, "model_not_found")


def test_scripted_embeddings_are_deterministic_and_near_for_like_texts() -> None:
    body = {
        "model": "any",
        "input": ["the cat sleeps", "a cat sleeps", "quarterly tax report"],
        "dimensions": 64,
    }

    first, second = (ask(body, path="/v1/embeddings").line.json for _ in range(2))

    assert first == second
    assert first["model"] == "scripted:embeddings"
    cat, other_cat, tax = (item["embedding"] for item in first["data"])
    assert len(cat) == 64
    assert math.isclose(sum(value * value for value in cat), 1)

    def near(one: list[float], other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    assert near(cat, other_cat) > near(cat, tax)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/v1/completions", 404, "unknown_url"),
        ("POST", "/", 404, "unknown_url"),
        ("POST", "/v1/chat/completions/../../admin", 404, "unknown_url"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
    ],
)
def test_what_is_not_offered_is_refused(method: str, path: str, status: int, code: str) -> None:
    asked = ask(chat("Hi"), method=method, path=path)

    assert (asked.line.status, asked.error["code"]) == (status, code)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"messages": NaN}',
        b'{"messages": [{"role": "user", "content": "a\\u0000b"}]}',
        b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"messages": [{"role": "user", "content": "x"}], "seed": 1e999}',
        b'{"messages": [{"role": "user", "content": "x"}], "seed": ' + b"9" * 5000 + b"}",
        b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"messages": [{"role": "user", "content": ' + b"[" * 60 + b"]" * 60 + b"}]}",
        b'{"messages": [{"role": "user", "content": "' + b"x" * (4 * 1024 * 1024) + b'"}]}',
        b'{"messages": []}',
        b'{"messages": "Hi"}',
        b'{"messages": [1]}',
        b'{"messages": [{"role": "king", "content": "x"}]}',
        b'{"messages": [{"role": "user", "content": 5}]}',
        b'{"messages": [{"role": "user", "content": [5]}]}',
        b'{"messages": [{"role": "assistant", "tool_calls": "x"}]}',
        b'{"messages": [{"role": "assistant", "tool_calls": [{"function": 1}]}]}',
        b'{"messages": [{"role": "user", "content": "x"}], "tools": [1]}',
        b'{"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function", "function": {}}]}',
        b'{"messages": [{"role": "user", "content": "x"}], "functions": 5}',
        b'{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]}',
        b'{"messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}]}',
        b'{"messages": [{"role": "user", "content": "x"}], "response_format": {"json_schema": 1}}',
        b'{"messages": [{"role": "user", "content": "x"}], "n": 1000}',
        b'{"messages": [{"role": "user", "content": "x"}], "n": true}',
        b'{"messages": [{"role": "user", "content": "x"}], "stream": "yes"}',
        b'{"messages": [{"role": "user", "content": "x"}], "stop": [1]}',
        b'{"messages": [{"role": "user", "content": "x"}], "model": {}}',
        b'{"messages": [{"role": "user", "content": "x"}], "response_format": "json"}',
    ],
)
def test_what_is_no_request_is_a_bad_request(body: bytes) -> None:
    asked = ask(body, caller=caller_in(make_lesson(script='[[reply]]\ntext = "y"')))

    assert asked.line.status == 400
    assert asked.error["type"] == "invalid_request_error"
    assert asked.line.headers["x-should-retry"] == "false"
    assert ModelCall.objects.get().status == "failed"


def test_errors_are_told_in_the_learners_language() -> None:
    caller = Caller(user_id=None, visitor="g", language="zh-hans")

    asked = ask(b"{", caller=caller)

    assert asked.line.status == 400
    assert isinstance(asked.error["message"], str)


def test_a_call_that_cannot_be_recorded_is_not_made(settings: Any, monkeypatch: Any) -> None:
    from django.db import DatabaseError

    def refuse(self: ModelCall, **options: Any) -> None:
        raise DatabaseError("disk full")

    with fake_provider(fails(500)) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        monkeypatch.setattr(ModelCall, "save", refuse)
        asked = ask(chat("Hi"))

    assert (asked.line.status, asked.error["code"]) == (503, "ledger_unavailable")
