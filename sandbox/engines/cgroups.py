"""Control groups for boxes that no container engine looks after; version 1 and 2.

A box's group is made beside the platform's own: there a service manager's delegation, or root, may make one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from sandbox.engines import Limits, owner

ROOT = Path("/sys/fs/cgroup")
PREFIX = "helloagents-box"
CONTROLLERS = ("memory", "pids", "cpu")
CPU_PERIOD = 100_000  # microseconds; long enough that an ordinary program ends before it has to wait


class Group:
    """The control groups of one box: none, one for all controllers (v2), or one for each (v1)."""

    def __init__(self, limits: Limits) -> None:
        self._name = f"{PREFIX}-{owner.own_label()}-{secrets.token_hex(4)}"
        self.folders: dict[str, Path] = {}  # where the box expects it, under /sys/fs/cgroup: where it is
        try:
            self._make_v2(limits) if _is_v2() else self._make_v1(limits)
        except OSError:  # not ours to make; the supervisor keeps the limits then
            self.remove()

    def add(self, pid: int) -> None:
        for folder in self.folders.values():
            (folder / "cgroup.procs").write_text(str(pid))

    def out_of_memory(self) -> bool:
        """Whether a process in it was killed for want of memory."""
        return any(
            line.startswith("oom_kill ") and line != "oom_kill 0"
            for folder in self.folders.values()
            for events in ("memory.events", "memory.oom_control")
            for line in _read(folder / events).splitlines()
        )

    def remove(self) -> None:
        """Only of use once its processes are gone."""
        for folder in self.folders.values():
            with contextlib.suppress(OSError):
                folder.rmdir()
        self.folders = {}

    def _make_v2(self, limits: Limits) -> None:
        own = ROOT / _own_path("").lstrip("/")
        folder = (own.parent if own != ROOT else ROOT) / self._name
        folder.mkdir()
        self.folders[""] = folder
        if not {"memory", "pids"} <= set(_read(folder / "cgroup.controllers").split()):
            raise PermissionError("the controllers are not delegated")
        _write(folder / "memory.max", limits.memory)
        _write(folder / "pids.max", limits.processes)
        with contextlib.suppress(OSError):  # absent without swap, or without the cpu controller
            _write(folder / "memory.swap.max", 0)
        with contextlib.suppress(OSError):
            _write(folder / "cpu.max", f"{int(limits.cpus * CPU_PERIOD)} {CPU_PERIOD}")

    def _make_v1(self, limits: Limits) -> None:
        for controller in CONTROLLERS:
            folder = ROOT / controller / _own_path(controller).lstrip("/") / self._name
            folder.mkdir()
            self.folders[controller] = folder
        _write(self.folders["memory"] / "memory.limit_in_bytes", limits.memory)
        with contextlib.suppress(OSError):  # absent when the kernel does not count swap
            _write(self.folders["memory"] / "memory.memsw.limit_in_bytes", limits.memory)
        _write(self.folders["pids"] / "pids.max", limits.processes)
        _write(self.folders["cpu"] / "cpu.cfs_period_us", CPU_PERIOD)
        _write(self.folders["cpu"] / "cpu.cfs_quota_us", int(limits.cpus * CPU_PERIOD))


def remove_orphans() -> int:
    """Remove groups whose owner process is gone. Their boxes ended with it, so they are empty."""
    removed = 0
    for group in _groups():
        if owner.is_gone(group.name.removeprefix(f"{PREFIX}-").rpartition("-")[0]):
            with contextlib.suppress(OSError):
                group.rmdir()
                removed += 1
    return removed


def _groups() -> list[Path]:
    """Those of all owners, anywhere: an owner may have lived in another group than ours."""
    return [
        Path(parent, name)
        for parent, names, _ in os.walk(ROOT)  # unlike a glob it passes over folders that vanish meanwhile
        for name in names
        if name.startswith(f"{PREFIX}-")
    ]


def _is_v2() -> bool:
    return (ROOT / "cgroup.controllers").exists()


def _own_path(controller: str) -> str:
    """The platform's own group, as /proc/self/cgroup tells it: "id:controllers:path" lines."""
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return path
    raise FileNotFoundError(f"no {controller or 'unified'} control group")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _write(path: Path, value: object) -> None:
    path.write_text(str(value))
