"""The supervisor's end of the stream to the platform: standard input and output."""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress

from .frames import MAX_REQUEST, Frame, FrameReader, Kind, pack

INPUT, OUTPUT = 0, 1
DIRECT_SOCKET = "/run/platform/socket"  # where the platform may wait
CHUNK = 64 * 1024
CROWDED = 128 * 1024  # bytes waiting to be sent


class Closed(Exception):
    """The platform has hung up; there is nobody left to run code for."""


def go_direct() -> None:
    """Speak with the platform itself, not by way of the engine, if it waits for that."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as meeting:
        meeting.connect(DIRECT_SOCKET)
        for line in socket.recv_fds(meeting, 1, 1)[1]:
            for fd in (INPUT, OUTPUT):
                os.dup2(line, fd)
            os.close(line)


class Link:
    """Frames in and out, never blocking. What cannot be sent at once waits until `flush` is called again.

    What a program prints is bounded by the run's output limit; whoever has more to say looks at `crowded`.
    """

    def __init__(self, epoll: select.epoll) -> None:
        self._epoll = epoll
        self._reader = FrameReader(MAX_REQUEST)
        self._backlog = bytearray()
        self._blocked = False
        for fd in (INPUT, OUTPUT):
            os.set_blocking(fd, False)
        epoll.register(INPUT, select.EPOLLIN)

    def receive(self) -> list[Frame]:
        """Frames that have arrived; raises Closed."""
        try:
            data = os.read(INPUT, CHUNK)
        except BlockingIOError:
            return []
        except ConnectionResetError:
            raise Closed from None
        if not data:
            raise Closed
        return self._reader.feed(data)

    def queue(self, kind: Kind, run: int = 0, payload: bytes = b"") -> None:
        """Hold a frame back until the next `flush`, so that frames share a write."""
        self._backlog += pack(kind, run, payload)

    @property
    def crowded(self) -> bool:
        return len(self._backlog) > CROWDED

    def flush(self) -> None:
        try:
            while self._backlog:
                del self._backlog[: os.write(OUTPUT, self._backlog)]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            raise Closed from None
        self._watch(blocked=bool(self._backlog))

    def _watch(self, *, blocked: bool) -> None:
        if blocked == self._blocked:
            return
        self._blocked = blocked
        if blocked:
            self._epoll.register(OUTPUT, select.EPOLLOUT)
        else:
            self._epoll.unregister(OUTPUT)
