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
    code: int | None  # exit code; None when a signal ended it, or the supervisor, for another reason
    signal: int | None  # that ended it, if one did and the supervisor had no reason to
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
                raise ValueError(f"{name} is a {type(fields[name]).__name__}")
        for name, (least, most) in _EXIT_RANGES.items():
            if fields[name] is not None and not least <= fields[name] <= most:  # neither, if it is no number
                raise ValueError(f"{name} is impossible")
        if fields["reason"] not in REASONS:
            raise ValueError("reason is unknown")
        ends = (fields["code"] is not None) + (fields["signal"] is not None)
        if ends != (fields["reason"] == "exited"):
            raise ValueError(f"{fields['reason']} with {ends} of code and signal")
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
_DAY = 24 * 3600
_EXIT_RANGES = {  # no run comes near the large ones
    "code": (0, 255),
    "signal": (1, 64),
    "wall_time": (0, _DAY),
    "cpu_time": (0, _DAY),
    "peak_memory": (0, 2**50),
}
