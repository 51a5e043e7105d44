"""A line to a supervisor that does not lead through the engine, where both ends see the same file system.

By way of the engine, two more processes copy each message on its way down, and two on its way up: a tenth of
what a run takes, in time and in work for the processors. So the platform listens in a folder that it mounts
into the new container, and the supervisor connects before it does anything else. Nobody else can: on the host
the folder lies in one that only the platform's user may enter, in the container there is nobody else yet, and
after the first connection nobody listens any more.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import tempfile
import time
from pathlib import Path

from django.conf import settings
from docker.types import Mount

from sandbox.engines.docker.stream import CHUNK, AttachedStream
from sandbox.supervisor.link import DIRECT_SOCKET

PREFIX = "helloagents-meeting-"
MEET_SECONDS = 10.0  # from a container's start; usually it takes a hundredth of that
END_SECONDS = 2.0  # from a container's end; a busy engine notices late
LEFT_SECONDS = 60.0  # after so long nobody is going to come


class DirectStream:
    """`sandbox.engines.Channel` over a pair of sockets; `attached` brings the supervisor's complaints."""

    def __init__(self, connection: socket.socket, attached: AttachedStream) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._attached = attached
        self._heard = False

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, data: bytes | memoryview, /) -> int:
        return self._connection.send(data)

    def recv(self) -> bytes:
        if not self._heard:  # the first message comes when everything has been imported, or could not be
            self._heard = True
            self._attached.last_words()
        try:
            return self._connection.recv(CHUNK)
        except ConnectionResetError:  # it ended with something unread
            return b""

    def last_words(self) -> str:
        """What `attached` has of them, when the engine has noticed the end, too: it is asked why next."""
        with contextlib.suppress(ValueError):  # closed by our own side
            ended = select.poll()
            ended.register(self._attached.fileno(), select.POLLRDHUP)
            ended.poll(END_SECONDS * 1000)
        return self._attached.last_words()

    def close(self) -> None:
        self._connection.close()
        self._attached.last_words()
        self._attached.close()


class Meeting:
    """Where the supervisor of one container finds the platform, until the end of a `with` block."""

    def __init__(self) -> None:
        """OSError."""
        self._closed_folder = tempfile.mkdtemp(prefix=PREFIX, dir=_folder_of_all())
        self.folder = Path(self._closed_folder, "open")
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._listen(Path(DIRECT_SOCKET).name)
        except OSError:
            self.__exit__()
            raise

    def __enter__(self) -> Meeting:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        shutil.rmtree(self._closed_folder, ignore_errors=True)

    def _listen(self, name: str) -> None:
        self.folder.mkdir()
        folder = os.open(self.folder, os.O_PATH)
        try:
            # The name of a socket is a hundred characters at most, and a folder's may be longer.
            self._listener.bind(f"/proc/self/fd/{folder}/{name}")
        finally:
            os.close(folder)
        self._listener.listen(1)
        # The supervisor has no power over other users' files, and may not be the platform's user.
        self.folder.chmod(0o755)
        Path(self.folder, name).chmod(0o666)

    def mount(self) -> Mount:
        return Mount(str(Path(DIRECT_SOCKET).parent), str(self.folder), type="bind", read_only=True)

    def meet(self, attached: AttachedStream) -> DirectStream | None:
        """A line to the supervisor; None when it speaks by way of the engine, or not at all.

        It is given one end of a pair, for the connection itself has a name that its programs could read.
        """
        both = select.poll()
        for end in (self._listener, attached):
            both.register(end.fileno(), select.POLLIN)
        if self._listener.fileno() not in dict(both.poll(MEET_SECONDS * 1000)):
            return None
        with contextlib.suppress(OSError):
            with self._listener.accept()[0] as connection:
                ours, theirs = socket.socketpair()
                with theirs:
                    socket.send_fds(connection, [b"!"], [theirs.fileno()])
            return DirectStream(ours, attached)
        return None


def tidy() -> None:
    """Remove what platforms that were killed just then have left behind."""
    for folder in Path(_folder_of_all() or tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_mtime < time.time() - LEFT_SECONDS:
                shutil.rmtree(folder)


def _folder_of_all() -> str | None:
    folder: str = settings.SANDBOX_CHANNELS_DIR
    return folder or None
