"""A door to the gateway that real clients can use: each HTTP request becomes a Call, as in the sandbox."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from sandbox.calls import Call, CallRequest
from tutor.tests.makers import CrowdServer


@contextmanager
def front_door(answer: Callable[[Call], None]) -> Iterator[str]:
    """The address of a server that answers with `answer`."""
    numbers = itertools.count(1)
    handler = type("Door", (_Door,), {"answer": staticmethod(answer), "numbers": numbers})
    server = CrowdServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Door(BaseHTTPRequestHandler):
    answer: Callable[[Call], None]
    numbers: Iterator[int]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.pass_on()

    def do_POST(self) -> None:
        self.pass_on()

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        request = CallRequest(
            number=next(self.numbers), method=self.command, path=self.path, headers={}, body=body
        )
        line = _HttpLine(self)
        line.call = Call(request, line)
        self.answer(line.call)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        pass


class _HttpLine:
    """Writes a call's answer to the connection, in chunks where its length is not known."""

    def __init__(self, handler: _Door) -> None:
        self.handler = handler
        self.is_chunked = False
        self.call: Call

    def begin_answer(self, number: int, status: int, headers: Mapping[str, str]) -> None:
        self.is_chunked = "content-length" not in headers
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name, value)
        if self.is_chunked:
            self.handler.send_header("transfer-encoding", "chunked")
        self.handler.end_headers()

    def continue_answer(self, number: int, data: bytes) -> None:
        framed = b"%x\r\n%s\r\n" % (len(data), data) if self.is_chunked else data
        try:
            self.handler.wfile.write(framed)
        except OSError:
            threading.Thread(target=self.call.abandon).start()
            return
        threading.Thread(target=self.call.note_taken, args=(len(data),)).start()

    def end_answer(self, number: int) -> None:
        if self.is_chunked:
            self.handler.wfile.write(b"0\r\n\r\n")

    def cut_off(self, number: int) -> None:
        self.handler.close_connection = True
