"""Real answers and every way they fail: what the program hears, what the ledger says, who is asked next."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest

from sandbox.calls import Call
from tutor import gateway
from tutor.gateway import Caller
from tutor.models import ModelCall
from tutor.tests.makers import (
    answers,
    ask,
    breaks_off,
    chat,
    fails,
    fake_provider,
    hangs,
    make_call,
    says_garbage,
    says_then_hangs,
)
from tutor.trace import step_of

pytestmark = pytest.mark.django_db


def abandon_when(call: Call, asked: threading.Event) -> None:
    asked.wait(10)
    call.abandon()


def row() -> ModelCall:
    return ModelCall.objects.get()


def test_a_streamed_answer_is_passed_on_chunk_by_chunk_and_paid_once(settings: Any) -> None:
    with fake_provider(answers("Hel", "lo", "!")) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        asked = ask(chat("Hi", stream=True))

    assert asked.line.text == "Hello!"
    assert asked.line.events[-1] == "[DONE]"
    assert len(asked.line.pieces) == 6  # role, three words, the end, [DONE]; usage was not asked for
    assert provider.requests[0]["stream_options"] == {"include_usage": True}
    call = row()
    assert (call.status, call.http_status, call.provider, call.model) == ("ok", 200, "fake", "fake-large")
    assert (call.prompt_tokens, call.completion_tokens, call.is_estimate) == (100, 50, False)
    assert call.cost == Decimal("0.000200")
    assert call.first_token is not None
    assert [step["status"] for step in asked.steps] == ["running", "ok"]
    assert asked.steps[-1]["answer"]["content"] == "Hello!"


def test_usage_is_streamed_to_those_who_ask_for_it(settings: Any) -> None:
    with fake_provider(answers("Hi")) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        asked = ask(chat("Hi", stream=True, stream_options={"include_usage": True}))

    assert asked.line.events[-2]["usage"]["total_tokens"] == 150


def test_what_is_asked_is_passed_on_as_it_is(settings: Any) -> None:
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    call_of_tool = {"id": "t1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    body = {
        **chat("Hi", tools=[tool], n=2, stop=["END"], response_format={"type": "json_object"}, seed=7),
        "model": "fake-small",
        "store": True,
    }
    body["messages"].append({"role": "user", "content": [{"type": "text", "text": "See"}, picture]})
    with fake_provider(answers(tool_calls=[call_of_tool])) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        asked = ask(body)

    [sent] = provider.requests
    kept = ("messages", "tools", "n", "stop", "response_format", "seed")
    assert {name: sent[name] for name in kept} == {name: body[name] for name in kept}
    assert sent["model"] == "fake-small"
    assert "store" not in sent  # it might cost what nobody counts
    assert asked.line.json["choices"][0]["message"]["tool_calls"] == [call_of_tool]
    assert asked.steps[-1]["answer"]["tool_calls"] == [{"id": "t1", "name": "add", "arguments": "{}"}]


def test_an_unknown_model_means_the_sites_own(settings: Any) -> None:
    with fake_provider() as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        ask({**chat("Hi"), "model": "gpt-99"})

    assert provider.requests[0]["model"] == "fake-large"
    assert (row().asked_model, row().model) == ("gpt-99", "fake-large")


def test_embeddings_come_from_the_provider(settings: Any) -> None:
    with fake_provider() as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        asked = ask({"model": "v", "input": "text"}, path="/v1/embeddings")

    assert asked.line.json["data"][0]["embedding"] == [0.5, 0.5]
    assert (row().kind, row().prompt_tokens) == ("embeddings", 3)


@pytest.mark.parametrize(
    ("first", "tries"),
    [
        (fails(500), 2),
        (fails(429, retry_after="0"), 2),
        (fails(429, retry_after="60"), 1),  # too long to wait
        (fails(401), 1),
        (fails(404), 1),
        (says_garbage, 1),
        (breaks_off(), 1),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_the_next_provider_answers_where_one_fails(
    settings: Any, first: Any, tries: int, stream: bool
) -> None:
    with fake_provider(first, first) as bad, fake_provider(answers("Hello")) as good:
        settings.MODEL_PROVIDERS = [bad.configured("bad"), good.configured("good")]
        asked = ask(chat("Hi", stream=stream))

    assert len(bad.requests) == tries
    said = asked.line.text if stream else asked.line.json["choices"][0]["message"]["content"]
    assert said == "Hello"
    call = row()
    assert (call.status, call.provider, call.cost) == ("ok", "good", Decimal("0.000200"))


def test_a_second_try_at_the_same_provider_may_succeed(settings: Any) -> None:
    with fake_provider(fails(503), answers("Hello")) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        asked = ask(chat("Hi", stream=True))

    assert asked.line.text == "Hello"
    assert row().cost == Decimal("0.000200")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (fails(500), 502, "provider_failed"),
        (fails(401, "wrong key sk-site"), 502, "provider_key_refused"),
        (fails(429, retry_after="30"), 429, "provider_rate_limited"),
        (fails(400, "the context is too long"), 400, "provider_rejected_request"),
        (says_garbage, 502, "provider_garbage"),
    ],
)
def test_a_failure_is_told_in_the_protocols_words(settings: Any, fault: Any, status: int, code: str) -> None:
    with fake_provider(fault, fault) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        asked = ask(chat("Hi"))

    assert (asked.line.status, asked.error["code"]) == (status, code)
    assert asked.line.headers["x-should-retry"] == "false"
    assert b"sk-site" not in asked.line.body
    call = row()
    assert (call.status, call.http_status, call.error_code) == ("failed", status, code)
    assert "sk-site" not in call.error_message
    told = code == "provider_rejected_request"
    assert (str(call.error_message) in step_of(call, [])["error"]["message"]) is told  # operators alone
    assert (call.prompt_tokens, call.completion_tokens, call.cost) == (0, 0, Decimal(0))


def test_a_bad_request_is_nobody_elses_business(settings: Any) -> None:
    with fake_provider(fails(400, "too long")) as first, fake_provider() as second:
        settings.MODEL_PROVIDERS = [first.configured("first"), second.configured("second")]
        asked = ask(chat("Hi"))

    assert "too long" in asked.error["message"]
    assert second.requests == []


def test_a_provider_that_hangs_is_given_up(settings: Any) -> None:
    settings.MODEL_SILENCE_SECONDS = 0.2
    with fake_provider(hangs) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        asked = ask(chat("Hi", stream=True))

    assert (asked.line.status, asked.error["code"]) == (504, "provider_timeout")
    assert len(provider.requests) == 1  # it may have been paid for: no second try


def test_nobody_listening_is_told_apart(settings: Any) -> None:
    with fake_provider() as provider:
        configured = provider.configured()
    settings.MODEL_PROVIDERS = [configured]

    asked = ask(chat("Hi"))

    assert (asked.line.status, asked.error["code"]) == (502, "provider_unreachable")


def test_a_stream_that_breaks_is_an_error_in_the_stream_and_asked_of_nobody_else(settings: Any) -> None:
    with fake_provider(breaks_off("Hel", "lo")) as first, fake_provider() as second:
        settings.MODEL_PROVIDERS = [first.configured("first"), second.configured("second")]
        asked = ask(chat("Hi", stream=True))

    assert asked.line.status == 200
    assert asked.line.events[-1]["error"]["code"] == "provider_broke_off"
    assert second.requests == []
    call = row()
    assert (call.status, call.is_estimate) == ("failed", True)
    assert asked.steps[-1]["answer"]["content"] == "Hello"
    assert call.prompt_tokens > 0
    assert call.completion_tokens > 0


@pytest.mark.parametrize("stream", [True, False])
def test_a_program_that_hangs_up_ends_the_providers_work(settings: Any, stream: bool) -> None:
    behaviour = says_then_hangs("Hel") if stream else hangs
    with fake_provider(behaviour) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        call, line = make_call(chat("Hi", stream=stream))
        if stream:
            line.on_piece = lambda piece: call.abandon()
        else:
            threading.Thread(target=abandon_when, args=(call, provider.asked)).start()
        gateway.answer(call, caller=Caller(user_id=None), on_step=lambda step: None)
        assert provider.hung_up.wait(10)

    assert row().status == "cancelled"
    assert row().prompt_tokens > 0  # the provider has read it


def test_without_figures_tokens_are_estimated(settings: Any) -> None:
    with fake_provider(answers("Hello", usage=None)) as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        ask(chat("Hi", stream=True))

    assert row().is_estimate
    assert row().completion_tokens > 0


@pytest.mark.parametrize("stream", [True, False])
def test_calls_share_a_connection(settings: Any, stream: bool) -> None:
    with fake_provider() as provider:
        settings.MODEL_PROVIDERS = [provider.configured()]
        for number in range(3):
            ask(chat("Hi", stream=stream), number=number + 1)

    assert provider.connections == 1
