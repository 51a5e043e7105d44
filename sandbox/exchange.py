"""What one run has said so far: its frames become events for the learner and, at the end, the result."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable

from sandbox.execution import (
    AwaitingInput,
    Outcome,
    Output,
    RunEvent,
    RunResult,
    Started,
    Stream,
)
from sandbox.supervisor.frames import Frame, Kind, MalformedFrame
from sandbox.supervisor.request import Exit
from sandbox.switchboard import CALL_KINDS, Switchboard

_STREAMS = {Kind.STDOUT: Stream.STDOUT, Kind.STDERR: Stream.STDERR}
_REASONS = {
    "timeout": Outcome.TIMEOUT,
    "cancelled": Outcome.CANCELLED,
    "output_limit": Outcome.OUTPUT_LIMIT,
    "memory": Outcome.MEMORY,
}
# Databases and terminals choke on it, learners print it: shown as the picture Unicode has for it.
_NUL = {0: "\N{SYMBOL FOR NULL}"}


class Exchange:
    """Takes the frames of one run in order; raises MalformedFrame for one that makes no sense."""

    def __init__(
        self, most_output: int, on_event: Callable[[RunEvent], None], switchboard: Switchboard
    ) -> None:
        self.started = False
        self._switchboard = switchboard
        self._began = time.monotonic()
        self._on_event = on_event
        self._output_left = most_output
        self._waits_left = 1
        self._pieces: list[tuple[Stream, list[str]]] = []
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {stream: decoder("replace") for stream in Stream}

    def take(self, frame: Frame) -> RunResult | None:
        """The result, once the run has ended."""
        if frame.kind is Kind.STARTED and not self.started:
            self.started = True
            self._on_event(Started())
        elif not self.started:
            raise MalformedFrame(f"{frame.kind.name} before the start")
        elif frame.kind in _STREAMS:
            self._take_output(_STREAMS[frame.kind], frame.payload)
        elif frame.kind is Kind.AWAITING_INPUT:
            self._take_wait()
        elif frame.kind in CALL_KINDS:
            self._switchboard.take(frame)
        elif frame.kind is Kind.EXIT:
            return self._finish(frame.payload)
        else:
            raise MalformedFrame(f"{frame.kind.name} during a run")
        return None

    def note_input(self) -> None:
        """A frame of input was sent, so the program may say once more that it waits for some."""
        self._waits_left += 1

    def give_up(self, outcome: Outcome) -> RunResult:
        """The result of a run whose container had to be destroyed: what is known, and what it said."""
        self._flush_decoders()
        return RunResult(
            outcome=outcome,
            exit_code=None,
            output=self._output(),
            truncated=False,
            wall_time=time.monotonic() - self._began,
            cpu_time=0.0,
            peak_memory=0,
        )

    def _take_wait(self) -> None:
        self._waits_left -= 1
        if self._waits_left < 0:
            raise MalformedFrame("awaiting input again and again")
        self._on_event(AwaitingInput())

    def _take_output(self, stream: Stream, data: bytes) -> None:
        if not data:
            raise MalformedFrame("output of nothing")
        self._output_left -= len(data)
        if self._output_left < 0:
            raise MalformedFrame("more output than was allowed")
        self._say(stream, self._decoders[stream].decode(data))

    def _say(self, stream: Stream, text: str) -> None:
        if not text:
            return
        text = text.translate(_NUL)
        if not self._pieces or self._pieces[-1][0] is not stream:
            self._pieces.append((stream, []))
        self._pieces[-1][1].append(text)
        self._on_event(Output(stream, text))

    def _finish(self, payload: bytes) -> RunResult:
        try:
            end = Exit.parse(payload)
        except (ValueError, RecursionError) as error:
            raise MalformedFrame(str(error)) from error
        self._flush_decoders()
        return RunResult(
            outcome=outcome_of(end),
            exit_code=end.code,
            output=self._output(),
            truncated=end.reason == "output_limit",
            wall_time=end.wall_time,
            cpu_time=end.cpu_time,
            peak_memory=end.peak_memory,
        )

    def _flush_decoders(self) -> None:
        for stream, decoder in self._decoders.items():
            self._say(stream, decoder.decode(b"", final=True))

    def _output(self) -> tuple[Output, ...]:
        return tuple(Output(stream, "".join(texts)) for stream, texts in self._pieces)


def outcome_of(end: Exit) -> Outcome:
    """A limit is the outcome only where the program failed: one that coped with it is fine."""
    if end.reason != "exited":
        return _REASONS[end.reason]
    if end.code == 0:
        return Outcome.OK
    if end.out_of_memory:
        return Outcome.MEMORY
    if end.out_of_processes:
        return Outcome.PROCESS_LIMIT
    return Outcome.FAILED
