"""Clients as learners use them, against the gateway: the SDK raises what its documentation promises."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command

from lessons.listings import extract
from lessons.models import Lesson, LessonText
from tutor import gateway
from tutor.gateway import Caller
from tutor.models import ModelCall
from tutor.tests.doors import front_door
from tutor.tests.makers import answers, fake_provider, make_lesson
from tutor.trace import steps_of

pytestmark = pytest.mark.django_db(transaction=True)

COURSE = Path(__file__).resolve().parents[2] / "lessons" / "content" / "first-agents"
PRELUDE = """
import json, os, openai
client = openai.OpenAI()
MESSAGES = [{"role": "user", "content": "Hi"}]

def name_of(call):
    try:
        call()
    except openai.APIError as error:
        return type(error).__name__
"""
SCRIPT = """
[[reply]]
when = { contains = "Hi", tools = ["add"] }
tool_calls = [{ name = "add", arguments = { a = 1 } }, { name = "add", arguments = { a = 2 } }]

[[reply]]
when.contains = "Hi"
error = { status = 500 }
times = 1

[[reply]]
when = { contains = "Hi", json = true }
text = '{"answer": 42}'

[[reply]]
when.contains = "Hi"
text = "Hello there"
chunk = 5
"""


def run(code: str, caller: Caller) -> Any:
    """What a program in a process of its own prints, as JSON."""
    with front_door(partial(gateway.answer, caller=caller, on_step=lambda step: None)) as url:
        environment = {
            "ANTHROPIC_API_KEY": "placeholder",
            "ANTHROPIC_BASE_URL": url.removesuffix("/v1"),
            "OPENAI_API_KEY": "placeholder",
            "OPENAI_BASE_URL": url,
            "LLM_MODEL_ID": "default",
            "PYTHONIOENCODING": "utf-8",
        }
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_sdk_streams_calls_tools_and_retries() -> None:
    caller = Caller(user_id=None, visitor="g", lesson_id=make_lesson(script=SCRIPT).pk, run_id=uuid4())
    code = PRELUDE + (
        "tool = {'type': 'function', 'function': {'name': 'add', 'parameters': {}}}\n"
        "whole = client.chat.completions.create(model='x', messages=MESSAGES)\n"
        "chunks = list(client.chat.completions.create(model='x', messages=MESSAGES, stream=True))\n"
        "tools = client.chat.completions.create(model='x', messages=MESSAGES, tools=[tool])\n"
        "as_json = client.chat.completions.create(\n"
        "    model='x', messages=MESSAGES, response_format={'type': 'json_object'})\n"
        "vector = client.embeddings.create(model='x', input='text').data[0].embedding\n"
        "print(json.dumps({\n"
        "    'whole': whole.choices[0].message.content,\n"
        "    'model': whole.model,\n"
        "    'streamed': [chunk.choices[0].delta.content for chunk in chunks],\n"
        "    'tools': [call.function.arguments for call in tools.choices[0].message.tool_calls],\n"
        "    'json': as_json.choices[0].message.content,\n"
        "    'models': [model.id for model in client.models.list()],\n"
        "    'vector': len(vector),\n"
        "}))\n"
    )

    said = json.loads(run(code, caller))

    assert said == {
        "whole": "Hello there",  # after a failure that the SDK made good
        "model": "scripted:test",
        "streamed": ["", "Hello", " ther", "e", None],
        "tools": ['{"a": 1}', '{"a": 2}'],
        "json": '{"answer": 42}',
        "models": ["scripted:test"],
        "vector": 256,
    }
    statuses = [(call.kind, call.http_status) for call in ModelCall.objects.order_by("number")]
    assert statuses == [("chat", 500), *[("chat", 200)] * 4, ("embeddings", 200), ("models", 200)]


def test_the_sdk_raises_its_own_errors_at_once(settings: Any) -> None:
    bare = Caller(user_id=None, visitor="g", run_id=uuid4())
    code = PRELUDE + (
        "print(json.dumps([\n"
        "    name_of(lambda: client.chat.completions.create(model='x', messages=MESSAGES)),\n"
        "    name_of(lambda: client.chat.completions.create(model='x', messages=[])),\n"
        "    name_of(lambda: client.models.retrieve('gpt-99')),\n"
        "]))\n"
    )

    assert json.loads(run(code, bare)) == ["InternalServerError", "BadRequestError", "NotFoundError"]
    assert ModelCall.objects.count() == 3  # none was tried again


def test_anthropics_sdk_is_answered_in_its_own_words(settings: Any) -> None:
    caller = Caller(user_id=None, visitor="g", lesson_id=make_lesson(script=SCRIPT).pk, run_id=uuid4())
    code = (
        "import anthropic, json\n"
        "client = anthropic.Anthropic()\n"
        "hi = [{'role': 'user', 'content': 'Hi'}]\n"
        "tool = {'name': 'add', 'input_schema': {'type': 'object', 'properties': {}}}\n"
        "def ask(messages=hi, **more):\n"
        "    return client.messages.create(model='x', max_tokens=99, messages=messages, **more)\n"
        "whole = ask(system='Be brief.')\n"
        "with client.messages.stream(model='x', max_tokens=99, messages=hi) as stream:\n"
        "    streamed = list(stream.text_stream)\n"
        "with client.messages.stream(model='x', max_tokens=99, messages=hi, tools=[tool]) as stream:\n"
        "    called = stream.get_final_message()\n"
        "results = [{'type': 'tool_result', 'tool_use_id': block.id, 'content': 'three'}\n"
        "           for block in called.content]\n"
        "turns = [*hi, {'role': 'assistant', 'content': called.content},\n"
        "         {'role': 'user', 'content': results}]\n"
        "try:\n"
        "    ask(messages=[{'role': 'user', 'content': 'Bye'}])\n"
        "except anthropic.APIStatusError as error:\n"
        "    refused = [type(error).__name__, error.body['error']['type']]\n"
        "print(json.dumps({\n"
        "    'whole': [whole.content[0].text, whole.model, whole.stop_reason],\n"
        "    'streamed': streamed,\n"
        "    'called': [[block.name, block.input] for block in called.content] + [called.stop_reason],\n"
        "    'after': [block.type for block in ask(messages=turns, tools=[tool]).content],\n"
        "    'refused': refused,\n"
        "}))\n"
    )

    said = json.loads(run(code, caller))

    assert said == {
        "whole": ["Hello there", "scripted:test", "end_turn"],  # after a failure that the SDK made good
        "streamed": ["Hello", " ther", "e"],
        "called": [["add", {"a": 1}], ["add", {"a": 2}], "tool_use"],
        "after": ["tool_use", "tool_use"],  # the script looks at the user's last words alone
        "refused": ["UnprocessableEntityError", "api_error"],
    }
    asked = ModelCall.objects.get(number=2)
    assert (asked.asked_model, asked.http_status) == ("x", 200)


@pytest.mark.postgresql
def test_many_calls_at_once_are_answered(settings: Any) -> None:
    caller = Caller(user_id=None, visitor="g", run_id=uuid4())
    code = PRELUDE + (
        "import asyncio\n"
        "async def main():\n"
        "    client = openai.AsyncOpenAI()\n"
        "    calls = [client.chat.completions.create(model='x', messages=MESSAGES) for _ in range(20)]\n"
        "    answers = await asyncio.gather(*calls)\n"
        "    print(json.dumps([answer.choices[0].message.content for answer in answers]))\n"
        "asyncio.run(main())\n"
    )
    with fake_provider(*[answers(f"{number}") for number in range(20)]) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        said = json.loads(run(code, caller))

    assert sorted(said, key=int) == [str(number) for number in range(20)]
    assert ModelCall.objects.filter(status="ok").values("number").distinct().count() == 20


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_shipped_course_shows_an_agent_think(language: str) -> None:
    call_command("import_lessons", str(COURSE), "--course", "first-agents", verbosity=0)
    lesson = Lesson.objects.get(number="1.5")
    texts = LessonText.objects.filter(lesson__course=lesson.course, language=language)
    tools = extract(texts.get(lesson__number="1.2").markdown)[0].code
    agent = extract(texts.get(lesson__number="1.5").markdown)[0].code
    caller = Caller(user_id=None, visitor="g", lesson_id=lesson.pk, run_id=uuid4(), language=language)
    assert caller.run_id

    printed = run(f"{tools}\n{agent}", caller)

    assert "63" in printed
    assert printed.rstrip().endswith(": 5" if language == "en" else "： 3")
    kinds = [[part["kind"] for part in step["parts"]] for step in steps_of(caller.run_id)]
    assert kinds == [["thought", "action", "observation"], ["thought", "finish"]] * 2
    assert all(step["scripted"] for step in steps_of(caller.run_id))
