"""Who made a box: enough to tell later whether that process lives, where its id means the same as here."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def own_label() -> str:
    """`host_boot_namespace_pid_start` of this process; it may be part of a file's name."""
    return f"{_place()}_{os.getpid()}_{_started(os.getpid())}"


def is_gone(label: str) -> bool:
    """Whether the process of a label has ended; False too when that cannot be told from here."""
    place, pid, started = (["", "", "", *label.rsplit("_", 2)])[-3:]
    if place != _place() or not pid.isdecimal():
        return False
    start = _started(int(pid))
    return not start or start != started


def _place() -> str:
    """Where process ids mean the same.

    The name of the host does not say it: two containers may have been given the same one.
    """
    return f"{socket.gethostname()}_{_boot()}_{_namespace()}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux
        return ""


def _namespace() -> str:
    """The kernel's number of this process's own world of process ids, as in "pid:[4026531836]"."""
    try:
        return Path("/proc/self/ns/pid").readlink().name.removeprefix("pid:").strip("[]")
    except OSError:  # not Linux
        return ""


def _started(pid: int) -> str:
    """When a process started, in the kernel's own units since the boot; empty when there is none.

    Without /proc it is "alive" for every living process, so that a reused pid passes for the old one.
    """
    try:
        # The name, in parentheses, may hold anything; the 20th field after it is the start time, proc(5).
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return ""
    except (ProcessLookupError, IndexError):  # it ended while we looked
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"
