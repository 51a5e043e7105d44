"""A container believes nothing malformed: a supervisor played by the test says all kinds of things."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from sandbox.container import INPUT_PIECE, Container
from sandbox.control import RunControl
from sandbox.engines import Death, Limits
from sandbox.errors import ContainerLost, ContainerSilent, EngineUnavailable
from sandbox.execution import AwaitingInput, Outcome, RunEvent, RunRequest, RunResult, Started
from sandbox.image import PYTHON, Image
from sandbox.supervisor.frames import (
    CALL_NUMBER,
    MAX_REQUEST,
    VERSION,
    Frame,
    FrameReader,
    Kind,
    pack,
)

EXIT = {
    "reason": "exited",
    "code": 0,
    "signal": None,
    "wall_time": 0.5,
    "cpu_time": 0.25,
    "peak_memory": 1000,
    "out_of_memory": False,
    "out_of_processes": False,
}
READY = pack(Kind.READY, 0, json.dumps({"version": VERSION}).encode())


class FakeChannel:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, data: bytes | memoryview, /) -> int:
        return self._connection.send(data)

    def recv(self) -> bytes:
        return self._connection.recv(65536)


class FakeBox:
    """A box whose supervisor is the test, at the other end of `far`. Also an engine that makes itself."""

    name = "fake"
    id = "fake-1"

    def __init__(self) -> None:
        near, self.far = socket.socketpair()
        near.setblocking(False)
        self._near = near
        self.channel = FakeChannel(near)
        self.destroyed = False
        self.out_of_memory = False

    def destroy(self) -> None:
        self.destroyed = True
        self._near.close()
        self.far.close()

    def death(self) -> Death:
        return Death(out_of_memory=self.out_of_memory, words="its last words")

    def check(self, image: Image = PYTHON) -> None: ...

    def ping(self) -> None: ...

    def reap_orphans(self) -> int:
        return 0

    def create(self, limits: Limits, image: Image = PYTHON) -> FakeBox:
        return self


@pytest.fixture
def box() -> Iterator[FakeBox]:
    made = FakeBox()
    yield made
    made.destroy()


@pytest.fixture
def container(box: FakeBox) -> Iterator[Container]:
    box.far.sendall(READY)
    made = Container.start(box, Limits.from_settings())
    yield made
    made.destroy()


def answer(box: FakeBox, reply: Callable[[int], bytes]) -> threading.Thread:
    """Play the supervisor for one run: read the request, say what `reply` makes of the run's number."""

    def play() -> None:
        reader, frames = FrameReader(MAX_REQUEST), list[Frame]()
        while not frames:
            frames = reader.feed(box.far.recv(65536))
        if said := reply(frames[0].run):
            box.far.sendall(said)

    thread = threading.Thread(target=play)
    thread.start()
    return thread


def exit_frame(run: int, **changes: object) -> bytes:
    return pack(Kind.EXIT, run, json.dumps({**EXIT, **changes}).encode())


def carry_out(
    container: Container, box: FakeBox, reply: Callable[[int], bytes], timeout: int = 5
) -> tuple[RunResult, list[RunEvent]]:
    events: list[RunEvent] = []
    thread = answer(box, reply)
    try:
        request = RunRequest(code="", timeout=timeout)
        return container.run(request, on_event=events.append, control=RunControl()), events
    finally:
        thread.join()


def test_a_well_formed_run(container: Container, box: FakeBox) -> None:
    result, events = carry_out(
        container,
        box,
        lambda run: (
            pack(Kind.STARTED, run)
            + pack(Kind.STDOUT, run, "ä".encode()[:1])
            + pack(Kind.STDOUT, run, "ä".encode()[1:] + b"\x00")
            + pack(Kind.STDERR, run, b"\xff")
            + exit_frame(run)
        ),
    )

    assert result.outcome is Outcome.OK
    assert [(piece.stream, piece.text) for piece in result.output] == [("stdout", "ä␀"), ("stderr", "�")]
    assert (result.wall_time, result.cpu_time, result.peak_memory) == (0.5, 0.25, 1000)
    assert events[0] == Started()


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"code": 1}, Outcome.FAILED),
        ({"code": None, "signal": 11}, Outcome.FAILED),
        ({"code": None, "signal": 9, "out_of_memory": True}, Outcome.MEMORY),
        ({"code": 1, "out_of_processes": True}, Outcome.PROCESS_LIMIT),
        ({"code": 0, "out_of_memory": True}, Outcome.OK),
        ({"code": None, "reason": "timeout"}, Outcome.TIMEOUT),
        ({"code": None, "reason": "cancelled"}, Outcome.CANCELLED),
        ({"code": None, "reason": "output_limit"}, Outcome.OUTPUT_LIMIT),
        ({"code": None, "reason": "memory"}, Outcome.MEMORY),
    ],
)
def test_outcomes(container: Container, box: FakeBox, changes: dict[str, object], outcome: Outcome) -> None:
    result, _ = carry_out(container, box, lambda run: pack(Kind.STARTED, run) + exit_frame(run, **changes))

    assert result.outcome is outcome


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (lambda run: b"\xff" * 40, "payload of"),
        (lambda run: struct.pack(">IBQ", 0, 77, run), "unknown kind"),
        (lambda run: pack(Kind.STARTED, run + 1 & 2**64 - 1), "of another run"),
        (lambda run: pack(Kind.STDOUT, run, b"early"), "before the start"),
        (lambda run: exit_frame(run), "before the start"),
        (lambda run: pack(Kind.STARTED, run) + pack(Kind.STARTED, run), "during a run"),
        (lambda run: pack(Kind.STARTED, run) + pack(Kind.READY, run), "during a run"),
        (lambda run: pack(Kind.STARTED, run) + pack(Kind.RUN, run), "during a run"),
        (lambda run: pack(Kind.STARTED, run) + pack(Kind.EXIT, run, b"no json"), "protocol"),
        (lambda run: pack(Kind.STARTED, run) + pack(Kind.EXIT, run, b"[" * 100_000), "protocol"),
        (lambda run: pack(Kind.STARTED, run) + pack(Kind.EXIT, run, b"[]"), "not an exit record"),
        (lambda run: pack(Kind.CALL, run, b"early"), "before the start"),
        (lambda run: pack(Kind.STARTED, run) + pack(Kind.CALL, run, b"\0\0\0\2{}"), "call 2 after 0"),
        (lambda run: pack(Kind.STARTED, run) + pack(Kind.EXIT, run, b"\xff{}"), "protocol"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, extra=1), "not an exit record"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, reason="magic"), "reason"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, code="0"), "code"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, code=True), "code"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, wall_time=float("nan")), "impossible"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, wall_time=float("inf")), "impossible"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, cpu_time=1e9), "impossible"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, peak_memory=-1), "impossible"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, peak_memory=2**63), "impossible"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, peak_memory=10**400), "impossible"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, code=256), "code is impossible"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, code=None, signal=0), "signal is impossible"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, signal=9), "2 of code and signal"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, code=None), "0 of code and signal"),
        (lambda run: pack(Kind.STARTED, run) + exit_frame(run, reason="timeout"), "1 of code and signal"),
        (lambda run: pack(Kind.STARTED, run) + pack(Kind.STDERR, run), "output of nothing"),
        (lambda run: pack(Kind.STARTED, run) + 2 * pack(Kind.AWAITING_INPUT, run), "again and again"),
        (lambda run: pack(Kind.STARTED, run) + 2 * pack(Kind.STDOUT, run, bytes(200_000)), "more output"),
    ],
)
def test_nonsense_loses_the_container(
    container: Container, box: FakeBox, said: Callable[[int], bytes], complaint: str
) -> None:
    with pytest.raises(ContainerLost, match=complaint):
        carry_out(container, box, said)


def test_an_end_without_a_result_loses_the_container(container: Container, box: FakeBox) -> None:
    def vanish(run: int) -> bytes:
        box.far.sendall(pack(Kind.STARTED, run))
        box.far.shutdown(socket.SHUT_RDWR)
        return b""

    with pytest.raises(ContainerLost, match="its last words") as caught:
        carry_out(container, box, vanish)
    assert caught.value.started


def test_a_box_that_died_of_the_programs_greed_is_the_programs_failure(
    container: Container, box: FakeBox
) -> None:
    box.out_of_memory = True

    def vanish(run: int) -> bytes:
        box.far.sendall(pack(Kind.STARTED, run) + pack(Kind.STDOUT, run, b"so far"))
        box.far.shutdown(socket.SHUT_RDWR)
        return b""

    result, _ = carry_out(container, box, vanish)

    assert result.outcome is Outcome.MEMORY
    assert result.output[0].text == "so far"
    assert not container.usable


def test_a_silent_supervisor_is_given_up_and_partial_output_kept(
    container: Container, box: FakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.container.LATE_SECONDS", -0.9)  # 0.1 s after the start of a run of 1 s

    result, _ = carry_out(
        container, box, lambda run: pack(Kind.STARTED, run) + pack(Kind.STDOUT, run, b"half"), timeout=1
    )

    assert result.outcome is Outcome.TIMEOUT
    assert result.output[0].text == "half"
    assert not container.usable


def test_a_supervisor_that_goes_on_and_on_is_given_up_like_a_silent_one(
    container: Container, box: FakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.container.LATE_SECONDS", -0.9)
    call = CALL_NUMBER.pack(1)

    def go_on(run: int) -> bytes:
        head = json.dumps({"method": "GET", "path": "/", "headers": {}}).encode()
        box.far.sendall(pack(Kind.STARTED, run) + pack(Kind.CALL, run, call + head))
        flood = pack(Kind.CALL_GONE, run, call) * 200_000  # so that there always is more to read
        while True:
            box.far.sendall(flood)

    def go_on_until_destroyed(run: int) -> bytes:
        with suppress(OSError):
            go_on(run)
        return b""

    thread = answer(box, go_on_until_destroyed)
    rescue = threading.Timer(5, container.abort)
    rescue.start()
    result = container.run(RunRequest(code="", timeout=1), on_event=lambda event: None, control=RunControl())
    rescue.cancel()
    box.destroy()
    thread.join()

    assert result.outcome is Outcome.TIMEOUT
    assert not container.usable


def test_what_has_come_before_the_time_was_up_counts(
    container: Container, box: FakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.container.LATE_SECONDS", -1.0)  # the time is up as soon as it has started

    result, _ = carry_out(container, box, lambda run: pack(Kind.STARTED, run) + exit_frame(run), timeout=1)

    assert result.outcome is Outcome.OK


def test_much_input_goes_in_pieces(container: Container, box: FakeBox) -> None:
    control, events, typed = RunControl(), list[RunEvent](), list[bytes]()
    text = "0123456789" * 20_000
    control.send_input(text)
    control.close_input()

    def read_and_wait(run: int) -> bytes:
        box.far.sendall(pack(Kind.STARTED, run))
        reader, frames = FrameReader(MAX_REQUEST), list[Frame]()
        while not (frames and frames[-1].kind is Kind.CLOSE_INPUT):
            frames += reader.feed(box.far.recv(65536))
        typed.extend(frame.payload for frame in frames[:-1])
        # Before the first piece it may have waited, and after each.
        return pack(Kind.AWAITING_INPUT, run) * (1 + len(typed)) + exit_frame(run)

    thread = answer(box, read_and_wait)
    result = container.run(RunRequest(code=""), on_event=events.append, control=control)
    thread.join()

    assert b"".join(typed).decode() == text
    assert max(map(len, typed)) == INPUT_PIECE
    assert result.outcome is Outcome.OK
    assert events.count(AwaitingInput()) == 1 + len(typed)


def test_a_supervisor_that_begins_no_run_is_the_platforms_fault(
    container: Container, box: FakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.container.BEGIN_SECONDS", 0.1)

    with pytest.raises(ContainerLost) as caught:
        carry_out(container, box, lambda run: b"", timeout=1)

    assert not caught.value.started
    assert not container.usable


def test_an_unclean_container_is_lost(container: Container, box: FakeBox) -> None:
    carry_out(
        container,
        box,
        lambda run: pack(Kind.STARTED, run) + exit_frame(run) + pack(Kind.UNCLEAN, run, b"a \xff file"),
    )

    with pytest.raises(ContainerLost, match=r"unclean after a run: a . file"):
        container.ping()


def test_a_run_that_an_unclean_container_refuses_has_not_started(container: Container, box: FakeBox) -> None:
    carry_out(container, box, lambda run: pack(Kind.STARTED, run) + exit_frame(run))
    last_run = 1

    with pytest.raises(ContainerLost, match="unclean after a run: a file") as caught:
        carry_out(container, box, lambda run: pack(Kind.UNCLEAN, last_run, b"a file"))

    assert not caught.value.started


def test_a_frame_after_the_end_loses_the_container(container: Container, box: FakeBox) -> None:
    carry_out(
        container,
        box,
        lambda run: pack(Kind.STARTED, run) + exit_frame(run) + pack(Kind.STDOUT, run, b"late"),
    )

    with pytest.raises(ContainerLost, match="STDOUT instead of PONG"):
        container.ping()


def test_an_old_answer_to_a_ping_counts_once(
    container: Container, box: FakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.container.PING_SECONDS", 0.0)
    with pytest.raises(ContainerSilent):
        container.ping()
    (ping,) = FrameReader(MAX_REQUEST).feed(box.far.recv(65536))
    box.far.sendall(2 * pack(Kind.PONG, 0, ping.payload))

    with pytest.raises(ContainerLost, match="wrong answer"):
        container.ping()


def test_abort_from_another_thread_ends_a_run(container: Container, box: FakeBox) -> None:
    def started(event: RunEvent) -> None:
        threading.Thread(target=container.abort).start()

    thread = answer(box, lambda run: pack(Kind.STARTED, run))
    with pytest.raises(ContainerLost, match="given up"):
        container.run(RunRequest(code=""), on_event=started, control=RunControl())
    thread.join()


@pytest.mark.parametrize(
    "greeting", [b'{"version": 0}', b"[]", b"", b"\xff"], ids=["version", "list", "empty", "binary"]
)
def test_a_supervisor_of_another_kind_is_not_used(box: FakeBox, greeting: bytes) -> None:
    box.far.sendall(pack(Kind.READY, 0, greeting))

    with pytest.raises(EngineUnavailable):
        Container.start(box, Limits.from_settings())
    assert box.destroyed
