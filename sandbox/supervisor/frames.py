"""The framing spoken between the platform and the supervisor in a container.

A frame is a 13-byte header (payload length, kind, run) and a payload. Every frame names the run it
belongs to, 0 for the container itself, so that a late frame of one run can never be taken for the next
one's. The payload of a frame about a call, of which a run can have several at once, begins with the call's
number, counted from 1 within the run. Both ends import this module, so it depends on nothing.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

HEADER = struct.Struct(">IBQ")
VERSION = 3
# What one side accepts from the other; a peer that announces more is broken or hostile.
MAX_REQUEST = 8 * 1024 * 1024
MAX_REPORT = 256 * 1024
# Of one run
MOST_CALLS = 1000
MOST_CALL_BYTES = 64 * 1024 * 1024  # of all requests' bodies together

CALL_NUMBER = struct.Struct(">I")
SIZE = struct.Struct(">I")


class Kind(IntEnum):
    """What a frame says. Below 128: platform to supervisor; from 128: supervisor to platform."""

    RUN = 1  # JSON: see `supervisor.request.Request`
    INPUT = 2  # bytes for the program's standard input
    CLOSE_INPUT = 3
    CANCEL = 4
    PING = 5  # echoed as PONG
    ANSWER = 6  # number, JSON: {"status": int, "headers": {lower-case name: value}}
    ANSWER_BODY = 7  # number, bytes
    ANSWER_END = 8  # number
    ANSWER_CUT = 9  # number; the answer will not be whole

    READY = 128  # JSON: version and what this container can enforce
    STARTED = 129
    STDOUT = 130  # bytes
    STDERR = 131  # bytes
    AWAITING_INPUT = 132
    EXIT = 133  # JSON: how the program ended
    UNCLEAN = 134  # text: what this run has left, after EXIT; the container takes no other run then
    PONG = 135
    CALL = 136  # number, JSON: {"method": str, "path": str, "headers": {lower-case name: value}}
    CALL_BODY = 137  # number, bytes
    CALL_END = 138  # number; the request is whole
    CALL_GONE = 139  # number; nobody waits for the answer any more. The last about this call
    CALL_TAKEN = 140  # number, size: so many bytes more of the answer have been taken by the program


class Frame(NamedTuple):
    kind: Kind
    run: int
    payload: bytes


class MalformedFrame(Exception):
    """The peer broke the protocol; nothing it says can be trusted any more."""


def pack(kind: Kind, run: int = 0, payload: bytes = b"") -> bytes:
    return HEADER.pack(len(payload), kind, run) + payload


class FrameReader:
    """Turns a byte stream into frames, refusing payloads over `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames completed by `data`; raises MalformedFrame."""
        self._buffer += data
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> Frame | None:
        if len(self._buffer) < HEADER.size:
            return None
        length, kind, run = HEADER.unpack_from(self._buffer)
        if length > self._limit:
            raise MalformedFrame(f"payload of {length} bytes")
        end = HEADER.size + length
        if len(self._buffer) < end:
            return None
        payload = bytes(self._buffer[HEADER.size : end])
        del self._buffer[:end]
        try:
            return Frame(Kind(kind), run, payload)
        except ValueError:
            raise MalformedFrame(f"unknown kind {kind}") from None
