"""Who learner code is: the user ids a container can give, and the steps from supervisor to learner.

With CAP_SETUID every run gets a user id of its own, so it can neither signal nor read the supervisor nor
touch what an earlier run left. In a container of a single id (bubblewrap started by an ordinary user) the
learner's program has the supervisor's id. What holds then: the supervisor is process 1 of its namespace, so
signals without a handler do not reach it, and it is not dumpable, so its memory, descriptors and environment
cannot be read. What is weaker: the learner may fill the supervisor's per-user limits, and may leave files
that only the wipe, not the kernel, keeps from the next run.
"""

from __future__ import annotations

import os
import random
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import kernel
from .request import Request

FIRST_UID = 20_000  # clear of any distribution's own accounts
LARGEST_UID = 2**31 - 1
_DIES_WITH_PARENT = kernel.get_parent_death_signal()
RUNS_PER_SPAN = 10_000  # ids before the first is used again


class Identities:
    """Hands out the user id of each run; None where there is only one to give.

    Raises OSError where there are many and the supervisor lacks the power to use them.
    """

    def __init__(self) -> None:
        self._count = 0
        self._first = self._span = 0
        if os.geteuid() == 0 and (mapped := _mapped_ids()) > FIRST_UID:
            self._span = min(RUNS_PER_SPAN, mapped - FIRST_UID)
            # Containers share the kernel's per-user counts, so each begins somewhere else.
            self._first = random.SystemRandom().randint(FIRST_UID, mapped - self._span)
            os.setgroups([])
            with as_user(self._first), open(os.__file__, "rb"):
                pass  # what a program imports later, it can read

    @property
    def separate(self) -> bool:
        return self._span > 0

    def next(self) -> int | None:
        if not self.separate:
            return None
        self._count += 1
        return self._first + self._count % self._span


def _mapped_ids() -> int:
    """How far user ids reach in this user namespace, counted from 0."""
    inside, _, count = Path("/proc/self/uid_map").read_text().split()[:3]
    return min(int(count), LARGEST_UID) if inside == "0" else 0


@contextmanager
def as_user(uid: int | None) -> Iterator[None]:
    """Act as a learner's user for a moment, in the supervisor itself; None: nothing changes."""
    if uid is None:
        yield
        return
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        _undo_change_of_id()


def kill_all_of(uid: int) -> None:
    """Kill every process of a run at once: no fork can slip through kill(2)'s -1. The zygote is spared.

    For that the supervisor is the run's user, with no power to kill others, in all but its saved id, by which
    it returns. Meanwhile it can be signalled by the run, which process 1 ignores but for SIGCHLD, a reason to
    look for ended processes and no more; and its priority and processors could be changed, but for the filter
    (`seccomp`), which lets nobody do that to process 1.
    """
    os.setresuid(uid, uid, 0)
    try:
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # whatever the host's fs.suid_dumpable says
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
    finally:
        os.setresuid(0, 0, 0)
        _undo_change_of_id()


def _undo_change_of_id() -> None:
    """The kernel resets both."""
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, _DIES_WITH_PARENT)


def drop_to(uid: int | None) -> None:
    """Become `uid` for good. With the id go all capabilities; groups the supervisor has none to pass on."""
    if uid is not None:
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # the change of id undid it


def limit_all_alike() -> None:
    """Limits of each process that are the same for every run."""
    _set_limit(resource.RLIMIT_STACK, 8 * 1024 * 1024)
    _set_limit(resource.RLIMIT_MEMLOCK, 64 * 1024)
    _set_limit(resource.RLIMIT_MSGQUEUE, 0)


def limit(request: Request, *, memory: bool, processes: bool) -> None:
    """The other limits of each process; `memory` and `processes` only where no control group counts them."""
    _set_limit(resource.RLIMIT_NOFILE, request.open_files)
    _set_limit(resource.RLIMIT_FSIZE, request.memory)
    _set_limit(resource.RLIMIT_CPU, int(request.timeout) + 1)
    if memory:
        _set_limit(resource.RLIMIT_AS, request.memory + _address_space())
    if processes:
        _set_limit(resource.RLIMIT_NPROC, request.processes)


def _set_limit(which: int, most: int) -> None:
    resource.setrlimit(which, (most, most))


def _address_space() -> int:
    """Bytes of address space that the interpreter itself has mapped."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def prefer_as_victim() -> None:
    """When memory runs out, the kernel kills this process and its children before the supervisor.

    Makes the process dumpable, as a program expects: otherwise it could not write its own /proc/self.
    """
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(fd, b"1000")
    os.close(fd)
