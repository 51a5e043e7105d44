"""A stand-in for Redis on a machine without one: `python -m deploy.dev.embedded_redis PORT`.

For development only: one process, nothing on disk, lost when it ends.
"""

from __future__ import annotations

import sys
from typing import Any

import redis
from fakeredis import TcpFakeServer
from fakeredis._clients._tcp_server import TCPFakeRequestHandler


class Connection(TCPFakeRequestHandler):
    """A client's connection, with two manners of a real server that fakeredis lacks."""

    disable_nagle_algorithm = True  # else each published message waits 40 ms for an acknowledgement

    def setup(self) -> None:
        super().setup()
        self._read_reply = self.current_client.read_response
        # The library has no other place to answer errors of its own with.
        self.current_client.read_response = self._reply_or_error  # type: ignore[method-assign]

    def _reply_or_error(self) -> Any:
        """Answer a refused command with an error; fakeredis would hang up, which breaks Lua scripts."""
        try:
            return self._read_reply()
        except redis.ResponseError as error:
            return error


def main() -> None:
    server = TcpFakeServer(("127.0.0.1", int(sys.argv[1])), server_version=(7, 2))
    server.RequestHandlerClass = Connection
    server.daemon_threads = True
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
