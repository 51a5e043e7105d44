"""The few kernel calls that Python's standard library does not offer."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_GET_PDEATHSIG = 2
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_NO_NEW_PRIVS = 38
PR_GET_TID_ADDRESS = 40

# Keeps the interpreter's lock: no call here takes long, and the child of a fork goes on with it.
_libc = ctypes.PyDLL(None, use_errno=True)
_libc.prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
_libc.madvise.argtypes = (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int)


def prctl(option: int, argument: int = 0, pointer: int = 0) -> None:
    """prctl(2); raises OSError."""
    if _libc.prctl(option, argument, pointer, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")


_CAPABILITY_VERSION_3 = 0x20080522


def drop_inheritable_capabilities() -> None:
    """Let no capability be passed on by way of executing a program, keeping the process's own. capset(2)."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (
        ctypes.c_uint32 * 6
    )()  # effective, permitted, inheritable; then the same for capabilities over 31
    for call in (_libc.capget, _libc.capset):
        if call is _libc.capset:
            sets[2] = sets[5] = 0
        if call(header, sets) != 0:
            raise OSError(ctypes.get_errno(), "capget, capset")


def get_parent_death_signal() -> int:
    number = ctypes.c_int()
    prctl(PR_GET_PDEATHSIG, ctypes.addressof(number))
    return number.value


MADV_COLLAPSE = 25
FEWEST_LARGE_PAGES = 4  # in a row: a page that has to be split up again costs more than one or two save
_LARGE_PAGE = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")


def use_large_pages() -> None:
    """Move what this process has in memory to large pages, as far as the kernel can and will: madvise(2).

    A fork copies a table with an entry for each page, and the end of a process takes it apart again: with
    large packages imported that is most of what a run costs. What is written to is copied as small pages.
    """
    try:
        size = int(_LARGE_PAGE.read_text())
        areas = Path("/proc/self/maps").read_text().splitlines()
    except (OSError, ValueError):
        return
    for span, mode, *_, name in (f"{area} -".split(maxsplit=5) for area in areas):
        if mode == "rw-p" and name.removesuffix("-").strip() in ("", "[heap]"):
            start, end = (int(edge, 16) for edge in span.split("-"))
            start, end = -(-start // size) * size, end // size * size
            if end - start >= FEWEST_LARGE_PAGES * size:
                _libc.madvise(start, end - start, MADV_COLLAPSE)


CLONE_PARENT = 0x00008000
CLONE_CHILD_CLEARTID = 0x00200000
CLONE_CHILD_SETTID = 0x01000000
_CLONE = {"x86_64": 56, "aarch64": 220}


class Forker:
    """Forks this process so that the new one is its brother instead of its child: CLONE_PARENT of clone(2).

    The call is the one that libc's fork makes, with that flag. Left out are libc's and Python's at-fork
    handlers, most of which put locks right that other threads may have held: whoever forks this way must have
    one thread, and see itself to what the handlers would have changed (`learner.after_fork`).
    """

    def __init__(self) -> None:
        place = ctypes.c_ulong()
        flags = CLONE_PARENT | signal.SIGCHLD
        try:
            # Where libc keeps this thread's id, so that the kernel writes the new one there. prctl(2)
            prctl(PR_GET_TID_ADDRESS, ctypes.addressof(place))
            flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID
        except OSError:  # a kernel without it; only pthread_kill of the main thread would miss it
            pass
        machine = platform.machine()
        after_stack = (0, place.value, 0) if machine == "x86_64" else (0, 0, place.value)
        self._arguments = tuple(map(ctypes.c_ulong, (_CLONE[machine], flags, 0, *after_stack)))

    def fork(self) -> int:
        """0 in the new process, its id in the old one. OSError."""
        pid: int = _libc.syscall(*self._arguments)
        if pid < 0:
            raise OSError(ctypes.get_errno(), "clone")
        return pid
