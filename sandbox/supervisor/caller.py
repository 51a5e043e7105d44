"""One connection of a program to the endpoint: a request, its answer, the next request."""

from __future__ import annotations

import array
import fcntl
import select
import socket
import struct
import time
from collections.abc import Mapping
from enum import Enum, auto
from typing import Protocol

from . import http1

READ = 16 * 1024
DISCARD = 64 * 1024  # read at once of what nobody wants
MOST_DISCARDED = 4 * http1.MOST_BODY
REPORT_AT = 16 * 1024  # bytes of an answer that are taken before that is told
# Seconds
READ_PATIENCE = 10.0  # with the next piece of a request that has begun
CLOSE_PATIENCE = 0.5  # with a program that does not close a connection that is over

_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER
_UNSENT = 0x894B  # SIOCOUTQNSD of linux/sockios.h: bytes for which the other side had no room yet


class Calls(Protocol):
    """Whom a connection tells what it has read."""

    def open_call(self, caller: Caller, head: http1.Head) -> int:
        """The number of the new call; raises Refused."""

    def add_to_call(self, number: int, data: bytes) -> None:
        """Raises Refused."""

    def complete_call(self, number: int) -> None: ...

    def drop_call(self, number: int) -> None: ...

    def note_taken(self, number: int, size: int) -> None: ...

    def forget(self, caller: Caller) -> None: ...


class State(Enum):
    HEAD = auto()  # waiting for a request, or reading its head
    BODY = auto()
    WAITING = auto()  # for the answer
    ANSWERING = auto()
    CLOSING = auto()  # as soon as everything is sent


class Caller:
    """Never waits, and never holds more than a window of the answer and a few pieces of the request."""

    def __init__(self, connection: socket.socket, epoll: select.epoll, calls: Calls) -> None:
        self.fd = connection.fileno()
        self.deadline: float | None = None  # when `give_up` is to be called
        self._connection = connection
        self._epoll = epoll
        self._calls = calls
        self._state = State.HEAD
        self._in = bytearray()
        self._out = bytearray()
        self._paused = False
        self._discarded = 0
        self._patience = 0.0
        # Of the request that is being read or answered:
        self._number = 0
        self._head: http1.Head | None = None
        self._body: http1.Sized | http1.Chunked = http1.Sized(0)
        self._in_chunks = self._until_close = False  # how the program sees where the answer ends
        self._keep = False
        self._untold = 0  # bytes of the answer, handed on or about to be, of which it has not been told
        self._interest = select.EPOLLIN | select.EPOLLRDHUP
        connection.setblocking(False)
        epoll.register(self.fd, self._interest)

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do on it but wait for a request that may never come."""
        return self._state is State.HEAD and not (self._in or self._out)

    # --- What the endpoint calls ---------------------------------------------------------------------

    def on_ready(self, events: int) -> None:
        try:
            if events & select.EPOLLOUT:
                self._flush()
            if self.fd < 0:
                pass
            elif self._state is State.CLOSING:
                self._discard()
            elif self._state in (State.HEAD, State.BODY):
                if events & ~select.EPOLLOUT:
                    self._read()
            elif events & (select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP):
                self.abort()
        except OSError:
            self.abort()
        self._watch()

    def pause(self) -> None:
        """Read no more of requests for now."""
        self._paused = True
        self._watch()

    def resume(self) -> None:
        self._paused = False
        self._watch()

    def begin_answer(self, status: int, headers: Mapping[str, str]) -> None:
        assert self._head is not None
        self._state = State.ANSWERING
        known = "content-length" in headers or status in (204, 304)
        self._in_chunks = self._head.knows_chunks and not known
        self._until_close = not (known or self._in_chunks)
        self._keep = self._head.keep_alive and not self._until_close
        framing = {"transfer-encoding": "chunked"} if self._in_chunks else {}
        connection = "keep-alive" if self._keep else "close"
        self._out += http1.answer_head(status, {**headers, **framing, "connection": connection})
        self._send()

    def continue_answer(self, data: bytes) -> None:
        assert self._head is not None
        self._untold += len(data)
        if self._head.method == "HEAD":
            pass
        elif self._in_chunks:
            self._out += b"%x\r\n%b\r\n" % (len(data), data)
        else:
            self._out += data
        self._send()

    def end_answer(self) -> None:
        assert self._head is not None
        if self._in_chunks and self._head.method != "HEAD":
            self._out += b"0\r\n\r\n"
        self._number = self._untold = 0
        if self._keep:
            self._state = State.HEAD
            self._send()
            self._advance()
            self._watch()
        elif self._until_close:
            self._close()
        else:
            self._close(CLOSE_PATIENCE)

    def cut_answer(self) -> None:
        self._number = 0
        self.abort()

    def give_up(self) -> None:
        """The deadline has passed."""
        if self._state is State.CLOSING:
            self._part()
        else:
            self._refuse(http1.Refused(408, "The request did not come in time."))
            self._watch()

    def abort(self) -> None:
        """Close the connection, with nothing of it left, and abandon its call."""
        if self.fd < 0:
            return
        number, self._number = self._number, 0
        if number:
            self._calls.drop_call(number)
        self._calls.forget(self)
        self._out.clear()
        self._in.clear()
        reset(self._connection)  # which takes it out of epoll, too
        self.fd = -1

    # --- Requests ------------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            data = self._connection.recv(READ)
        except BlockingIOError:
            return
        if not data:
            self.abort()
            return
        self._in += data
        self._advance()

    def _advance(self) -> None:
        """Read as far as the next request that is whole, if there is one."""
        try:
            if self._state is State.HEAD:
                self._read_head()
            if self._state is State.BODY:
                self._read_body()
        except http1.Refused as why:
            self._refuse(why)

    def _read_head(self) -> None:
        end = self._in.find(b"\r\n\r\n", 0, http1.MOST_HEAD)
        if end < 0:
            if len(self._in) >= http1.MOST_HEAD:
                raise http1.Refused(431, "The headers are too large.")
            self.deadline = time.monotonic() + READ_PATIENCE if self._in else None
            return
        self._head = head = http1.parse_head(bytes(self._in[:end]))
        del self._in[: end + 4]
        self._body = http1.Chunked() if head.length is None else http1.Sized(head.length)
        self._number = self._calls.open_call(self, head)
        self._state = State.BODY
        if head.awaits_word and not self._in and not self._body.complete:
            self._out += b"HTTP/1.1 100 Continue\r\n\r\n"
            self._send()

    def _read_body(self) -> None:
        if data := self._body.take(self._in):
            self._calls.add_to_call(self._number, data)
        self.deadline = time.monotonic() + READ_PATIENCE
        if self._body.complete:
            self.deadline = None
            self._state = State.WAITING
            self._calls.complete_call(self._number)

    def _refuse(self, why: http1.Refused) -> None:
        number, self._number = self._number, 0
        if number:
            self._calls.drop_call(number)
        self._out += http1.refusal(why.status, str(why))
        self._close(CLOSE_PATIENCE)

    # --- Answers -------------------------------------------------------------------------------------

    def _send(self) -> None:
        """Flush from outside of `on_ready`."""
        try:
            self._flush()
        except OSError:
            self.abort()
        self._watch()

    def _flush(self) -> None:
        try:
            while self._out:
                del self._out[: self._connection.send(self._out)]
        except BlockingIOError:
            return
        if self._untold >= REPORT_AT and self._number:
            self._calls.note_taken(self._number, self._untold)
            self._untold = 0
        if self._state is State.CLOSING:
            if self._patience:
                self.deadline = time.monotonic() + self._patience
            else:
                self._part()

    # --- The end -------------------------------------------------------------------------------------

    def _close(self, patience: float = 0.0) -> None:
        """Close when all is sent, and the program has, or so many seconds after that.

        What it still sends is dropped: many clients read an answer only after all of their request.
        """
        self._state = State.CLOSING
        self._patience = patience
        self._in.clear()
        self.deadline = None
        self._send()

    def _part(self) -> None:
        """Say that this is the end, and reset the connection as soon as all has reached the program's side.

        What has arrived there can still be read, and its end. But neither side has to remember the
        connection for a minute (TIME_WAIT), which would be seen by the next run.
        """
        unsent = array.array("i", [0])
        try:
            fcntl.ioctl(self.fd, _UNSENT, unsent)
            if unsent[0]:
                self.deadline = time.monotonic()  # look again soon
                return
            self._connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has been closed
        self.abort()

    def _discard(self) -> None:
        try:
            size = len(self._connection.recv(DISCARD))
        except BlockingIOError:
            return
        self._discarded += size
        if self.deadline is not None:
            self.deadline = time.monotonic() + CLOSE_PATIENCE
        if not size or self._discarded > MOST_DISCARDED:
            self.abort()

    def _watch(self) -> None:
        if self.fd < 0:
            return
        interest = select.EPOLLRDHUP if self._state is not State.CLOSING else 0
        if self._state is State.CLOSING or (self._state in (State.HEAD, State.BODY) and not self._paused):
            interest |= select.EPOLLIN
        if self._out:
            interest |= select.EPOLLOUT
        if interest != self._interest:
            self._interest = interest
            self._epoll.modify(self.fd, interest)


def reset(connection: socket.socket) -> None:
    """Close a connection so that the kernel keeps nothing of it, not even that it was there."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    connection.close()
