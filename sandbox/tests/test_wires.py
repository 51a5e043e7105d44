"""The order of what a program writes in two ways, when the supervisor looks late."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from sandbox.supervisor import streams
from sandbox.supervisor.frames import Kind
from sandbox.supervisor.wires import PIPE_CAPACITY, Packet, Pipe


class Program:
    """Both ends of a pipe, and the packets sent beside it."""

    def __init__(self) -> None:
        fd, self._fd = os.pipe()
        os.set_blocking(fd, False)
        self.pipe = Pipe(Kind.STDOUT, fd)
        self._unread = 0

    def write(self, text: bytes) -> None:
        self._unread += os.write(self._fd, text)

    def send(self) -> Packet:
        now = time.monotonic_ns()
        return Packet(streams.STDOUT, (self._unread, 0), now, now, b"")

    def is_read(self) -> None:
        self.pipe.read()
        self._unread = 0

    def close(self) -> None:
        self.pipe.close()
        os.close(self._fd)


@pytest.fixture
def program() -> Iterator[Program]:
    made = Program()
    yield made
    made.close()


def test_only_what_was_written_before_a_packet_comes_before_it(program: Program) -> None:
    first = program.send()
    program.write(b"a")
    second = program.send()
    program.write(b"b")
    third = program.send()
    program.write(b"c")

    assert [program.pipe.take_before(packet) for packet in (first, second, third)] == [b"", b"a", b"b"]
    program.pipe.read()
    assert program.pipe.take_held() == b"c"


def test_what_was_read_ahead_is_put_between_the_packets_that_wait(program: Program) -> None:
    program.write(b"a")
    first = program.send()
    program.write(b"bc")
    second = program.send()
    program.is_read()
    third = program.send()
    program.write(b"d")
    fourth = program.send()

    taken = [program.pipe.take_before(packet) for packet in (first, second, third, fourth)]
    assert taken == [b"a", b"bc", b"", b"d"]


def test_a_read_between_two_packets_is_not_counted_twice(program: Program) -> None:
    program.write(b"a")
    first = program.send()
    assert program.pipe.take_before(first) == b"a"
    program._unread = 0
    program.write(b"bb")
    second = program.send()
    program.write(b"c")

    assert program.pipe.take_before(second) == b"bb"


@pytest.mark.parametrize("moment", [0, 2**64 - 1])
def test_a_packet_that_lies_takes_no_more_than_a_pipe_holds(program: Program, moment: int) -> None:
    program.write(b"x" * PIPE_CAPACITY)

    taken = program.pipe.take_before(Packet(streams.STDOUT, (2**32 - 1, 0), moment, moment, b""))

    assert len(taken) <= PIPE_CAPACITY
    program.pipe.read()
    assert len(taken + program.pipe.take_held()) == PIPE_CAPACITY
