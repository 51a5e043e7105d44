"""The calls of one run: put together from what the container says, and answered in threads of their own.

`take`, `outgoing` and `close` are for the one thread that talks with the container. What the answering
threads have to say waits here until that thread, woken, sends it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import structlog
from django.utils.translation import gettext as _

from sandbox.calls import Answerer, Call, CallAbandoned, CallRequest, error_body
from sandbox.supervisor.frames import (
    CALL_NUMBER,
    MOST_CALL_BYTES,
    MOST_CALLS,
    SIZE,
    Frame,
    Kind,
    MalformedFrame,
    pack,
)
from sandbox.supervisor.http1 import MOST_BODY, MOST_HEAD, MOST_HEADERS

log = structlog.get_logger(__name__)

MOST_THREADS = 32  # that answer calls of one run at the same time
MOST_HELD = 32 * 1024 * 1024  # bytes of requests that are being answered or still come in, of one run
MOST_HEAD_FRAME = 3 * MOST_HEAD  # as JSON, in which a quotation mark takes two bytes
END_SECONDS = 2.0  # for threads whose calls have been abandoned, at the end of a run

CALL_KINDS = {Kind.CALL, Kind.CALL_BODY, Kind.CALL_END, Kind.CALL_GONE, Kind.CALL_TAKEN}

_METHOD = re.compile(r"[A-Z]{1,16}")
_PATH = re.compile(r"/[!-~]*")
_HEADER = re.compile(r"[a-z0-9-]{1,64}")


class Switchboard:
    """Believes nothing that makes no sense: MalformedFrame."""

    def __init__(self, run: int, answer: Answerer | None, wake: Callable[[], object]) -> None:
        """`answer` None: no call is answered but by an error. `wake`: there is something to send."""
        self._run = run
        self._answer = answer
        self._wake = wake
        self._latest = 0  # number of a call
        self._bytes = 0  # of all requests' bodies
        self._incoming: dict[int, _Incoming] = {}
        # Shared with the threads:
        self._changed = threading.Condition()
        self._outgoing = bytearray()
        self._calls: dict[int, Call] = {}
        self._threads = 0
        self._closed = False

    # --- For the thread that talks with the container ------------------------------------------------

    def take(self, frame: Frame) -> None:
        number, payload = _split(frame)
        if frame.kind is Kind.CALL:
            self._begin(number, payload)
        elif not 0 < number <= self._latest:
            raise MalformedFrame(f"{frame.kind.name} of a call that was never made")
        elif frame.kind is Kind.CALL_BODY:
            self._continue(number, payload)
        elif frame.kind is Kind.CALL_END:
            self._complete(number)
        elif frame.kind is Kind.CALL_GONE:
            self._drop(number)
        elif frame.kind is Kind.CALL_TAKEN:
            self._note_taken(number, payload)

    def outgoing(self) -> bytes:
        """Frames to be sent now."""
        if not self._outgoing:
            return b""
        with self._changed:
            data = bytes(self._outgoing)
            self._outgoing.clear()
            return data

    def close(self) -> None:
        """Abandon what is not answered yet, and wait for the threads to notice, but not for long."""
        with self._changed:
            self._closed = True
            self._outgoing.clear()
            left = list(self._calls.values())
        for call in left:
            call.abandon()
        with self._changed:
            if not self._changed.wait_for(lambda: not self._threads, END_SECONDS):
                log.warning("calls_go_on_after_their_run", threads=self._threads)

    def _begin(self, number: int, payload: bytes) -> None:
        if number != self._latest + 1 or number > MOST_CALLS:
            raise MalformedFrame(f"call {number} after {self._latest}")
        if len(payload) > MOST_HEAD_FRAME:
            raise MalformedFrame("more of a request's head than was allowed")
        self._latest = number
        incoming = _Incoming(payload)
        if self._answer is None:
            incoming.refuse(_no_model())
        elif self._held() + incoming.size > MOST_HELD:
            incoming.refuse(_too_much())
        self._incoming[number] = incoming

    def _continue(self, number: int, data: bytes) -> None:
        incoming = self._expect(number)
        incoming.length += len(data)
        self._bytes += len(data)
        # The supervisor keeps to both itself.
        if incoming.length > MOST_BODY or self._bytes > MOST_CALL_BYTES:
            raise MalformedFrame("more of a request than was allowed")
        if incoming.refusal is None and self._held() + len(data) > MOST_HELD:
            incoming.refuse(_too_much())
        if incoming.refusal is None:
            incoming.body += data

    def _complete(self, number: int) -> None:
        incoming = self._expect(number)
        del self._incoming[number]
        call = Call(incoming.request(number), self)
        if incoming.refusal is None and not self._start_thread(call):
            incoming.refuse(_too_much())
        if incoming.refusal is not None:
            incoming.refusal.give(call)

    def _drop(self, number: int) -> None:
        self._incoming.pop(number, None)
        if call := self._calls.get(number):
            call.abandon()

    def _held(self) -> int:
        coming = sum(incoming.size for incoming in self._incoming.values())
        return coming + sum(_size(call.request) for call in list(self._calls.values()))

    def _note_taken(self, number: int, payload: bytes) -> None:
        if len(payload) != SIZE.size:
            raise MalformedFrame("no size")
        call = self._calls.get(number)
        if call and not call.note_taken(*SIZE.unpack(payload)):
            raise MalformedFrame("more of an answer taken than was sent")

    def _expect(self, number: int) -> _Incoming:
        incoming = self._incoming.get(number)
        if incoming is None:
            raise MalformedFrame("more of a request that was whole")
        return incoming

    # --- Answering -----------------------------------------------------------------------------------

    def _start_thread(self, call: Call) -> bool:
        with self._changed:
            if self._threads >= MOST_THREADS:
                return False
            self._threads += 1
            self._calls[call.request.number] = call
        thread = threading.Thread(target=self._live, args=(call,), name="sandbox-call", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the process may not have more
            log.exception("call_not_answered")
            self._forget(call)
            return False
        return True

    def _live(self, call: Call) -> None:
        try:
            self._have_answered(call)
        except CallAbandoned:
            pass
        except Exception:
            log.exception("call_not_answered", path=call.request.path)
            with suppress(CallAbandoned):
                _give_up(call)
        finally:
            self._forget(call)

    def _have_answered(self, call: Call) -> None:
        assert self._answer is not None
        self._answer(call)
        if not (call.responded or call.abandoned):
            raise RuntimeError("the answerer said nothing")
        call.end()

    def _forget(self, call: Call) -> None:
        with self._changed:
            del self._calls[call.request.number]
            self._threads -= 1
            self._changed.notify_all()

    # --- For calls (`sandbox.calls.Line`) ------------------------------------------------------------

    def begin_answer(self, number: int, status: int, headers: Mapping[str, str]) -> None:
        answer = {"status": status, "headers": dict(headers)}
        self._put(Kind.ANSWER, number, json.dumps(answer).encode())

    def continue_answer(self, number: int, data: bytes) -> None:
        self._put(Kind.ANSWER_BODY, number, data)

    def end_answer(self, number: int) -> None:
        self._put(Kind.ANSWER_END, number)

    def cut_off(self, number: int) -> None:
        self._put(Kind.ANSWER_CUT, number)

    def _put(self, kind: Kind, number: int, payload: bytes = b"") -> None:
        frame = pack(kind, self._run, CALL_NUMBER.pack(number) + payload)
        with self._changed:
            if self._closed:
                return
            is_first = not self._outgoing
            self._outgoing += frame
        if is_first:
            self._wake()


class _Incoming:
    """A request of which more may come."""

    def __init__(self, payload: bytes) -> None:
        """Raises MalformedFrame."""
        try:
            head = json.loads(payload)
            method, path, headers = head["method"], head["path"], head["headers"]
            sane = (
                _METHOD.fullmatch(method)
                and _PATH.fullmatch(path)
                and len(headers) <= MOST_HEADERS
                and all(_HEADER.fullmatch(name) and type(value) is str for name, value in headers.items())
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise MalformedFrame(f"no head of a request: {error!r}") from error
        if not sane:
            raise MalformedFrame("no head of a request")
        self._method: str = method
        self._path: str = path
        self._headers: dict[str, str] = headers
        self.length = 0
        self.body = bytearray()
        self.refusal: _Refusal | None = None  # to be given when the request is whole

    @property
    def size(self) -> int:
        """Bytes that are held of it."""
        return len(self._path) + _size_of_headers(self._headers) + len(self.body)

    def refuse(self, refusal: _Refusal) -> None:
        """Hold no more of it than it takes to say so."""
        self.refusal = refusal
        self._path, self._headers = "", {}
        self.body.clear()

    def request(self, number: int) -> CallRequest:
        return CallRequest(
            number=number,
            method=self._method,
            path=self._path,
            headers=self._headers,
            body=bytes(self.body),
        )


def _size(request: CallRequest) -> int:
    return len(request.path) + _size_of_headers(request.headers) + len(request.body)


def _size_of_headers(headers: Mapping[str, str]) -> int:
    return sum(len(name) + len(value) for name, value in headers.items())


@dataclass(frozen=True)
class _Refusal:
    """An answer by the sandbox itself."""

    status: int
    message: str
    kind: str
    code: str
    headers: Mapping[str, str]  # when clients are to try again, if at all

    def give(self, call: Call) -> None:
        body = error_body(self.message, kind=self.kind, code=self.code)
        call.reply(self.status, body, headers={"content-type": "application/json", **self.headers})


_NOT_AGAIN = {"x-should-retry": "false"}  # clients by OpenAI and Anthropic know it
_SOON_AGAIN = {"retry-after": "1"}


def _no_model() -> _Refusal:
    message = _("No language model is available to this run.")
    return _Refusal(503, message, "server_error", "no_model", _NOT_AGAIN)


def _too_much() -> _Refusal:
    message = _("This program asks for too much at once. Wait for answers before you ask again.")
    return _Refusal(429, message, "rate_limit_error", "too_many_at_once", _SOON_AGAIN)


def _give_up(call: Call) -> None:
    if call.responded:
        call.cut()
    else:
        message = _("The platform could not answer. Please try again.")
        _Refusal(500, message, "server_error", "internal_error", {}).give(call)


def _split(frame: Frame) -> tuple[int, bytes]:
    if len(frame.payload) < CALL_NUMBER.size:
        raise MalformedFrame(f"{frame.kind.name} of no call")
    (number,) = CALL_NUMBER.unpack_from(frame.payload)
    return number, frame.payload[CALL_NUMBER.size :]
