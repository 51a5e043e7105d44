"""What a RUN frame asks for, and what EXIT answers: the JSON payloads, as records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Request(NamedTuple):
    code: str
    name: str
    prelude: Sequence[tuple[str, str]]  # name, code
    files: Mapping[str, str]  # relative path: text
    command: Sequence[str] | None  # that is given the file; None: Python, in this interpreter
    stdin: str | None  # None: sent by INPUT frames while the program runs
    timeout: float  # seconds of wall time
    output: int  # bytes
    memory: int  # bytes
    processes: int
    open_files: int

    def pack(self) -> bytes:
        return json.dumps(self._asdict()).encode()

    @classmethod
    def parse(cls, payload: bytes) -> Request:
        return cls(**json.loads(payload))


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a program ended. Times in seconds, sizes in bytes."""

    reason: str  # one of `REASONS`
    code: int | None  # exit code; None when a signal ended it
    signal: int | None
    wall_time: float
    cpu_time: float  # of all its processes
    peak_memory: int  # of its largest process
    out_of_memory: bool
    out_of_processes: bool

    def pack(self) -> bytes:
        return json.dumps(vars(self)).encode()

    @classmethod
    def parse(cls, payload: bytes) -> Exit:
        """Raises ValueError for anything but a well-formed record: the payload comes out of a container."""
        fields = json.loads(payload)
        if not isinstance(fields, dict) or set(fields) != set(_EXIT_TYPES):
            raise ValueError("not an exit record")
        for name, types in _EXIT_TYPES.items():
            if type(fields[name]) not in types:
                raise ValueError(f"{name} is {fields[name]!r}")
        if fields["reason"] not in REASONS:
            raise ValueError(f"reason is {fields['reason']!r}")
        return cls(**fields)


REASONS = ("exited", "timeout", "cancelled", "output_limit", "memory")
_EXIT_TYPES: dict[str, tuple[type, ...]] = {
    "reason": (str,),
    "code": (int, type(None)),
    "signal": (int, type(None)),
    "wall_time": (float, int),
    "cpu_time": (float, int),
    "peak_memory": (int,),
    "out_of_memory": (bool,),
    "out_of_processes": (bool,),
}
