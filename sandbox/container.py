"""One warm container: hands it a run, listens, and believes nothing that is not well-formed.

Whoever has leased a container from the pool uses it alone; only `abort` may come from another thread.
"""

from __future__ import annotations

import contextlib
import json
import math
import secrets
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from sandbox.calls import Answerer
from sandbox.control import RunControl
from sandbox.engines import Box, Engine, Limits
from sandbox.errors import ContainerLost, ContainerSilent, ContainerUnclean, EngineUnavailable
from sandbox.exchange import Exchange
from sandbox.execution import Outcome, RunEvent, RunRequest, RunResult
from sandbox.image import PYTHON, Image
from sandbox.languages import LANGUAGES
from sandbox.supervisor.frames import (
    MAX_REPORT,
    MAX_REQUEST,
    VERSION,
    Frame,
    FrameReader,
    Kind,
    MalformedFrame,
    pack,
)
from sandbox.supervisor.request import Request
from sandbox.switchboard import Switchboard

START_SECONDS = 15.0
BEGIN_SECONDS = 10.0  # from the request to the program's start; usually it takes a thousandth of that
# The supervisor ends a run at its limit or when told; after this much longer the container is given up.
LATE_SECONDS = 2.0
WIPE_SECONDS = 4.0  # thousands of files, half a processor
PING_SECONDS = 1.0
SEND = 256 * 1024  # bytes handed to the channel at once
INPUT_PIECE = 64 * 1024  # bytes of a frame of input, between which the supervisor hears other things, too


class Container:
    """A box whose supervisor has reported for work. `limits` are the ones the box was made with."""

    def __init__(self, box: Box, limits: Limits) -> None:
        self.id = box.id
        self.limits = limits
        self.facts: dict[str, Any] = {}  # what the supervisor said of itself
        self._box = box
        self._reader = FrameReader(MAX_REPORT)
        self._frames: deque[Frame] = deque()
        self._outbox = bytearray()
        self._ended_at = -math.inf  # when a run did last; wiping its traces may take a while
        self._unanswered: set[bytes] = set()  # pings
        self._aborted = False
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._channel_fd = box.channel.fileno()
        self._poll = select.poll()
        self._poll.register(self._channel_fd, select.POLLIN)
        self._poll.register(self._woken, select.POLLIN)

    @classmethod
    def start(cls, engine: Engine, limits: Limits, image: Image = PYTHON) -> Container:
        """Make a box and wait until its supervisor is warm; raises EngineUnavailable."""
        container = cls(engine.create(limits, image), limits)
        try:
            container._greet()
        except ContainerLost as lost:
            container.destroy()
            raise EngineUnavailable(f"The supervisor did not start: {lost}") from lost
        return container

    def run(
        self,
        request: RunRequest,
        *,
        on_event: Callable[[RunEvent], None],
        control: RunControl,
        answer: Answerer | None = None,
    ) -> RunResult:
        """Carry out a run to its end, in the calling thread, which is the one `on_event` is called in.

        `answer` is called in threads of their own, which are done with when this returns, if they let go of
        calls that are abandoned.

        Raises ContainerLost; the container is of no use after that, nor after `on_event` has raised.
        """
        # Unknown to anybody else, so that no frame of another run can be taken for one of this.
        number = secrets.randbits(64)
        switchboard = Switchboard(number, answer, self._wake)
        exchange = Exchange(self.limits.output, on_event, switchboard)
        control.wake_by(self._wake)
        try:
            return _Conversation(self, number, request, exchange, switchboard, control).hold()
        except ContainerLost as lost:
            lost.started = exchange.started
            raise
        finally:
            control.wake_by(None)
            switchboard.close()

    @property
    def usable(self) -> bool:
        """Whether it may be asked for another run."""
        return not self._aborted

    def ping(self) -> None:
        """Ask for a sign of life; raises ContainerSilent when there is none yet, ContainerLost."""
        token = secrets.token_bytes(8)
        self._unanswered.add(token)
        self.say(Kind.PING, 0, token)
        seconds = max(PING_SECONDS, self._ended_at + WIPE_SECONDS - time.monotonic())
        while (answer := self._expect(Kind.PONG, 0, seconds).payload) != token:
            if answer not in self._unanswered:
                raise ContainerLost("wrong answer to a ping")
            self._unanswered.remove(answer)
        self._unanswered.clear()

    def abort(self) -> None:
        """Make whoever is using it give up with ContainerLost, soon. From any thread."""
        self._aborted = True
        self._wake()

    def destroy(self) -> None:
        """End it and everything in it."""
        self._box.destroy()
        self._woken.close()
        self._waker.close()

    # --- For a conversation --------------------------------------------------------------------------

    def say(self, kind: Kind, run: int, payload: bytes = b"") -> None:
        self.say_all(pack(kind, run, payload))

    def say_all(self, frames: bytes) -> None:
        self._outbox += frames
        self._send()

    def listen(self, deadline: float) -> Frame | None:
        """The next frame; None when woken, or at `deadline` (monotonic). Raises ContainerLost."""
        if not self._frames:
            self._wait(deadline)
        frame = self._frames.popleft() if self._frames else None
        if frame and frame.kind is Kind.UNCLEAN:
            raise ContainerUnclean(f"unclean after a run: {frame.payload.decode(errors='replace')}")
        return frame

    @property
    def has_heard_more(self) -> bool:
        """Whether `listen` has a frame that has been here for a while."""
        return bool(self._frames)

    def note_end(self) -> None:
        """The supervisor answers after it has wiped what the run left, or says that it cannot."""
        self._ended_at = time.monotonic()

    def has_ended(self) -> bool:
        """Whether nobody is at the other end of an idle container's stream. Asks nobody."""
        if self._box.channel.fileno() != self._channel_fd:
            return True
        other_end = select.poll()
        other_end.register(self._channel_fd, select.POLLRDHUP)
        return bool(other_end.poll(0))

    def died_of_memory(self) -> bool:
        """Whether a box that has just been lost ran out of memory: the program's doing, not ours."""
        return not self._aborted and self._box.death().out_of_memory

    # --- The stream ----------------------------------------------------------------------------------

    def _greet(self) -> None:
        self.facts = _parse(self._expect(Kind.READY, 0, START_SECONDS))
        if self.facts.get("version") != VERSION:
            raise ContainerLost(f"its supervisor speaks version {self.facts.get('version')}, not {VERSION}")

    def _expect(self, kind: Kind, run: int, seconds: float) -> Frame:
        deadline = time.monotonic() + seconds
        while True:
            frame = self.listen(deadline)
            if frame and frame.kind is kind and frame.run == run:
                return frame
            if frame:
                raise ContainerLost(f"{frame.kind.name} instead of {kind.name}")
            if time.monotonic() >= deadline:
                raise ContainerSilent(f"no {kind.name} for {seconds:g} s")

    def _wait(self, deadline: float) -> None:
        if self._box.channel.fileno() != self._channel_fd:  # closed: its number may be somebody else's by now
            raise ContainerLost("it was destroyed")
        seconds = max(0.0, deadline - time.monotonic())
        ready = {fd for fd, _ in self._poll.poll(seconds * 1000)}
        if self._aborted:
            raise ContainerLost("given up from outside")
        if self._woken.fileno() in ready:
            with contextlib.suppress(BlockingIOError):
                self._woken.recv(4096)
        if self._channel_fd in ready:
            self._send()
            self._receive()

    def _receive(self) -> None:
        try:
            data = self._box.channel.recv()
        except BlockingIOError:
            return
        except OSError as error:
            raise ContainerLost(f"the connection broke: {error}") from error
        if not data:
            death = self._box.death()
            raise ContainerLost(f"it ended: {death.words or 'without a word'}")
        try:
            self._frames.extend(self._reader.feed(data))
        except MalformedFrame as error:
            raise ContainerLost(f"protocol broken: {error}") from error

    def _send(self) -> None:
        try:
            while self._outbox:
                del self._outbox[: self._box.channel.send(bytes(self._outbox[:SEND]))]
        except BlockingIOError:
            pass
        except OSError as error:
            raise ContainerLost(f"the connection broke: {error}") from error
        interest = select.POLLIN | (select.POLLOUT if self._outbox else 0)
        self._poll.modify(self._channel_fd, interest)

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: a wake is due already; closed: nobody sleeps
            self._waker.send(b"!")


class _Conversation:
    """One run on a container, from the request to the exit record."""

    def __init__(
        self,
        container: Container,
        number: int,
        request: RunRequest,
        exchange: Exchange,
        switchboard: Switchboard,
        control: RunControl,
    ) -> None:
        self._container = container
        self._number = number
        self._request = request
        self._exchange = exchange
        self._switchboard = switchboard
        self._control = control
        self._deadline = time.monotonic() + BEGIN_SECONDS
        self._cancelled = False

    def hold(self) -> RunResult:
        try:
            self._container.say(Kind.RUN, self._number, pack_request(self._request, self._container.limits))
            while True:
                self._pass_on_wishes()
                self._pass_on_answers()
                frame = self._container.listen(self._deadline)
                if frame and (result := self._take(frame)):
                    return result
                # What has come by now counts, in case we are late ourselves; what goes on coming does not.
                if not self._container.has_heard_more and time.monotonic() >= self._deadline:
                    raise _Overdue
        except _Overdue:
            self._container.abort()
            if not (self._exchange.started or self._cancelled):
                raise ContainerLost(f"the program had not begun after {BEGIN_SECONDS:g} s") from None
            return self._exchange.give_up(Outcome.CANCELLED if self._cancelled else Outcome.TIMEOUT)
        except ContainerLost:
            # The kernel may have had to kill the supervisor along with a greedy program.
            if not self._exchange.started or not self._container.died_of_memory():
                raise
            self._container.abort()
            return self._exchange.give_up(Outcome.MEMORY)

    def _pass_on_wishes(self) -> None:
        if self._control.cancelled and not self._cancelled:
            self._cancelled = True
            self._deadline = min(self._deadline, time.monotonic() + LATE_SECONDS)
            self._container.say(Kind.CANCEL, self._number)
        if not self._exchange.started:
            return  # another container may have to begin it, and input is handed out once
        wishes = self._control.take()
        for start in range(0, len(wishes.input), INPUT_PIECE):
            self._container.say(Kind.INPUT, self._number, wishes.input[start : start + INPUT_PIECE])
            self._exchange.note_input()
        if wishes.end_of_input:
            self._container.say(Kind.CLOSE_INPUT, self._number)

    def _pass_on_answers(self) -> None:
        if frames := self._switchboard.outgoing():
            self._container.say_all(frames)

    def _take(self, frame: Frame) -> RunResult | None:
        if frame.run != self._number:
            raise ContainerLost(f"{frame.kind.name} of another run")
        try:
            result = self._exchange.take(frame)
        except MalformedFrame as error:
            raise ContainerLost(f"protocol broken: {error}") from error
        if frame.kind is Kind.STARTED and not self._cancelled:
            self._deadline = time.monotonic() + self._request.timeout + LATE_SECONDS
        if result:
            self._container.note_end()
        return result


class _Overdue(Exception):
    """The supervisor itself did not begin or end the run in time."""


def is_too_large(request: RunRequest, limits: Limits) -> bool:
    """Whether a run cannot be handed over at all."""
    texts = [request.code, request.stdin or "", *request.files, *request.files.values()]
    characters = sum(map(len, texts)) + sum(len(source.code) for source in request.prelude)
    # A character takes six bytes at most; only large ones need to be tried out.
    return 6 * characters > MAX_REQUEST // 2 and len(pack_request(request, limits)) > MAX_REQUEST


def pack_request(request: RunRequest, limits: Limits) -> bytes:
    command = LANGUAGES[request.language].command
    return Request(
        code=request.code,
        name=request.name,
        prelude=[(source.name, source.code) for source in request.prelude],
        files=dict(request.files),
        command=command(limits.memory) if command else None,
        stdin=request.stdin,
        timeout=request.timeout,
        output=limits.output,
        memory=limits.memory,
        processes=limits.processes,
        open_files=limits.open_files,
    ).pack()


def _parse(frame: Frame) -> dict[str, Any]:
    try:
        fields = json.loads(frame.payload)
    except (ValueError, RecursionError) as error:
        raise ContainerLost(f"{frame.kind.name} is not JSON") from error
    if not isinstance(fields, dict):
        raise ContainerLost(f"{frame.kind.name} is not a record")
    return fields
