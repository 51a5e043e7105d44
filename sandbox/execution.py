"""What is asked of the sandbox and what comes back: passive records, no I/O.

A learner's failure is a value of `Outcome`; the platform's own is an exception of `sandbox.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sandbox.image import PYTHON, Image


class Outcome(StrEnum):
    """How a program ended. A closed set: each has its own words and look on the page."""

    OK = "ok"
    FAILED = "failed"  # the program's own error, or exit code ≠ 0
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output_limit"
    PROCESS_LIMIT = "process_limit"
    CANCELLED = "cancelled"
    REJECTED = "rejected"  # never started: syntax policy, size


@dataclass(frozen=True, kw_only=True)
class Source:
    """A piece of program text; tracebacks name it by `name`."""

    name: str
    code: str


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """A program to run.

    `prelude` pieces run first, in the same namespace, their output dropped and their `__name__` not
    `"__main__"`; `files` are written beside the program (relative path → text) and can be imported.
    """

    code: str
    name: str = "main.py"
    language: str = "python"
    image: Image = PYTHON  # what can be imported
    timeout: int = 30  # seconds of wall time, 1–60
    stdin: str | None = None  # given in advance; None: asked for while the program runs
    prelude: tuple[Source, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


class Stream(StrEnum):
    STDOUT = "stdout"
    STDERR = "stderr"


@dataclass(frozen=True)
class Output:
    """A piece of output, in the order the program wrote it."""

    stream: Stream
    text: str


@dataclass(frozen=True)
class Started:
    """The program has been handed to a container."""


@dataclass(frozen=True)
class AwaitingInput:
    """The program is blocked reading standard input."""


RunEvent = Started | Output | AwaitingInput


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A finished run. Times in seconds, memory in bytes."""

    outcome: Outcome
    exit_code: int | None  # None when killed
    output: tuple[Output, ...]  # stdout and stderr in order, adjacent pieces of one stream joined
    truncated: bool
    wall_time: float
    cpu_time: float
    peak_memory: int

    @classmethod
    def without_run(cls, outcome: Outcome) -> RunResult:
        """Of a program that was not begun."""
        return cls(
            outcome=outcome,
            exit_code=None,
            output=(),
            truncated=False,
            wall_time=0.0,
            cpu_time=0.0,
            peak_memory=0,
        )

    def text(self, stream: Stream) -> str:
        return "".join(piece.text for piece in self.output if piece.stream is stream)
