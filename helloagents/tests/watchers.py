"""Servers that stand in for Sentry and for a collector of OpenTelemetry: they keep whatever reaches them."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Watchers:
    """What was heard so far. `address` is Sentry's and the collector's in one."""

    address: str = ""
    bodies: list[bytes] = field(default_factory=list)  # everything, as text
    reports: list[dict[str, Any]] = field(default_factory=list)
    spans: list[dict[str, Any]] = field(default_factory=list)

    @property
    def dsn(self) -> str:
        return f"{self.address.replace('://', '://public@')}/1"

    def hear(self, path: str, body: bytes) -> None:
        self.bodies.append(body)
        if path.endswith("/v1/traces"):
            request = ExportTraceServiceRequest.FromString(body)
            for of_process in request.resource_spans:
                process = _values(of_process.resource.attributes)["service.name"]
                for scope in of_process.scope_spans:
                    self.spans += [
                        {
                            "process": process,
                            "name": span.name,
                            "trace": span.trace_id.hex(),
                            "id": span.span_id.hex(),
                            "parent": span.parent_span_id.hex(),
                            **_values(span.attributes),
                        }
                        for span in scope.spans
                    ]
        else:  # an envelope of Sentry's: a head, then a head and a body for each item
            lines = body.splitlines()
            self.reports += [
                json.loads(item)
                for head, item in zip(lines[1::2], lines[2::2], strict=False)
                if json.loads(head).get("type") == "event"
            ]


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def watchers() -> Iterator[Watchers]:
    heard = Watchers()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"] or 0))
            packed = {"gzip": gzip.decompress, "br": brotli.decompress}
            body = packed.get(self.headers.get("content-encoding", ""), bytes)(body)
            heard.hear(self.path, body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    heard.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
