"""Boxes by bubblewrap, for machines without a Docker engine. Linux only.

Started by root, a box has many user ids and the supervisor drops to a fresh one for each run, as under
Docker. Started by an ordinary user it lives in a user namespace of a single id; `sandbox.supervisor.identity`
says what is weaker then. Limits are kept by control groups where they can be made, else by the supervisor.
The Python in the box is the one this platform's environment was made from, without the packages installed
into it; an image's own are bound in from `SANDBOX_PACKAGES_DIR`.
"""

from __future__ import annotations

import itertools
import json
import os
import select
import shutil
import signal
import site
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO

from django.utils.translation import gettext as _

from sandbox.engines import (
    PACKAGES_FOLDER,
    PACKAGES_VARIABLE,
    PRELOAD_VARIABLE,
    SUPERVISOR_FOLDER,
    Death,
    Limits,
    cgroups,
)
from sandbox.errors import EngineUnavailable, ImageMissing
from sandbox.image import PYTHON, Image
from sandbox.image.packages import Target, folder_of

SOURCE = Path(__file__).resolve().parent.parent / "supervisor"
SYSTEM_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
START_SECONDS = 10
END_SECONDS = 5
# What the supervisor alone keeps: to become a run's user, and to kill what that user left.
CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_KILL")


class Bubblewrap:
    """`sandbox.engines.Engine` by bubblewrap."""

    name = "bubblewrap"

    def __init__(self) -> None:
        # A box dies with the thread that started it, so all are started by one that never ends: a daemon,
        # since threads of an executor are ended before a closing process gets to its pool.
        self._orders: SimpleQueue[tuple[Limits, Image, Future[BubblewrapBox]]] = SimpleQueue()
        self._starter: threading.Thread | None = None  # many an engine is made only to be checked
        self._starting = threading.Lock()

    def check(self, image: Image = PYTHON) -> None:
        if sys.platform != "linux":
            raise EngineUnavailable(_("Bubblewrap works on Linux only. Install Docker to run code here."))
        if shutil.which("bwrap") is None:
            raise EngineUnavailable(
                _("Bubblewrap is not installed: apt-get install bubblewrap, or use Docker.")
            )
        command = [*_wall(Limits.from_settings(), {}), _interpreter(), "-I", "-c", "pass"]
        try:
            trial = subprocess.run(  # noqa: S603 - our own command
                command, capture_output=True, text=True, timeout=START_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineUnavailable(str(error)) from error
        if trial.returncode != 0:
            raise EngineUnavailable(
                _(
                    "Bubblewrap cannot isolate code here: %(reason)s. An ordinary user needs user namespaces "
                    "(sysctl kernel.unprivileged_userns_clone=1, and on Ubuntu "
                    "kernel.apparmor_restrict_unprivileged_userns=0); or use Docker."
                )
                % {"reason": trial.stderr.strip() or f"exit code {trial.returncode}"}
            )
        for layer in image.layers():
            if not folder_of(layer, Target.own()).is_dir():
                raise ImageMissing(
                    _("The packages of the image %(image)s are not here. Fetch them: %(command)s")
                    % {"image": image.name, "command": "python manage.py build_sandbox_image"}
                )

    def ping(self) -> None:
        """There is no service that could be away."""

    def create(self, limits: Limits, image: Image = PYTHON) -> BubblewrapBox:
        self._have_starter()
        box: Future[BubblewrapBox] = Future()
        self._orders.put((limits, image, box))
        try:
            return box.result()
        except (OSError, ValueError) as error:
            raise EngineUnavailable(_("Bubblewrap failed: %(reason)s") % {"reason": error}) from error

    def _have_starter(self) -> None:
        with self._starting:
            if self._starter is None:
                self._starter = threading.Thread(target=self._start_boxes, name="bubblewrap", daemon=True)
                self._starter.start()

    def _start_boxes(self) -> None:
        while True:
            limits, image, box = self._orders.get()
            try:
                box.set_result(BubblewrapBox(limits, image))
            except Exception as error:  # noqa: BLE001 - it belongs to the thread that gave the order
                box.set_exception(error)

    def reap_orphans(self) -> int:
        """Boxes end with their owner; only their control groups are left behind."""
        return cgroups.remove_orphans()


class SocketChannel:
    """`sandbox.engines.Channel` over one end of a socket pair."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, data: bytes | memoryview, /) -> int:
        return self._connection.send(data)

    def recv(self) -> bytes:
        return self._connection.recv(256 * 1024)

    def close(self) -> None:
        self._connection.close()


class BubblewrapBox:
    """One box: bubblewrap outside, and inside the supervisor as process 1 of its namespace."""

    _numbers = itertools.count(1)

    def __init__(self, limits: Limits, image: Image) -> None:
        self.id = f"bubblewrap-{os.getpid()}-{next(self._numbers)}"
        self._lock = threading.Lock()
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the box
        self._group = cgroups.Group(limits)
        ours, theirs = socket.socketpair()
        self.channel = SocketChannel(ours)
        try:
            with theirs:
                self._process, self._supervisor = self._start(limits, image, theirs)
        except BaseException:
            ours.close()
            self._group.remove()
            self._stderr.close()
            raise

    def destroy(self) -> None:
        with self._lock:
            if self._supervisor is None:
                return
            supervisor, self._supervisor = self._supervisor, None
            _end(self._process, supervisor)
            self._group.remove()
            self._stderr.close()
            self.channel.close()

    def death(self) -> Death:
        with self._lock:
            if self._supervisor is None:
                return Death(out_of_memory=False, words="destroyed")
            self._stderr.seek(0)
            words = self._stderr.read(64 * 1024).decode("utf-8", "replace").strip()
            return Death(out_of_memory=self._group.out_of_memory(), words=words[-4096:])

    def _start(
        self, limits: Limits, image: Image, end: socket.socket
    ) -> tuple[subprocess.Popen[bytes], int | None]:
        """Start bubblewrap; the supervisor begins only after it is in its control groups.

        With bubblewrap's process comes a descriptor of the supervisor's.
        """
        info, info_end = os.pipe()
        go_end, go = os.pipe()
        with os.fdopen(info) as news, os.fdopen(go, "wb", buffering=0) as starter:
            handed = {"--info-fd": info_end, "--block-fd": go_end}
            wall = _wall(limits, self._group.folders, handed, _packages(image))
            try:
                process = subprocess.Popen(  # noqa: S603 - our own command
                    [*wall, _interpreter(), "-I", SUPERVISOR_FOLDER],
                    stdin=end.fileno(),
                    stdout=end.fileno(),
                    stderr=self._stderr,
                    pass_fds=list(handed.values()),
                    start_new_session=True,  # Ctrl+C is the platform's to deal with
                )
            finally:
                for fd in handed.values():
                    os.close(fd)
            supervisor: int | None = None
            try:
                pid = self._read_pid(news)
                supervisor = os.pidfd_open(pid)
                self._group.add(pid)
                starter.write(b"\n")
            except BaseException as error:
                _end(process, supervisor)
                if isinstance(error, ProcessLookupError):  # it has found something missing meanwhile
                    raise OSError(self._complaint()) from None
                raise
        return process, supervisor

    def _read_pid(self, news: IO[str]) -> int:
        text = news.read()
        if not text:
            raise OSError(self._complaint())
        return int(json.loads(text)["child-pid"])

    def _complaint(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read(4096).decode("utf-8", "replace").strip()


def _end(process: subprocess.Popen[bytes], supervisor: int | None) -> None:
    """Kill the supervisor, where it is known already, and bubblewrap; returns when both have ended."""
    if supervisor is not None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(supervisor, signal.SIGKILL)
        _wait_for_end(supervisor)  # its namespace is empty by then
        os.close(supervisor)
    process.kill()
    process.wait()


def _wait_for_end(pidfd: int) -> None:
    waiting = select.poll()
    waiting.register(pidfd, select.POLLIN)
    waiting.poll(END_SECONDS * 1000)


def _interpreter() -> str:
    return f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"


def _wall(
    limits: Limits,
    groups: dict[str, Path],
    descriptors: dict[str, int] | None = None,
    packages: Sequence[str] = (),
) -> list[str]:
    """The bubblewrap command line, up to the program. `groups`: see `cgroups.Group.folders`."""
    program = shutil.which("bwrap") or "bwrap"
    return [
        program,
        *_namespaces(),
        *_folders(sys.base_prefix, SUPERVISOR_FOLDER, "/etc/ld.so.cache", "/sys/fs/cgroup/memory"),
        *("--clearenv", "--setenv", "PATH", "/usr/local/bin:/usr/bin:/bin"),
        *_system(),
        *_python(),
        *("--ro-bind", str(SOURCE), SUPERVISOR_FOLDER),
        *packages,
        # The kernel's settings answer to root by name, with or without capabilities.
        *("--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev"),
        *(
            part
            for name, path in groups.items()
            for part in ("--ro-bind", str(path), f"/sys/fs/cgroup/{name}")
        ),
        *("--size", str(limits.tmp), "--perms", "1777", "--tmpfs", "/tmp"),  # noqa: S108 - in the box
        *("--size", str(limits.shm), "--perms", "1777", "--tmpfs", "/dev/shm"),  # noqa: S108 - in the box
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"),
        *(part for option, fd in (descriptors or {}).items() for part in (option, str(fd))),
        "--",
    ]


def _packages(image: Image) -> list[str]:
    """Where an image's packages are in the box, and what is to be imported ahead."""
    layers = image.layers()
    inside = [f"{PACKAGES_FOLDER}/{layer.name}" for layer in layers]
    if not inside:
        return []
    bound = [
        part
        for layer, folder in zip(layers, inside, strict=True)
        for part in ("--ro-bind", str(folder_of(layer, Target.own())), folder)
    ]
    return [
        *_folders(*inside),
        *bound,
        *("--setenv", PACKAGES_VARIABLE, ":".join(inside)),
        *("--setenv", PRELOAD_VARIABLE, " ".join(image.preloads())),
    ]


def _folders(*paths: str) -> list[str]:
    """The folders that lead to `paths`, open to everyone; bubblewrap's own would be open to root alone."""
    folders = {str(folder): None for path in paths for folder in reversed(Path(path).parents)}
    return [part for folder in folders if folder != "/" for part in ("--perms", "0755", "--dir", folder)]


def _namespaces() -> list[str]:
    if os.geteuid() == 0:
        # Without a user namespace: one made here could hold a single id only.
        spaces = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
        kept = [part for capability in CAPABILITIES for part in ("--cap-add", capability)]
    else:
        spaces, kept = ["--unshare-all"], []
    return [
        *spaces,
        *("--cap-drop", "ALL", *kept),
        *("--hostname", "sandbox", "--new-session", "--die-with-parent", "--as-pid-1"),
    ]


def _system() -> list[str]:
    """Programs and libraries of the machine, nothing of its configuration or people."""
    options = ["--ro-bind", "/usr", "/usr"]
    for folder in map(Path, SYSTEM_FOLDERS):
        if folder.is_symlink():
            options += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.exists():
            options += ["--ro-bind", str(folder), str(folder)]
    for file in ("/etc/ld.so.cache", "/etc/alternatives"):
        options += ["--ro-bind-try", file, file]
    return options


def _python() -> list[str]:
    """The interpreter's own installation, with the packages installed into it out of sight."""
    prefix = sys.base_prefix
    options = [] if prefix.startswith("/usr") else ["--ro-bind", prefix, prefix]
    for folder in [*site.getsitepackages([prefix]), "/usr/lib/python3/dist-packages"]:
        if Path(folder).is_dir():
            options += ["--tmpfs", folder, "--remount-ro", folder]
    return options
