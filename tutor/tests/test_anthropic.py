"""Anthropic's protocol behind OpenAI's: what is sent there, and what comes back of it."""

from __future__ import annotations

from typing import Any

import pytest

from tutor.models import ModelCall
from tutor.tests.makers import Behaviour, Json, ProviderHandler, answers, ask, chat, fails, fake_provider

pytestmark = pytest.mark.django_db

TOOL = {
    "type": "function",
    "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object"}},
}


def says(*blocks: Json, stop: str = "end_turn") -> Behaviour:
    """A streamed message of these blocks: {"text": …} or {"tool": name, "json": pieces}."""

    def behave(handler: ProviderHandler, body: Json) -> None:
        usage = {"input_tokens": 60, "cache_read_input_tokens": 40, "output_tokens": 1}
        message = {"id": "m1", "type": "message", "role": "assistant", "model": "claude", "content": []}
        handler.begin_stream()

        def send(kind: str, **fields: Any) -> None:
            handler.send_event({"type": kind, **fields}, name=kind)

        send("message_start", message={**message, "stop_reason": None, "stop_sequence": None, "usage": usage})
        for index, block in enumerate(blocks):
            if "text" in block:
                send("content_block_start", index=index, content_block={"type": "text", "text": ""})
                for word in block["text"]:
                    send("content_block_delta", index=index, delta={"type": "text_delta", "text": word})
            else:
                use = {"type": "tool_use", "id": f"t{index}", "name": block["tool"], "input": {}}
                send("content_block_start", index=index, content_block=use)
                for piece in block["json"]:
                    delta = {"type": "input_json_delta", "partial_json": piece}
                    send("content_block_delta", index=index, delta=delta)
            send("content_block_stop", index=index)
        send("message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage={"output_tokens": 50})
        send("message_stop")
        handler.end_stream()

    return behave


def breaks_off(handler: ProviderHandler, body: Json) -> None:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "usage": usage,
    }
    handler.begin_stream()
    handler.send_event({"type": "message_start", "message": message}, name="message_start")
    handler.close_connection = True


def configured(provider: Any) -> Any:
    provider.url = provider.url.removesuffix("/v1")
    return provider.configured(kind="anthropic")


def test_a_streamed_text(settings: Any) -> None:
    with fake_provider(says({"text": ["Hel", "lo"]})) as provider:
        settings.MODEL_PROVIDERS = [configured(provider)]
        asked = ask(chat("Hi", stream=True, stop="END", temperature=1.5))

    assert asked.line.text == "Hello"
    assert asked.line.events[-2]["choices"][0]["finish_reason"] == "stop"
    [sent] = provider.requests
    assert sent["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    assert (sent["stop_sequences"], sent["temperature"], sent["max_tokens"]) == (["END"], 1.0, 8192)
    assert provider.keys == ["Bearer sk-site"]
    call = ModelCall.objects.get()
    assert (call.prompt_tokens, call.completion_tokens, str(call.cost)) == (100, 50, "0.000200")


def test_tools_there_and_back(settings: Any) -> None:
    use = says({"text": ["I add."]}, {"tool": "add", "json": ['{"a"', ": 1}"]}, stop="tool_use")
    with fake_provider(use, says({"text": ["done"]})) as provider:
        settings.MODEL_PROVIDERS = [configured(provider)]
        body = chat("Add", tools=[TOOL], tool_choice="required", parallel_tool_calls=False)
        body["messages"].insert(0, {"role": "system", "content": "Be brief."})
        first = ask(body).line.json["choices"][0]
        body["messages"] += [
            first["message"],
            {"role": "tool", "tool_call_id": "t1", "content": "2"},
            {"role": "user", "content": "And now?"},
        ]
        second = ask(body, number=2).line.json["choices"][0]

    assert first["finish_reason"] == "tool_calls"
    function = {"name": "add", "arguments": '{"a": 1}'}
    assert first["message"]["tool_calls"] == [{"id": "t1", "type": "function", "function": function}]
    assert second["message"]["content"] == "done"
    sent = provider.requests[1]
    assert sent["system"] == "Be brief."
    assert sent["tools"] == [{"name": "add", "description": "Adds.", "input_schema": {"type": "object"}}]
    assert sent["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]
    assert sent["messages"][1]["content"][1] == {
        "type": "tool_use",
        "id": "t1",
        "name": "add",
        "input": {"a": 1},
    }
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "2"}]}
    assert sent["messages"][2]["content"] == [result, {"type": "text", "text": "And now?"}]


def test_pictures_and_json_mode(settings: Any) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    schema = {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
    with fake_provider(says({"text": ["{}"]})) as provider:
        settings.MODEL_PROVIDERS = [configured(provider)]
        ask({"messages": [{"role": "user", "content": [picture]}], "response_format": schema})

    [sent] = provider.requests
    source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    assert sent["messages"][0]["content"] == [{"type": "image", "source": source}]
    assert '{"type": "object"}' in sent["system"]


def test_what_cannot_be_said_there_is_refused(settings: Any) -> None:
    with fake_provider() as provider:
        settings.MODEL_PROVIDERS = [configured(provider)]
        asked = ask(chat("Hi", n=2))

    assert (asked.line.status, asked.error["code"]) == (400, "provider_rejected_request")
    assert provider.requests == []


@pytest.mark.parametrize("fault", [fails(529), fails(401), breaks_off])
def test_the_next_provider_answers_where_it_fails(settings: Any, fault: Any) -> None:
    with fake_provider(fault, fault) as bad, fake_provider(answers("Hello")) as good:
        settings.MODEL_PROVIDERS = [configured(bad), good.configured("good")]
        asked = ask(chat("Hi"))

    assert asked.line.json["choices"][0]["message"]["content"] == "Hello"
