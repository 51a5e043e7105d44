"""After a run: nothing of it may be left for the next one, or the container is given up.

The supervisor has no power over other users' files, so it takes on the run's user id for the wipe. No
process but the supervisor exists by then, so nobody can use the moment. IPC objects need no wipe: the
system call filter lets none be made, and message queues, which are files too, lie in a folder wiped here.
Sockets that were sent through each other outlive their processes for a moment, with their names: the kernel
collects them in the background (net/unix/garbage.c), which is waited for.
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

from .identity import as_user

MOST_ENTRIES = 20_000  # more would keep the container busy longer than making a new one takes
DEEPEST = 64
WRITABLE = ("/tmp", "/dev/shm", "/dev/mqueue", "/var/tmp", "/run")
SOCKETS = "/proc/net/unix"
SOCKET_WAITS = 200  # milliseconds at most
# File systems that hold no files of a program's making
GUARDED_BY_KERNEL = {"proc", "sysfs", "devpts", "cgroup", "cgroup2"}


class Unclean(Exception):
    """What is left of a run, or too odd to be wiped."""


class Premises:
    """The places of this container that a program can change, and how they looked before the first run."""

    def __init__(self, *, separate_uids: bool) -> None:
        self._folders = _writable_folders(separate_uids=separate_uids)
        for folder in self._folders:
            _empty(folder, _Budget())
        self._looks = [_look(folder) for folder in self._folders]
        self._sockets_fd = os.open(SOCKETS, os.O_RDONLY) if os.path.exists(SOCKETS) else -1
        self._sockets = 0
        self._descriptors = 0

    def settle(self) -> None:
        """Take what is open now for the normal state, once everything has been opened."""
        self._descriptors = _count_descriptors()
        self._sockets = self._count_sockets()

    def clean(self, uid: int | None) -> None:
        """Wipe what the run of `uid` left, then look; raises Unclean."""
        with as_user(uid):
            for folder in self._folders:
                _empty(folder, _Budget())
        for folder, look in zip(self._folders, self._looks, strict=True):
            if _look(folder) != look:
                raise Unclean(f"{folder} is not as it was: {os.listdir(folder)[:1]}")
        if (open_now := _count_descriptors()) != self._descriptors:
            raise Unclean(f"{open_now} descriptors open instead of {self._descriptors}")
        self._wait_for_sockets()

    def _wait_for_sockets(self) -> None:
        for _ in range(SOCKET_WAITS):
            if self._count_sockets() <= self._sockets:
                return
            time.sleep(0.001)
        raise Unclean("sockets are left")

    def _count_sockets(self) -> int:
        """Local sockets of this network namespace, counted up to more than are ever normal."""
        return os.pread(self._sockets_fd, 4096, 0).count(b"\n") if self._sockets_fd >= 0 else 0


class _Budget:
    def __init__(self) -> None:
        self.entries = MOST_ENTRIES

    def spend(self, depth: int) -> None:
        self.entries -= 1
        if self.entries < 0 or depth > DEEPEST:
            raise Unclean("too much to wipe")


def _empty(folder: str, budget: _Budget, depth: int = 0) -> None:
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
        for entry in found:
            budget.spend(depth)
            if entry.is_dir(follow_symlinks=False):
                _empty(entry.path, budget, depth + 1)
                os.rmdir(entry.path)
            else:
                os.unlink(entry.path)
    except OSError as error:
        raise Unclean(f"{error.filename!r} cannot be wiped: {error.strerror}") from error


def _look(folder: str) -> tuple[object, ...]:
    """What a program could change about a folder.

    Its size and links, which tell what is in it; the rest if it is the owner, where there is one user id.
    """
    status = os.stat(folder)
    contents = status.st_size, status.st_nlink
    return *contents, status.st_mode, status.st_uid, status.st_gid, os.listxattr(folder)


def _count_descriptors() -> int:
    """How many this process has open. Newer kernels give that as the folder's size, without a listing."""
    return os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd"))


def _writable_folders(*, separate_uids: bool) -> list[str]:
    """Where a program can write; raises Unclean if that is anywhere but in the folders made for it."""
    if not os.statvfs("/").f_flag & os.ST_RDONLY:
        raise Unclean("the root file system is writable")
    folders = [path for path in _writable_mounts() if _is_open(path, separate_uids=separate_uids)]
    if strange := set(folders) - set(WRITABLE):
        raise Unclean(f"{sorted(strange)} can be written to")
    return folders


def _writable_mounts() -> list[str]:
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ", 1)
        path, options = before.split()[4:6]
        if "rw" in options.split(",") and after.split()[0] not in GUARDED_BY_KERNEL:
            found.append(path)
    return found


def _is_open(path: str, *, separate_uids: bool) -> bool:
    """Whether learner code can make something at `path`, a mount point."""
    status = os.stat(path)
    if separate_uids:
        return bool(status.st_mode & stat.S_IWOTH) and not stat.S_ISCHR(status.st_mode)
    return stat.S_ISDIR(status.st_mode) and os.access(path, os.W_OK)
