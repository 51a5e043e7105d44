"""Where programs ask for language models: an HTTP server on the container's loopback.

It knows nothing of models. A request becomes a call: frames with its number go to the platform, and the
frames that come back are its answer. The port belongs to process 1 from the container's start to its end, so
no program can listen there. With each run all connections end, and none of an earlier run can come up late.
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Callable

from . import http1
from .caller import Caller
from .frames import CALL_NUMBER, MOST_CALL_BYTES, MOST_CALLS, SIZE, Frame, Kind
from .link import Link

ADDRESS = ("127.0.0.1", 11411)  # below the ports that the kernel gives to whoever asks for any
MOST_CALLERS = 64
QUEUE = 64  # connections that wait to be accepted
KERNEL_BUFFER = 64 * 1024  # of each connection, for each direction: it counts as the container's memory
LOOK = 0.5  # seconds between two looks at callers who keep the endpoint waiting


class Endpoint:
    """Has no run, or one. Costs a run that makes no call next to nothing."""

    def __init__(self, link: Link, epoll: select.epoll) -> None:
        self._link = link
        self._epoll = epoll
        self._listener = self._listen()
        self._listening = True
        self._knocks = False  # somebody waits to be accepted
        self._used = False  # in this run
        self._run: int | None = None
        self._before_call: Callable[[], object] = _nothing
        self._callers: dict[int, Caller] = {}  # by descriptor
        self._paused: set[Caller] = set()
        self._calls: dict[int, Caller] = {}  # by number
        self._number = 0
        self._bytes = 0
        self._look_at: float | None = None

    def open(self, run: int, before_call: Callable[[], object]) -> None:
        """Take calls for a run. `before_call`: to be called before the platform hears of a call."""
        self._run = run
        self._before_call = before_call
        self._number = self._bytes = 0

    def close(self) -> None:
        """End every call of the run."""
        for caller in list(self._callers.values()):
            caller.abort()
        self._look_at = None
        self._paused.clear()
        self._run = None
        self._before_call = _nothing

    def renew(self) -> None:
        """Have nothing left of the run. While a process of it lives, that could take the port meanwhile."""
        if self._used or self._somebody_waits():
            self._begin_anew()

    # --- What the service's loop calls ---------------------------------------------------------------

    def on_ready(self, fd: int, events: int) -> bool:
        """False when the descriptor is not the endpoint's."""
        if fd == self._listener.fileno():
            # Accepted later: until the present events are dealt with, no descriptor may get a new meaning.
            self._knocks = True
            return True
        caller = self._callers.get(fd)
        if caller is None:
            return False
        if self._link.crowded and not events & ~select.EPOLLIN:
            self._paused.add(caller)
            caller.pause()
        else:
            caller.on_ready(events)
        return True

    def before_wait(self) -> None:
        """Before the loop waits for events: there may be room in the link again."""
        if self._paused and not self._link.crowded:
            paused, self._paused = self._paused, set()
            for caller in paused:
                caller.resume()

    def on_time(self) -> None:
        if self._knocks:
            self._accept()
        if self._look_at is not None and time.monotonic() >= self._look_at:
            self._look()

    def next_due(self) -> float:
        """Seconds until `on_time` has something to do."""
        return float("inf") if self._look_at is None else max(0.0, self._look_at - time.monotonic())

    def on_frame(self, frame: Frame) -> None:
        (number,) = CALL_NUMBER.unpack_from(frame.payload)
        caller = self._calls.get(number)
        if caller is None:
            return  # it has just hung up
        payload = frame.payload[CALL_NUMBER.size :]
        if frame.kind is Kind.ANSWER:
            caller.begin_answer(**json.loads(payload))
        elif frame.kind is Kind.ANSWER_BODY:
            caller.continue_answer(payload)
        else:
            del self._calls[number]
            if frame.kind is Kind.ANSWER_END:
                caller.end_answer()
            else:
                caller.cut_answer()

    # --- What callers call ---------------------------------------------------------------------------

    def open_call(self, caller: Caller, head: http1.Head) -> int:
        if self._number == MOST_CALLS:
            raise http1.Refused(429, f"One run can ask {MOST_CALLS} times.")
        self._before_call()
        self._number += 1
        self._calls[self._number] = caller
        asked = {"method": head.method, "path": head.path, "headers": head.headers}
        self._say(Kind.CALL, self._number, json.dumps(asked).encode())
        return self._number

    def add_to_call(self, number: int, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > MOST_CALL_BYTES:
            raise http1.Refused(429, "This run has asked for too much.")
        self._say(Kind.CALL_BODY, number, data)

    def complete_call(self, number: int) -> None:
        self._say(Kind.CALL_END, number)

    def drop_call(self, number: int) -> None:
        del self._calls[number]
        self._say(Kind.CALL_GONE, number)

    def note_taken(self, number: int, size: int) -> None:
        self._say(Kind.CALL_TAKEN, number, SIZE.pack(size))

    def forget(self, caller: Caller) -> None:
        del self._callers[caller.fd]
        self._paused.discard(caller)
        self._watch_listener(listening=True)

    def _say(self, kind: Kind, number: int, payload: bytes = b"") -> None:
        assert self._run is not None
        self._link.queue(kind, self._run, CALL_NUMBER.pack(number) + payload)

    # --- Connections ---------------------------------------------------------------------------------

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Those that are accepted inherit it.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BUFFER)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setblocking(False)
        listener.bind(ADDRESS)
        listener.listen(QUEUE)
        self._epoll.register(listener, select.EPOLLIN)
        return listener

    def _begin_anew(self) -> None:
        """With the listener goes what the kernel holds of connections that were not accepted yet."""
        self._listener.close()
        self._listener = self._listen()
        self._listening = True
        self._used = self._knocks = False

    def _somebody_waits(self) -> bool:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return False
        connection.close()
        return True

    def _accept(self) -> None:
        self._knocks = False
        for _ in range(QUEUE):
            is_full = len(self._callers) >= MOST_CALLERS
            leaver = self._longest_idle() if is_full else None
            if is_full and leaver is None:
                self._watch_listener(listening=False)
                return
            try:
                connection, _ = self._listener.accept()
            except OSError:  # none is left; or it has gone again, and epoll tells of the next
                return
            if leaver:
                leaver.abort()
            self._used = True
            caller = Caller(connection, self._epoll, self)
            self._callers[caller.fd] = caller
            if self._look_at is None:
                self._look_at = time.monotonic() + LOOK

    def _longest_idle(self) -> Caller | None:
        """The idle caller who has been there longest; clients know that they may be parted with."""
        return next((caller for caller in self._callers.values() if caller.idle), None)

    def _watch_listener(self, *, listening: bool) -> None:
        if listening != self._listening:
            self._listening = listening
            self._epoll.modify(self._listener, select.EPOLLIN if listening else 0)

    def _look(self) -> None:
        now = time.monotonic()
        for caller in list(self._callers.values()):
            if caller.deadline is not None and now >= caller.deadline:
                caller.give_up()
        self._look_at = now + LOOK if self._callers else None


def _nothing() -> None:
    pass
