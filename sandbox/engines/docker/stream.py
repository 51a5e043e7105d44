"""The byte stream to a container's supervisor, over the engine's attach connection.

The engine sends both output streams down one connection, each piece behind an 8-byte header
(https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach);
what is sent up is the supervisor's standard input as it is.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import ssl
import struct
import threading
from typing import Any

import structlog

from sandbox.engines.docker.connection import Client, engine_errors

log = structlog.get_logger(__name__)

_HEADER = struct.Struct(">BxxxL")  # stream, length of the piece
_STDERR = 2
CHUNK = 256 * 1024
_WORDS_KEPT = 4096  # bytes of the supervisor's stderr


class AttachedStream:
    """`sandbox.engines.Channel` over an attach connection. Its stderr goes to the platform's log."""

    def __init__(self, connection: socket.socket, container: str) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._container = container
        self._header = bytearray()  # begun but not complete
        self._left = 0  # bytes still to come of the piece at hand
        self._of_stderr = False
        self._words = bytearray()

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, data: bytes | memoryview, /) -> int:
        return self._connection.send(data)

    def recv(self) -> bytes:
        while True:
            data = self._connection.recv(CHUNK)
            if not data:
                return b""
            if output := self._strip(data):
                return output

    def last_words(self) -> str:
        """What the supervisor wrote to stderr last, read to the end of what has arrived."""
        try:
            while self.recv():
                pass
        except OSError:
            pass
        return self._words.decode("utf-8", "replace").strip()

    def close(self) -> None:
        self._connection.close()

    def _strip(self, data: bytes) -> bytes:
        """The bytes of stdout among `data`."""
        if not self._header and not self._left and len(data) >= _HEADER.size:
            # The usual case, and the one that must be quick: one whole piece.
            stream, length = _HEADER.unpack_from(data)
            if stream != _STDERR and length == len(data) - _HEADER.size:
                return data[_HEADER.size :]
        output = bytearray()
        position = 0
        while position < len(data):
            if not self._left:
                position += self._read_header(data, position)
                continue
            piece = data[position : position + self._left]
            position += len(piece)
            self._left -= len(piece)
            if self._of_stderr:
                self._hear(piece)
            else:
                output += piece
        return bytes(output)

    def _read_header(self, data: bytes, position: int) -> int:
        """How many bytes belonged to the header."""
        taken = data[position : position + _HEADER.size - len(self._header)]
        self._header += taken
        if len(self._header) == _HEADER.size:
            stream, self._left = _HEADER.unpack(self._header)
            self._of_stderr = stream == _STDERR
            self._header.clear()
        return len(taken)

    def _hear(self, words: bytes) -> None:
        log.warning("supervisor_stderr", container=self._container, text=words.decode("utf-8", "replace"))
        self._words += words
        del self._words[:-_WORDS_KEPT]


def attach(client: Client, container: str) -> AttachedStream:
    """Connect to a container that has been created and not yet started, so that nothing is missed."""
    with engine_errors(client):
        answer: Any = client.attach_socket(container, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    if isinstance(answer, ssl.SSLSocket):
        return AttachedStream(_unwrapped(answer), container)
    # A descriptor of our own: the SDK's is closed together with its HTTP response.
    connection = socket.socket(fileno=os.dup(answer.fileno()))
    answer._response.close()
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return AttachedStream(connection, container)


def _unwrapped(tls: ssl.SSLSocket) -> socket.socket:
    """A plain socket that a thread keeps in step with a TLS one.

    TLS keeps bytes inside that no selector sees, and may not be read and written by two threads at once.
    """
    ours, theirs = socket.socketpair()
    threading.Thread(target=_relay, args=(tls, theirs), name="docker-tls-relay", daemon=True).start()
    return ours


def _relay(tls: ssl.SSLSocket, plain: socket.socket) -> None:
    tls.setblocking(False)
    response: Any = tls._response  # type: ignore[attr-defined] # the SDK's; it holds the socket open
    closing = contextlib.closing(response)
    with contextlib.suppress(OSError), closing, tls, plain, selectors.DefaultSelector() as selector:
        selector.register(tls, selectors.EVENT_READ)
        selector.register(plain, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if tls in ready:
                while down := _read_tls(tls):
                    plain.sendall(down)
                if down is not None:
                    return
            if plain in ready:
                up = plain.recv(CHUNK)
                if not up:
                    return
                _write_tls(tls, up)


def _read_tls(tls: ssl.SSLSocket) -> bytes | None:
    """What is there, b"" at the end, None when there is nothing yet."""
    try:
        return tls.recv(CHUNK)
    except ssl.SSLWantReadError:
        return None


def _write_tls(tls: ssl.SSLSocket, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[tls.send(rest) :]
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            with selectors.DefaultSelector() as selector:
                selector.register(tls, selectors.EVENT_READ | selectors.EVENT_WRITE)
                selector.select(timeout=1)
