"""What the relay of a call costs: the time to its first piece, in the sandbox and without one.

The same client asks the same answerer, now from a container and now over this machine's own loopback. The
answerer takes no time, so what is measured is the way there and back.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sandbox.calls import Call, CallRequest
from sandbox.control import RunControl
from sandbox.errors import SandboxError
from sandbox.execution import RunRequest, Stream
from sandbox.pool import Pool
from sandbox.supervisor.endpoint import ADDRESS

ROUNDS = 5
PIECES = 20

# Seconds from the question to the first piece of each answer. Prompt and answer are those of a small chat.
CLIENT = """
import http.client, sys, time
port, calls = {port}, {calls}
connection = http.client.HTTPConnection("127.0.0.1", port)
body = b'{{"model": "any", "stream": true, "messages": "' + b"x" * 4000 + b'"}}'
times = []
for _ in range(calls):
    begun = time.perf_counter()
    connection.request("POST", "/v1/chat/completions", body, {{"content-type": "application/json"}})
    answer = connection.getresponse()
    answer.readline()
    times.append(time.perf_counter() - begun)
    answer.read()
print(times[1:])
"""


def first_pieces(pool: Pool, calls: int) -> tuple[list[float], list[float]]:
    """Seconds to the first piece of each call: through the relay, and directly. Raises SandboxError."""
    relayed: list[float] = []
    direct: list[float] = []
    with _server() as port:
        for _ in range(ROUNDS):
            relayed += _ask_in(pool, calls // ROUNDS)
            direct += _ask_directly(port, calls // ROUNDS)
    return relayed, direct


def _answer(call: Call) -> None:
    call.respond(200, headers={"content-type": "text/event-stream"})
    for number in range(PIECES):
        call.write(b'data: {"choices": [{"delta": {"content": "piece %d"}}]}\n\n' % number)
    call.end()


def _ask_in(pool: Pool, calls: int) -> list[float]:
    # The first call of a connection opens it, which is not counted.
    request = RunRequest(code=CLIENT.format(port=ADDRESS[1], calls=calls + 1), stdin="")
    result = pool.run(request, on_event=lambda _: None, control=RunControl(), answer=_answer)
    return _times(result.text(Stream.STDOUT), result.text(Stream.STDERR))


def _ask_directly(port: int, calls: int) -> list[float]:
    code = CLIENT.format(port=port, calls=calls + 1)
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False
    )
    return _times(done.stdout, done.stderr)


def _times(said: str, errors: str) -> list[float]:
    try:
        times: list[float] = json.loads(said)
    except ValueError as error:
        raise SandboxError(f"The client went wrong: {errors}") from error
    return times


@contextmanager
def _server() -> Iterator[int]:
    """The port of an HTTP server with the same answerer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Answers as a relay does, without one (`sandbox.calls.Line`)."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _numbers = itertools.count(1)

    def do_POST(self) -> None:
        request = CallRequest(
            number=next(self._numbers),
            method=self.command,
            path=self.path,
            headers={},
            body=self.rfile.read(int(self.headers["content-length"])),
        )
        self._call = Call(request, self)
        _answer(self._call)

    def begin_answer(self, number: int, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "transfer-encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()

    def continue_answer(self, number: int, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self._call.note_taken(len(data))

    def end_answer(self, number: int) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def cut_off(self, number: int) -> None:
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass
