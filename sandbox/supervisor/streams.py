"""Standard streams of a learner's program.

What Python code writes goes as packets over one socket, so that stdout and stderr keep their order.
Descriptors 1 and 2 themselves are pipes, for child processes and `os.write`. To put both in order, a packet
says when it was made, and how many bytes each pipe held then, which must have been written earlier.
Everything here runs in the learner's process. The supervisor believes none of it beyond "this is output", "it
waits for input" and "it is done, with this code", all of which a program may say of itself.
"""

from __future__ import annotations

import array
import fcntl
import io
import os
import select
import struct
import sys
import termios
import time
from time import sleep  # of which the module may have another one when it is needed
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

PACKET_SIZE = 16 * 1024  # bytes of text in one packet
LEAVE_SECONDS = 1.0  # unless the program has put something else in the place of the socket, it takes far less

# Of a packet: tag, bytes that waited in the pipes of stdout and stderr, and between which moments they were
# counted (monotonic clock, nanoseconds).
HEADER = struct.Struct("=BIIQQ")
STDOUT, STDERR = 0, 1
NOTHING = 15
AWAITING_INPUT = 16
MEMORY_ERROR = 17  # the program ends because it could get no more memory,
PROCESS_ERROR = 18  # no more processes or threads
DONE = 19  # it has nothing left to do but to end, with this exit code


class Packets:
    """The learner's end of the packet socket: each write is a packet."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._waiting = array.array("i", [0])

    def send(self, tag: int, data: bytes | memoryview = b"") -> None:
        began = time.monotonic_ns()
        header = HEADER.pack(tag, self._waiting_in(1), self._waiting_in(2), began, time.monotonic_ns())
        os.write(self._fd, b"".join((header, data)))

    def take_leave(self, code: int) -> NoReturn:
        """Say that the program is done, and wait to be killed: `run.Run.finish` knows why."""
        try:
            self.send(DONE, bytes([code]))
            sleep(LEAVE_SECONDS)
        finally:  # the program has closed the socket, or its handler for a signal raises something
            os._exit(code)

    def hand_over(self) -> None:
        """Leave it open for the program that takes the place of this one."""
        os.set_inheritable(self._fd, True)

    def _waiting_in(self, pipe: int) -> int:
        try:
            fcntl.ioctl(pipe, termios.FIONREAD, self._waiting)
        except OSError:  # the program closed or replaced it
            return 0
        return max(0, self._waiting[0])


class PacketWriter(io.RawIOBase):
    """The raw end of `sys.stdout` or `sys.stderr`."""

    def __init__(self, packets: Packets, tag: int) -> None:
        self._packets = packets
        self._tag = tag
        self._fd = tag + 1

    def fileno(self) -> int:
        return self._fd

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        view = memoryview(data).cast("B")
        for start in range(0, len(view), PACKET_SIZE):
            self._packets.send(self._tag, view[start : start + PACKET_SIZE])
        return len(view)


class PipeReader(io.RawIOBase):
    """The raw end of `sys.stdin`: descriptor 0, announcing when the program has to wait for input."""

    def __init__(self, packets: Packets) -> None:
        self._packets = packets
        self._poll = select.poll()
        self._poll.register(0, select.POLLIN)
        self._file = io.FileIO(0, closefd=False)

    def fileno(self) -> int:
        return 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        if not self._poll.poll(0):
            self._packets.send(AWAITING_INPUT)
        return self._file.readinto(buffer)


def replace_standard_streams(packets: Packets) -> None:
    """Give this process fresh `sys.stdin`, `sys.stdout` and `sys.stderr`, UTF-8 whatever the locale."""
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(  # type: ignore[misc] # Final for everyone but its maker
        io.BufferedReader(PipeReader(packets)), encoding="utf-8", errors="replace"
    )
    sys.stdout = sys.__stdout__ = _text(packets, STDOUT, "replace")  # type: ignore[misc] # as above
    sys.stderr = sys.__stderr__ = _text(packets, STDERR, "backslashreplace")  # type: ignore[misc] # as above


def _text(packets: Packets, tag: int, errors: str) -> io.TextIOWrapper:
    """Like `python -u`: no buffer between text and descriptor, so what was printed survives a kill."""
    raw: Any = PacketWriter(packets, tag)
    return io.TextIOWrapper(raw, encoding="utf-8", errors=errors, write_through=True)
