"""Calls as the platform's side handles them: what a container says is checked, and answers wait for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping

import pytest

from sandbox import switchboard
from sandbox.calls import PIECE, WINDOW, Call, CallAbandoned, CallRequest
from sandbox.supervisor.frames import (
    CALL_NUMBER,
    MAX_REPORT,
    MOST_CALLS,
    SIZE,
    Frame,
    FrameReader,
    Kind,
    MalformedFrame,
)
from sandbox.supervisor.http1 import MOST_BODY
from sandbox.switchboard import Switchboard
from sandbox.tests.calls import make_call

RUN = 7
SECONDS = 10
HEAD = {"method": "POST", "path": "/v1", "headers": {"accept": "*/*"}}


def frame(kind: Kind, number: int, payload: bytes = b"") -> Frame:
    return Frame(kind, RUN, CALL_NUMBER.pack(number) + payload)


def call_frame(number: int = 1, **changes: object) -> Frame:
    return frame(Kind.CALL, number, json.dumps({**HEAD, **changes}).encode())


class Container:
    """What a run's conversation does with a switchboard, a step at a time."""

    def __init__(self, answer: Callable[[Call], None] | None) -> None:
        self._woken = threading.Event()
        self.switchboard = Switchboard(RUN, answer, self._woken.set)
        self._reader = FrameReader(MAX_REPORT)

    def say(self, *frames: Frame) -> None:
        for each in frames:
            self.switchboard.take(each)

    def hear(self) -> list[tuple[Kind, int, bytes]]:
        """Kind, call and payload of what is to be sent; waits until there is something."""
        assert self._woken.wait(SECONDS)
        self._woken.clear()
        frames = self._reader.feed(self.switchboard.outgoing())
        assert {each.run for each in frames} == {RUN}
        return [(each.kind, *CALL_NUMBER.unpack_from(each.payload), each.payload[4:]) for each in frames]

    def hear_until(self, kind: Kind) -> list[tuple[Kind, int, bytes]]:
        heard = self.hear()
        while heard[-1][0] is not kind:
            heard += self.hear()
        return heard


def never(call: Call) -> None:
    raise AssertionError("not to be answered")


def test_a_call_and_its_answer() -> None:
    requests: list[CallRequest] = []

    def answer(call: Call) -> None:
        requests.append(call.request)
        call.respond(200, headers={"X-A": "b"})
        call.write(b"one")
        call.end()

    container = Container(answer)
    container.say(
        call_frame(), frame(Kind.CALL_BODY, 1, b"a"), frame(Kind.CALL_BODY, 1, b"b"), frame(Kind.CALL_END, 1)
    )

    assert container.hear_until(Kind.ANSWER_END) == [
        (Kind.ANSWER, 1, json.dumps({"status": 200, "headers": {"x-a": "b"}}).encode()),
        (Kind.ANSWER_BODY, 1, b"one"),
        (Kind.ANSWER_END, 1, b""),
    ]
    container.switchboard.close()
    assert requests == [
        CallRequest(number=1, method="POST", path="/v1", headers={"accept": "*/*"}, body=b"ab")
    ]


@pytest.mark.parametrize(
    "frames",
    [
        [Frame(Kind.CALL, RUN, b"")],
        [Frame(Kind.CALL_GONE, RUN, b"123")],
        [call_frame(0)],
        [call_frame(2)],
        [call_frame(1), call_frame(1)],
        [call_frame(number) for number in range(1, MOST_CALLS + 2)],
        [frame(Kind.CALL, 1, b"")],
        [frame(Kind.CALL, 1, b"\xff{}")],
        [frame(Kind.CALL, 1, b"[]")],
        [frame(Kind.CALL, 1, b"{}")],
        [frame(Kind.CALL, 1, b"[" * 100_000)],
        [call_frame(method="post")],
        [call_frame(method=1)],
        [call_frame(method="POST\n")],
        [call_frame(path="v1")],
        [call_frame(path="/ü")],
        [call_frame(path="/a b")],
        [call_frame(path=None)],
        [call_frame(headers=[])],
        [call_frame(headers={"A": "b"})],
        [call_frame(headers={"a": 1})],
        [frame(Kind.CALL_BODY, 1, b"a")],
        [frame(Kind.CALL_END, 1)],
        [frame(Kind.CALL_GONE, 1)],
        [frame(Kind.CALL_TAKEN, 1, SIZE.pack(1))],
        [call_frame(), *[frame(Kind.CALL_BODY, 1, bytes(MAX_REPORT - 4))] * (MOST_BODY // MAX_REPORT + 2)],
        [call_frame(), frame(Kind.CALL_END, 1), frame(Kind.CALL_BODY, 1, b"a")],
        [call_frame(), frame(Kind.CALL_END, 1), frame(Kind.CALL_END, 1)],
        [call_frame(), frame(Kind.CALL_GONE, 1), frame(Kind.CALL_BODY, 1, b"a")],
        [call_frame(), frame(Kind.CALL_END, 1), frame(Kind.CALL_TAKEN, 1, SIZE.pack(1))],
        [call_frame(), frame(Kind.CALL_END, 1), frame(Kind.CALL_TAKEN, 1, b"")],
        [call_frame(), frame(Kind.CALL_END, 1), frame(Kind.CALL_TAKEN, 1, b"12345")],
    ],
)
def test_nonsense_is_not_believed(frames: list[Frame]) -> None:
    over = threading.Event()

    def answer(call: Call) -> None:
        call.on_abandoned(over.set)
        over.wait(SECONDS)

    container = Container(answer)

    with pytest.raises(MalformedFrame):
        container.say(*frames)
    container.switchboard.close()


def test_what_crosses_on_the_way_is_no_nonsense() -> None:
    """The container says that a call is gone, or taken, while the platform ends it."""
    container = Container(lambda call: call.reply(200, b"all", headers={}))
    container.say(call_frame(), frame(Kind.CALL_END, 1))
    container.hear_until(Kind.ANSWER_END)
    container.switchboard.close()

    container.say(frame(Kind.CALL_TAKEN, 1, SIZE.pack(3)), frame(Kind.CALL_GONE, 1), frame(Kind.CALL_GONE, 1))


def test_no_more_is_sent_than_the_program_has_room_for() -> None:
    size = 3 * WINDOW
    container = Container(lambda call: call.reply(200, bytes(size), headers={}))
    container.say(call_frame(), frame(Kind.CALL_END, 1))

    sent = taken = 0
    while True:
        for kind, _, payload in container.hear():
            if kind is Kind.ANSWER_BODY:
                sent += len(payload)
            if kind is Kind.ANSWER_END:
                assert sent == size
                container.switchboard.close()
                return
        assert sent - taken <= WINDOW
        if sent - taken > WINDOW - PIECE:
            container.say(frame(Kind.CALL_TAKEN, 1, SIZE.pack(sent - taken)))
            taken = sent


def test_an_abandoned_call_says_so_everywhere() -> None:
    heard: list[str] = []

    def answer(call: Call) -> None:
        call.on_abandoned(lambda: heard.append("first"))
        call.on_abandoned(lambda: 1 / 0)
        call.on_abandoned(lambda: heard.append("second"))
        call.respond(200, headers={})
        try:
            call.write(bytes(2 * WINDOW))
        except CallAbandoned:
            call.on_abandoned(lambda: heard.append("late"))
            call.end()  # says nothing
            heard.append(f"abandoned: {call.abandoned}")
            raise

    container = Container(answer)
    container.say(call_frame(), frame(Kind.CALL_END, 1))
    container.hear()
    container.say(frame(Kind.CALL_GONE, 1))
    container.switchboard.close()

    assert sorted(heard) == ["abandoned: True", "first", "late", "second"]
    assert container.switchboard.outgoing() == b""


def test_nothing_is_sent_after_the_end_of_a_run() -> None:
    over = threading.Event()

    def answer(call: Call) -> None:
        call.on_abandoned(over.set)
        assert over.wait(SECONDS)
        call.reply(200, b"late", headers={})

    container = Container(answer)
    container.say(call_frame(), frame(Kind.CALL_END, 1), call_frame(2))
    container.switchboard.close()

    assert over.is_set()
    assert container.switchboard.outgoing() == b""


def test_refusals_wait_until_the_request_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switchboard, "MOST_HELD", 10)
    container = Container(never)

    container.say(call_frame(), frame(Kind.CALL_BODY, 1, bytes(11)), frame(Kind.CALL_BODY, 1, bytes(5)))
    assert container.switchboard.outgoing() == b""
    container.say(frame(Kind.CALL_END, 1))

    heard = container.hear_until(Kind.ANSWER_END)
    assert json.loads(heard[0][2])["status"] == 429
    assert json.loads(heard[1][2])["error"]["code"] == "too_many_at_once"


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (100, {}),
        (600, {}),
        (200, {"a b": "c"}),
        (200, {"a": "b\r\nc: d"}),
        (200, {"a": "ü"}),
        (200, {"": "a"}),
        (200, {"Transfer-Encoding": "chunked"}),
        (200, {"Connection": "close"}),
        (200, {"content-length": "-1"}),
    ],
)
def test_what_http_has_no_room_for_is_not_sent(status: int, headers: Mapping[str, str]) -> None:
    call = make_call()

    with pytest.raises(ValueError, match="no "):
        call.respond(status, headers=headers)
    assert call.status is None


def test_a_length_that_was_announced_is_kept_to() -> None:
    short, long = make_call(), make_call()
    for call in (short, long):
        call.respond(200, headers={"Content-Length": "4"})

    short.write(b"abc")
    short.end()
    with pytest.raises(ValueError, match="more than"):
        long.write(b"abcde")
    long.write(b"abcd")
    long.end()

    assert (short.complete, short.broken) == (False, True)
    assert (long.complete, long.content) == (True, b"abcd")


def test_an_answer_has_an_order() -> None:
    call = make_call()

    with pytest.raises(RuntimeError):
        call.write(b"early")
    call.respond(200, headers={})
    with pytest.raises(RuntimeError):
        call.respond(200, headers={})
    call.end()
    call.end()
    with pytest.raises(RuntimeError):
        call.write(b"late")
    call.abandon()
    assert not call.abandoned
