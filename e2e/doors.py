"""A door before a service: shut, the service looks stopped; opened, it is back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit

from deploy.dev.services import free_port

Address = str | tuple[str, int]


class Door:
    """Passes connections on `port` through to a service, while it is open."""

    def __init__(self, service: str) -> None:
        self.port = free_port()
        self._service = service
        self._listener: socket.socket | None = None
        self._passing: set[socket.socket] = set()
        self._lock = threading.Lock()

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._welcome, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Refuse whoever comes, and cut off whoever is there."""
        with self._lock:
            listener, self._listener = self._listener, None
            passing, self._passing = self._passing, set()
        if listener:
            # Ends the waiting `accept`, which closing alone would not.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for connection in passing:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _welcome(self, listener: socket.socket) -> None:
        while True:
            try:
                guest, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_through, args=(guest, listener), daemon=True).start()

    def _pass_through(self, guest: socket.socket, listener: socket.socket) -> None:
        with closing(guest), closing(connect(self._service)) as host:
            with self._lock:
                if self._listener is not listener:
                    return
                self._passing |= {guest, host}
            answers = threading.Thread(target=pump, args=(host, guest), daemon=True)
            answers.start()
            pump(guest, host)
            answers.join()
            with self._lock:
                self._passing -= {guest, host}


def pump(source: socket.socket, target: socket.socket) -> None:
    """Copy until the source has no more to say, then say so to the target."""
    with suppress(OSError):
        while piece := source.recv(64 * 1024):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def connect(service: str) -> socket.socket:
    """A connection to unix://path, tcp://host:port or redis://host:port/…"""
    url = urlsplit(service)
    if url.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(url.path)
        return connection
    return socket.create_connection((url.hostname, url.port))


@contextmanager
def door(service: str) -> Iterator[Door]:
    """An open door; shut for good in the end."""
    made = Door(service)
    made.open()
    try:
        yield made
    finally:
        made.shut()
