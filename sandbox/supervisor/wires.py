"""The descriptors between the supervisor and one learner's process."""

from __future__ import annotations

import array
import fcntl
import marshal
import os
import socket
import struct
import termios
import time
from collections import deque
from typing import Any, NamedTuple

from . import streams
from .frames import Kind
from .request import Request

LEARNER_ENDS = 4  # standard input, output, error, packets
PACKETS_FD = 100  # where the learner's process keeps its end: out of the way of what it opens itself

PIPE_CHUNK = 32 * 1024
PIPE_CAPACITY = 64 * 1024  # bytes; a packet that claims to come after more is not believed
READS_KNOWN = 64  # of a pipe; a packet hardly ever waits for longer
ORDER_CHUNK = 4096  # hardly ever is an order longer, and a small buffer is memory that is warm
REST_CHUNK = 64 * 1024  # of one that is
READY = struct.Struct("=6sI")  # the learner's process says this word, and its id
READY_WORD = b"ready "
LENGTH = struct.Struct("=I")  # of the order that it gets then


class Packet(NamedTuple):
    """What `streams.Packets` sends."""

    tag: int
    waiting: tuple[int, int]
    began: int
    ended: int
    data: bytes


class Read(NamedTuple):
    """From a pipe: when (monotonic clock, nanoseconds), and up to which position."""

    began: int
    ended: int
    position: int


class Pipe:
    """The supervisor's end of a learner's standard output or error. Positions count bytes from its start."""

    def __init__(self, kind: Kind, fd: int) -> None:
        self.kind = kind
        self.fd = fd
        self.ended = False
        self.held = b""  # read, and not taken yet
        self._position = 0  # read so far
        self._reads = deque([Read(0, 0, 0)], READS_KNOWN)

    def read(self) -> bool:
        """Hold what is there now, one chunk at most; False when there was nothing."""
        began = time.monotonic_ns()
        try:
            data = os.read(self.fd, PIPE_CHUNK)
        except BlockingIOError:
            return False
        self._reads.append(Read(began, time.monotonic_ns(), self._position + len(data)))
        self._position += len(data)
        self.held += data
        self.ended = not data
        return not self.ended

    def take_before(self, packet: Packet) -> bytes:
        """What was written before the packet was sent, and not taken yet."""
        waiting = packet.waiting[self.kind is Kind.STDERR]
        if not (waiting or self.held):
            return b""
        end = self._position_at(packet, not waiting) + min(waiting, PIPE_CAPACITY)
        while self._position < end and self.read():
            pass
        return self._take(max(0, end - (self._position - len(self.held))))

    def take_held(self) -> bytes:
        return self._take(len(self.held))

    def close(self) -> None:
        os.close(self.fd)

    def _position_at(self, packet: Packet, empty: bool) -> int:
        """How far it had been read when the program counted what waits. Packets come in their order.

        A read that was going on meanwhile had been done if the pipe was empty, else had not.
        """
        while len(self._reads) > 1:
            following = self._reads[1]
            if packet.ended < following.began if empty else packet.began < following.ended:
                break
            self._reads.popleft()
        return self._reads[0].position

    def _take(self, count: int) -> bytes:
        taken, self.held = self.held[:count], self.held[count:]
        return taken


class Wires:
    """Input, two outputs, and packets. Made before the fork; afterwards each side drops the other's ends."""

    def __init__(self) -> None:
        self.packets, self._their_packets = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        their_stdin, self.stdin = os.pipe()
        stdout, their_stdout = os.pipe()
        stderr, their_stderr = os.pipe()
        self.pipes = Pipe(Kind.STDOUT, stdout), Pipe(Kind.STDERR, stderr)
        self.learner_ends = (their_stdin, their_stdout, their_stderr, self._their_packets.fileno())

    def keep_supervisor_ends(self) -> None:
        self._their_packets.close()
        for fd in self.learner_ends[:3]:
            os.close(fd)
        self.packets.setblocking(False)
        for fd in (self.stdin, *(pipe.fd for pipe in self.pipes)):
            os.set_blocking(fd, False)

    def keep_learner_ends(self) -> None:
        """Put the learner's ends in their places and close every other descriptor of this process."""
        *standard, packets = self.learner_ends
        os.dup2(packets, PACKETS_FD, inheritable=False)
        for target, fd in enumerate(standard):
            os.dup2(fd, target)
        self._their_packets.detach()
        os.closerange(3, PACKETS_FD)
        os.closerange(PACKETS_FD + 1, os.sysconf("SC_OPEN_MAX"))

    def give_order(self, request: Request) -> None:
        """Hand over the order whole. May block, but only on a process that no learner's code has touched."""
        fields: Any = tuple(request)
        order = marshal.dumps(fields)
        order = LENGTH.pack(len(order)) + order
        self.packets.send(order[:ORDER_CHUNK])  # the first on this socket, so there is room
        if len(order) > ORDER_CHUNK:
            self.packets.setblocking(True)
            for start in range(ORDER_CHUNK, len(order), REST_CHUNK):
                self.packets.send(order[start : start + REST_CHUNK])
            self.packets.setblocking(False)

    def read_packet(self) -> Packet | None:
        """The next packet, None at the end; BlockingIOError when there is none for now."""
        packet = self.packets.recv(streams.HEADER.size + streams.PACKET_SIZE)
        if not packet:
            return None
        if len(packet) < streams.HEADER.size:
            return Packet(streams.NOTHING, (0, 0), 0, 0, b"")  # not one of ours; the program is playing
        tag, stdout, stderr, began, ended = streams.HEADER.unpack_from(packet)
        return Packet(tag, (stdout, stderr), began, ended, packet[streams.HEADER.size :])

    def unread_input(self) -> int:
        """Bytes that were written to standard input and are still to be read."""
        waiting = array.array("i", [0])
        if self.stdin >= 0:
            fcntl.ioctl(self.stdin, termios.FIONREAD, waiting)
        return waiting[0]

    def close_stdin(self) -> None:
        if self.stdin >= 0:
            os.close(self.stdin)
            self.stdin = -1

    def close(self) -> None:
        self.packets.close()
        self.close_stdin()
        for pipe in self.pipes:
            pipe.close()


def read_order() -> Request:
    """What `give_order` has sent, in the learner's process."""
    beginning = os.read(PACKETS_FD, ORDER_CHUNK)
    (length,) = LENGTH.unpack_from(beginning)
    order = bytearray(beginning[LENGTH.size :])  # which is not copied for each piece that it grows by
    while len(order) < length:
        order += os.read(PACKETS_FD, REST_CHUNK)
    return Request(*marshal.loads(order))  # noqa: S302 - the supervisor wrote it
