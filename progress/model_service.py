"""A model service for measurements: it speaks as OpenAI does, on loopback, and answers without a model."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PIECES = 20
PAUSE = 0.005  # seconds between pieces, as a model has them


@contextmanager
def model_service(*, think: float, word: Callable[[], str] = lambda: repr(time.monotonic())) -> Iterator[int]:
    """Its port. Each answer begins after `think` seconds and has PIECES words, each made when it is sent."""
    handler = type("Handler", (_Handler,), {"think": think, "word": staticmethod(word)})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # beyond a backlog of five, its default, the kernel resets some of many
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    think = 0.0
    word: Callable[[], str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(self.think)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number in range(PIECES):
            if number:
                time.sleep(PAUSE)
            self._say(json.dumps(_piece({"content": self.word()})))
        self._say(json.dumps(_piece({}, finish="stop")))
        self._say("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _say(self, data: str) -> None:
        event = f"data: {data}\n\n".encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))

    def log_message(self, *args: object) -> None:
        pass


def _piece(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
