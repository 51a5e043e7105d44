"""What a program asks of a model, as the platform's side sees it.

A program has no network, but an HTTP endpoint on its own loopback. Each request to it becomes a `Call`, given
to the `Answerer` of the run in a thread of its own. What is asked and answered is not the sandbox's business:
it carries methods, paths, headers and bytes.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)

WINDOW = 64 * 1024  # bytes of an answer that may be on their way before the program has taken them
PIECE = 16 * 1024  # bytes of an answer that travel together

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[ -~]*")
# The endpoint sees to these itself.
_OF_THE_CONNECTION = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}


class CallAbandoned(Exception):
    """Nobody waits for the answer any more: the program hung up, or its run has ended."""


@dataclass(frozen=True, kw_only=True)
class CallRequest:
    number: int  # 1 and up, within the run
    method: str
    path: str  # and query, as the program wrote them: printable ASCII that begins with a slash
    headers: Mapping[str, str]  # the few that an answer may depend on, by lower-case name
    body: bytes


class Line(Protocol):
    """The way back to the program. Thread-safe, and none of it waits."""

    def begin_answer(self, number: int, status: int, headers: Mapping[str, str]) -> None: ...

    def continue_answer(self, number: int, data: bytes) -> None: ...

    def end_answer(self, number: int) -> None: ...

    def cut_off(self, number: int) -> None:
        """End the connection, so that the program sees that its answer is not whole."""


class Call:
    """A request and the way to answer it: `respond` once, `write` as often as need be, `end`.

    Used by the thread that answers; `abandoned` and `on_abandoned` by any.
    """

    def __init__(self, request: CallRequest, line: Line) -> None:
        self.request = request
        self.responded = False
        self.ended = False
        self._line = line
        self._changed = threading.Condition()
        self._abandoned = False
        self._callbacks: list[Callable[[], object]] = []
        self._room = WINDOW
        self._unsaid: int | None = None  # bytes that were promised by a content-length and not yet written

    # --- For whoever answers -------------------------------------------------------------------------

    def respond(self, status: int, *, headers: Mapping[str, str]) -> None:
        """Send status (200–599) and headers, which the program receives at once.

        Without a `content-length` the answer may have any length. Raises CallAbandoned, and ValueError for
        a status or header that HTTP has no room for.
        """
        named = {name.lower(): value for name, value in headers.items()}
        _check(status, named)
        with self._changed:
            self._go_on()
            if self.responded:
                raise RuntimeError("answered already")
            self.responded = True
            length = named.get("content-length")
            self._unsaid = None if length is None else int(length)
            self._line.begin_answer(self.request.number, status, named)

    def write(self, data: bytes) -> None:
        """Send a piece of the body at once; waits while the program does not take what was sent before.

        Raises CallAbandoned, and ValueError for more than the content-length that was announced.
        """
        if self._unsaid is not None:
            if len(data) > self._unsaid:
                raise ValueError("more than the content-length that was announced")
            self._unsaid -= len(data)
        for start in range(0, len(data), PIECE):
            self._send(data[start : start + PIECE])

    def end(self) -> None:
        """Complete the answer. Does nothing where it has been, or where nobody waits for it."""
        with self._changed:
            if self.ended:
                return
            self.ended = True
            if self._abandoned:
                return
            if self.responded and not self._unsaid:
                self._line.end_answer(self.request.number)
            else:
                self._line.cut_off(self.request.number)

    def reply(self, status: int, body: bytes, *, headers: Mapping[str, str]) -> None:
        """The whole answer. Raises CallAbandoned."""
        self.respond(status, headers={**headers, "content-length": str(len(body))})
        self.write(body)
        self.end()

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._abandoned

    def on_abandoned(self, callback: Callable[[], object]) -> None:
        """Have `callback`, a quick one, called when the call is abandoned, in any thread; now if it is."""
        with self._changed:
            if not self._abandoned:
                self._callbacks.append(callback)
                return
        _call(callback)

    # --- For whoever carries it ----------------------------------------------------------------------

    def abandon(self) -> None:
        """Nobody waits for the answer any more, unless it is complete."""
        with self._changed:
            if self._abandoned or self.ended:
                return
            self._abandoned = True
            callbacks, self._callbacks = self._callbacks, []
            self._changed.notify_all()
        for callback in callbacks:
            _call(callback)

    def note_taken(self, size: int) -> bool:
        """The program has taken `size` bytes of the answer; False if that cannot be."""
        with self._changed:
            if size > WINDOW - self._room:
                return False
            self._room += size
            self._changed.notify_all()
        return True

    def cut(self) -> None:
        """End the answer, complete or not, so that the program sees that something went wrong."""
        with self._changed:
            if not (self.ended or self._abandoned):
                self._line.cut_off(self.request.number)
            self.ended = True

    def _send(self, piece: bytes) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned or self._room >= len(piece))
            self._go_on()
            if not self.responded or self.ended:
                raise RuntimeError("write() outside of an answer")
            self._room -= len(piece)
            self._line.continue_answer(self.request.number, piece)

    def _go_on(self) -> None:
        if self._abandoned:
            raise CallAbandoned


Answerer = Callable[[Call], None]


def error_body(message: str, *, kind: str, code: str) -> bytes:
    """An error in the words of the OpenAI protocol, which clients turn into an exception with `message`."""
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()


def _check(status: int, headers: Mapping[str, str]) -> None:
    if not 200 <= status <= 599:
        raise ValueError(f"no status for an answer: {status}")
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name in _OF_THE_CONNECTION:
            raise ValueError(f"no header for an answer: {name}: {value!r}")
    if not headers.get("content-length", "0").isdecimal():
        raise ValueError(f"no length: {headers['content-length']!r}")


def _call(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception:
        log.exception("on_abandoned_failed")
