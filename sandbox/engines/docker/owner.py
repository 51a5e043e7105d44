"""Who made a container: enough to tell later, from any process of the same host, whether that one lives."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def own_label() -> str:
    """`host/boot/pid/start` of this process."""
    return f"{socket.gethostname()}/{_boot()}/{os.getpid()}/{_started(os.getpid())}"


def is_gone(label: str) -> bool:
    """Whether the process of a label has ended; False too when it belongs to another host."""
    host, _, rest = label.partition("/")
    if host != socket.gethostname():
        return False
    boot, _, rest = rest.partition("/")
    pid, _, started = rest.partition("/")
    return boot != _boot() or not pid.isdecimal() or _started(int(pid)) != started


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux
        return ""


def _started(pid: int) -> str:
    """When a process started, in the kernel's own units; empty when there is none.

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
