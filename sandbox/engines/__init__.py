"""What isolates learners' code: an engine makes boxes, each holding one supervisor.

Everything above this package (container, pool) is the same for every engine, and so is the program in the
box. An engine sees to the outer wall: own process, network, mount and IPC namespaces, a read-only root,
small writable tmpfs at /tmp and /dev/shm, memory, CPU and process limits, no swap, and the supervisor
started as process 1 with `SUPERVISOR_COMMAND`, an empty environment but for PATH, `PACKAGES_VARIABLE` and
`PRELOAD_VARIABLE`, and no capability but SETUID, SETGID and KILL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from django.conf import settings

from sandbox.image import PYTHON, Image

SUPERVISOR_FOLDER = "/opt/supervisor"
SUPERVISOR_COMMAND = ("python3", "-I", SUPERVISOR_FOLDER)
# Set by an image: folders of packages, separated by colons, and modules, separated by spaces, that the warm
# interpreter imports beside its own short list.
PACKAGES_VARIABLE = "SANDBOX_PACKAGES"
PRELOAD_VARIABLE = "SANDBOX_PRELOAD"
PACKAGES_FOLDER = "/opt/packages"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one container may use. Sizes in bytes."""

    memory: int
    cpus: float
    processes: int  # processes and threads, the supervisor's one included
    tmp: int  # of /tmp
    shm: int  # of /dev/shm
    output: int  # of one run, both streams together
    open_files: int = 256  # of one process

    @classmethod
    def from_settings(cls, image: Image = PYTHON) -> Limits:
        megabyte = 1024 * 1024
        # Packages that are imported ahead take part of it before a program has begun.
        memory = settings.SANDBOX_AGENT_MEMORY_MB if image.layers() else settings.SANDBOX_MEMORY_MB
        return cls(
            memory=memory * megabyte,
            cpus=settings.SANDBOX_CPUS,
            processes=settings.SANDBOX_PROCESSES,
            tmp=settings.SANDBOX_TMP_MB * megabyte,
            shm=settings.SANDBOX_TMP_MB * megabyte,
            output=settings.SANDBOX_OUTPUT_KB * 1024,
        )


class Channel(Protocol):
    """The byte stream to a supervisor: its standard input and output. Never blocks.

    OSError on either method means that the box is gone.
    """

    def fileno(self) -> int:
        """To wait on: readable when `recv` may have something, writable when `send` may take something."""

    def send(self, data: bytes | memoryview, /) -> int:
        """How many leading bytes were taken; BlockingIOError when none could be."""

    def recv(self) -> bytes:
        """Everything at hand, b"" when the other end has closed; BlockingIOError when nothing is there yet.

        Nothing may stay buffered inside after it returned: waiting on `fileno` would miss it.
        """


@dataclass(frozen=True, kw_only=True)
class Death:
    """Why a box is gone, as far as its engine can tell."""

    out_of_memory: bool
    words: str  # the last that the supervisor or engine had to say, for the log


class Box(Protocol):
    """One running container. `destroy` may be called from any thread, at any time, more than once."""

    @property
    def id(self) -> str: ...

    @property
    def channel(self) -> Channel: ...

    def destroy(self) -> None:
        """Kill everything in the box and remove every trace; returns when that is done."""

    def death(self) -> Death:
        """Asked after the channel broke and before `destroy`."""


class Engine(Protocol):
    @property
    def name(self) -> str: ...

    def check(self, image: Image = PYTHON) -> None:
        """Raise EngineUnavailable, saying how to mend it, unless boxes of `image` can be made here.

        ImageMissing when it is the image alone that is in the way.
        """

    def ping(self) -> None:
        """Raise EngineUnavailable, within seconds, when a service that boxes stand on does not answer."""

    def create(self, limits: Limits, image: Image = PYTHON) -> Box:
        """A box whose supervisor has been started; it reports with a READY frame. EngineUnavailable."""

    def reap_orphans(self) -> int:
        """Destroy boxes whose owner process is gone; how many there were."""
