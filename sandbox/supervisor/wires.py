"""The descriptors between the supervisor and one learner's process."""

from __future__ import annotations

import marshal
import os
import socket
import struct
from typing import Any, NamedTuple

from . import streams
from .frames import Kind
from .request import Request

LEARNER_ENDS = 4  # standard input, output, error, packets
PACKETS_FD = 100  # where the learner's process keeps its end: out of the way of what it opens itself

PIPE_CHUNK = 32 * 1024
ORDER_CHUNK = 4096  # hardly ever is an order longer, and a small buffer is memory that is warm
READY = struct.Struct("=6sI")  # the learner's process says this word, and its id
READY_WORD = b"ready "
LENGTH = struct.Struct("=I")  # of the order that it gets then


class Packet(NamedTuple):
    """What `streams.Packets` sends."""

    tag: int
    after_pipes: bool
    sent: int
    data: bytes


class Wires:
    """Input, two outputs, and packets. Made before the fork; afterwards each side drops the other's ends."""

    def __init__(self) -> None:
        self.packets, self._their_packets = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        their_stdin, self.stdin = os.pipe()
        self.stdout, their_stdout = os.pipe()
        self.stderr, their_stderr = os.pipe()
        self.learner_ends = (their_stdin, their_stdout, their_stderr, self._their_packets.fileno())

    def keep_supervisor_ends(self) -> None:
        self._their_packets.close()
        for fd in self.learner_ends[:3]:
            os.close(fd)
        self.packets.setblocking(False)
        for fd in (self.stdin, self.stdout, self.stderr):
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
            for start in range(ORDER_CHUNK, len(order), ORDER_CHUNK):
                self.packets.send(order[start : start + ORDER_CHUNK])
            self.packets.setblocking(False)

    def read_packet(self) -> Packet | None:
        """The next packet, None at the end; BlockingIOError when there is none for now."""
        packet = self.packets.recv(streams.HEADER.size + streams.PACKET_SIZE)
        if not packet:
            return None
        if len(packet) < streams.HEADER.size:
            return Packet(streams.NOTHING, False, 0, b"")  # not one of ours; the program is playing
        tag, sent = streams.HEADER.unpack_from(packet)
        flagged = bool(tag & streams.AFTER_PIPES)
        return Packet(tag & ~streams.AFTER_PIPES, flagged, sent, packet[streams.HEADER.size :])

    def read_pipe(self, kind: Kind) -> bytes:
        """What is in a pipe, b"" at the end; BlockingIOError when there is nothing for now."""
        return os.read(self.stdout if kind is Kind.STDOUT else self.stderr, PIPE_CHUNK)

    def close_stdin(self) -> None:
        if self.stdin >= 0:
            os.close(self.stdin)
            self.stdin = -1

    def close(self) -> None:
        self.packets.close()
        self.close_stdin()
        os.close(self.stdout)
        os.close(self.stderr)


def read_order() -> Request:
    """What `give_order` has sent, in the learner's process."""
    order = os.read(PACKETS_FD, ORDER_CHUNK)
    (length,) = LENGTH.unpack_from(order)
    order = order[LENGTH.size :]
    while len(order) < length:
        order += os.read(PACKETS_FD, ORDER_CHUNK)
    return Request(*marshal.loads(order))  # noqa: S302 - the supervisor wrote it
