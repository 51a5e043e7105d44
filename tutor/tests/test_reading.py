"""Requests that are made to be large in memory cost little, and honest ones of the same size are read."""

from __future__ import annotations

import json
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from tutor import reading
from tutor.errors import Refusal

MB = 1024 * 1024


def memory_of(read: Callable[[], object]) -> int:
    """Bytes that were taken at most."""
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("value", ["{}", "[]", '{"":0}', '"é"', '{"\\\\":{}}', '{"\\"":[]}'], ids=str)
def test_many_small_values_are_refused_before_they_are_made(value: str) -> None:
    number = reading.BODY_LIMIT // (len(value.encode()) + 1) - 10
    body = f'{{"messages":[{",".join([value] * number)}]}}'.encode()

    def read() -> None:
        with pytest.raises(Refusal) as refused:
            reading.read_chat(body)
        assert refused.value.code == "request_too_large"

    assert memory_of(read) < 10 * MB


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_another_encoding_is_not_read(encoding: str) -> None:
    """A quotation mark that is no end would look like one in it."""
    with pytest.raises(Refusal, match="not JSON"):
        reading.read_chat('{"messages": [{"role": "user", "content": "Hi"}]}'.encode(encoding))


@pytest.mark.parametrize(
    "text",
    ["1,2,3,4\n" * 400_000, '{"a": [1, "b"]}, ' * 100_000, "[\\" * 300_000],
    ids=["table", "JSON", "backslashes"],
)
def test_texts_may_hold_what_they_like(text: str) -> None:
    messages = [{"role": "user", "content": text}]

    _, request = reading.read_chat(json.dumps({"messages": messages}, ensure_ascii=False).encode())

    assert request == {"messages": messages}


def test_a_long_conversation_and_many_tokens_are_read() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": [{"type": "text", "text": "x"}] * 4, "tool_calls": [call] * 2}

    assert reading.read_chat(json.dumps({"messages": [message] * 2000}).encode())
    assert reading.read_embeddings(json.dumps({"input": [[12345] * 300] * 1000}).encode())


def test_to_look_at_values_takes_no_second_list_of_them() -> None:
    number = 349_000
    body = json.dumps({"input": [1] * number}, separators=(",", ":")).encode()

    # The text, and the list of small numbers, which takes an eighth more than it needs.
    assert memory_of(lambda: reading.read_embeddings(body)) < 3 * len(body) + 9 * number


def test_large_bodies_are_read_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "x" * MB}]}).encode()
    second = threading.Thread(target=reading.read_chat, args=(body,))
    begun, begun_meanwhile = list[str](), list[int]()
    loads = json.loads

    def slow(text: str, **options: Any) -> Any:
        begun.append(text)
        if len(begun) == 1:
            second.start()
            second.join(0.2)
            begun_meanwhile.append(len(begun))
        return loads(text, **options)

    monkeypatch.setattr(json, "loads", slow)
    reading.read_chat(body)
    second.join()

    assert begun_meanwhile == [1]
    assert len(begun) == 2
