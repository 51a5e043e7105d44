"""The web process: uvicorn, and an end that loses no request.

    python -m helloagents.serving --port 8000

Asked to end, uvicorn by itself closes its listening socket and its silent connections at once. That resets
those that wait in the socket's queue, and those whose request was on its way: a handful under load. So this
does, one after the other:

1. `/health/ready` says that it ends; each answer is the last one on its connection.
2. The kernel begins no more connections (`listening`); those it has made are taken and the socket is closed.
   Whoever comes now is refused, which a proxy takes for what it is: it asks another process.
3. Connections without a request are given a moment to ask. Streams end.
4. What is being answered, and answers of the tutor, may take as long as the grace.

With several processes their parent holds the same socket, and a child may end alone: 2 is the parent's work.
"""

from __future__ import annotations

import argparse
import socket
import sys
import time
from typing import Any

from uvicorn import Config
from uvicorn import Server as UvicornServer
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import multiprocess

from helloagents import ending, listening

# Seconds, one after the other.
MOMENT = 0.5  # in which new connections are taken still
SETTLE = 0.2  # for handshakes that have begun
PARENT_LOOKS = 0.5  # how late a parent may hear of a signal that its children were sent, too
FIRST_REQUEST = 2.0  # for a connection to ask something


class Server(UvicornServer):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        listeners = sockets or []
        ending.begin(self.config.timeout_graceful_shutdown or 0)
        # In place, because it is the list that answers are made with.
        self.server_state.default_headers.append((b"connection", b"close"))
        await self._wait(MOMENT)
        if self.config.workers == 1:
            listening.hold_off(listeners)
            await self._wait(SETTLE)
        else:
            await self._wait(PARENT_LOOKS + SETTLE)
        await ending.wait_until(lambda: self.force_exit or not listening.somebody_waits(listeners))
        self._close(listeners)
        await ending.wait_until(
            lambda: self.force_exit or not self._somebody_may_ask(), seconds=FIRST_REQUEST
        )
        ending.end_streams()
        await super().shutdown()

    async def _wait(self, seconds: float) -> None:
        await ending.wait_until(lambda: self.force_exit, seconds=seconds)

    def _close(self, listeners: list[socket.socket]) -> None:
        for server in self.servers:
            server.close()
        for listener in listeners:
            listener.close()

    def _somebody_may_ask(self) -> bool:
        """Whether a connection has asked nothing yet."""
        return any(
            isinstance(connection, HttpToolsProtocol) and connection.cycle is None
            for connection in self.server_state.connections
        )


class Child(multiprocess.Process):
    @property
    def server(self) -> UvicornServer:
        if self._server is None:
            self._server = Server(config=self.config)
        return self._server


class Parent(multiprocess.Multiprocess):
    def terminate_all(self) -> None:
        super().terminate_all()
        time.sleep(MOMENT)
        listening.hold_off(self.sockets)
        # Whatever would come into the queue after the last child's end, nobody would take.
        for listener in self.sockets:
            listener.close()


multiprocess.Process = Child  # type: ignore[misc]  # by this name the parent makes its children


def main() -> None:
    options = _parse(sys.argv[1:])
    config = Config(
        "helloagents.asgi:application",
        host=options.host,
        port=options.port,
        workers=options.processes,
        http="httptools",
        # Who asks is found out by the site itself (TRUSTED_PROXIES), which also has a log.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=options.grace,
    )
    if options.processes > 1:
        Parent(config, sockets=[config.bind_socket()]).run()
        return
    config.load_app()
    server = Server(config)
    server.run(sockets=[config.bind_socket()])
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _parse(words: list[str]) -> Any:
    parser = argparse.ArgumentParser(prog="helloagents.serving", description="Serve the site's pages.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--grace", type=int, default=20, help="seconds that answers may take in the end")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
