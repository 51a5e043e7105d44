"""What a supervisor that lies may have the platform hold."""

from __future__ import annotations

import json

import pytest

from sandbox import switchboard
from sandbox.calls import Call
from sandbox.supervisor.frames import MOST_CALL_BYTES, Kind, MalformedFrame
from sandbox.supervisor.http1 import MOST_BODY, MOST_HEAD, MOST_HEADERS
from sandbox.tests.test_calls_frames import Container, call_frame, frame, never


@pytest.mark.parametrize(
    "headers",
    [{"accept": "x" * (3 * MOST_HEAD)}, {f"x-{number}": "" for number in range(MOST_HEADERS + 1)}],
    ids=["long", "many"],
)
def test_a_head_larger_than_the_endpoint_reads_is_a_lie(headers: dict[str, str]) -> None:
    with pytest.raises(MalformedFrame):
        Container(never).say(call_frame(headers=headers))


def test_the_largest_head_that_the_endpoint_reads_is_none() -> None:
    Container(never).say(call_frame(headers={"accept": '"' * MOST_HEAD}))


def test_more_bodies_than_the_endpoint_lets_through_are_a_lie() -> None:
    container = Container(None)
    piece, number, said = bytes(MOST_BODY // 32), 0, 0
    while said < MOST_CALL_BYTES:
        number += 1
        container.say(call_frame(number), *[frame(Kind.CALL_BODY, number, piece)] * 32)
        container.say(frame(Kind.CALL_GONE, number))
        said += MOST_BODY
    container.say(call_frame(number + 1))

    with pytest.raises(MalformedFrame):
        container.say(frame(Kind.CALL_BODY, number + 1, b"a"))


def test_heads_count_as_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "MOST_HELD", 1000)
    answered: list[int] = []

    def answer(call: Call) -> None:
        answered.append(call.request.number)
        call.reply(200, b"", headers={})

    container = Container(answer)
    for number in (1, 2):
        container.say(call_frame(number, headers={"accept": "x" * 600}))
    assert container.switchboard._held() < 1000
    container.say(frame(Kind.CALL_END, 2))

    heard = container.hear_until(Kind.ANSWER_END)
    assert json.loads(heard[0][2])["status"] == 429
    container.say(frame(Kind.CALL_END, 1))
    container.hear_until(Kind.ANSWER_END)
    container.switchboard.close()
    assert answered == [1]
