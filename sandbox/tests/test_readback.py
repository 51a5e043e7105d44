"""Every limit and wall of a live container, read back by a program that runs in it; the same on each engine.

What Docker itself says of a container is in `test_docker`; what happens at a limit is in `test_limits`.
"""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.conf import settings

from sandbox.engines import Limits
from sandbox.pool import Pool
from sandbox.supervisor.service import ENVIRONMENT
from sandbox.tests.conftest import MakePool, run

SECRET = "secret-of-the-host-4711"

READ = """
import json, os, resource
from pathlib import Path

def number(text):
    return int(text) if text.lstrip("-").isdigit() else text

def first(*paths):
    for path in paths:
        try: return [number(word) for word in Path("/sys/fs/cgroup", path).read_text().split()]
        except OSError: pass
    return []

status = dict(line.split(":", 1) for line in open("/proc/self/status"))
mounts = [line.split() for line in open("/proc/self/mounts")]
print(json.dumps({
    "status": {key: value.strip() for key, value in status.items()},
    "users": [*os.getresuid(), *os.getresgid()],
    "groups": os.getgroups(),
    "supervisor": os.stat("/proc/1").st_uid,
    "memory": first("memory.max", "memory/memory.limit_in_bytes"),
    "swap": first("memory.swap.max", "memory/memory.memsw.limit_in_bytes"),
    "processes": first("pids.max", "pids/pids.max"),
    "cpu": first("cpu.max") or first("cpu/cpu.cfs_quota_us") + first("cpu/cpu.cfs_period_us"),
    "mounts": {mount[1]: mount[3].split(",") for mount in mounts},
    "sizes": {path: os.statvfs(path).f_blocks * os.statvfs(path).f_frsize for path in ("/tmp", "/dev/shm")},
    "limits": {name: resource.getrlimit(getattr(resource, name))
        for name in dir(resource) if name.startswith("RLIMIT_")},
    "interfaces": [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line],
    "routes": open("/proc/net/route").read().splitlines()[1:],
    "environment": dict(os.environ),
    "inherited": open("/proc/self/environ").read().split("\\0"),
    "host": os.uname().nodename,
    "namespaces": {name: os.readlink("/proc/self/ns/" + name) for name in os.listdir("/proc/self/ns")},
}))
"""  # fmt: skip


@pytest.fixture(scope="module")
def facts(shared_pool: Pool) -> dict[str, Any]:
    """What a program reads in a container of either engine."""
    found: dict[str, Any] = json.loads(run(shared_pool, READ).stdout)
    return found


def test_a_program_is_nobody(facts: dict[str, Any]) -> None:
    status = facts["status"]
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert len(set(facts["users"])) == 1
    assert facts["users"][0] > 1000
    assert facts["users"][0] != facts["supervisor"]
    assert facts["groups"] == []


def test_memory_swap_processes_and_processor(
    facts: dict[str, Any], limits: Limits, missing: Callable[[str], NoReturn]
) -> None:
    if not facts["memory"]:
        missing("control groups cannot be made here; the supervisor keeps the limits, see test_limits")
    assert facts["memory"] == [limits.memory]
    # Version 1 counts memory and swap together, where it counts swap; version 2 counts swap alone.
    assert facts["swap"] in ([limits.memory], [0], [])
    assert facts["processes"] == [limits.processes]
    quota, period = facts["cpu"]
    assert quota / period == limits.cpus


def test_no_more_memory_than_the_limit_and_no_swap(pool: Pool, limits: Limits) -> None:
    """The proof that needs no control group's word: how many megabytes a program can fill."""
    code = "import os\nkept = []\nwhile True:\n    kept.append(os.urandom(1 << 20)); os.write(1, b'.')"
    finished = run(pool, code)
    assert finished.outcome == "memory"
    assert len(finished.stdout) <= limits.memory >> 20


def test_the_root_is_read_only_and_little_else_is_writable(facts: dict[str, Any], limits: Limits) -> None:
    mounts = facts["mounts"]
    assert "ro" in mounts["/"]
    for path, size in (("/tmp", limits.tmp), ("/dev/shm", limits.shm)):
        assert {"rw", "nosuid", "nodev"} <= set(mounts[path]), path
        assert facts["sizes"][path] == size
    writable = {path for path, options in mounts.items() if "rw" in options}
    own = {"/tmp", "/dev/shm", "/dev/mqueue", "/dev/pts", "/proc", "/dev", "/sys/fs/cgroup"}
    assert not [path for path in writable - own if not path.startswith(("/dev/", "/proc/"))]


def test_limits_of_each_process(facts: dict[str, Any], limits: Limits) -> None:
    found = {name.removeprefix("RLIMIT_"): tuple(pair) for name, pair in facts["limits"].items()}
    assert found["NOFILE"] == (limits.open_files,) * 2
    assert found["FSIZE"] == (limits.memory,) * 2
    assert found["CPU"] == (21, 21)  # the run's time limit and one
    assert found["MEMLOCK"] == (64 * 1024,) * 2
    assert found["MSGQUEUE"] == (0, 0)
    assert found["CORE"][0] in (0, 1)
    assert found["RTPRIO"] == (0, 0)
    assert found["NICE"] == (0, 0)


def test_there_is_no_network_but_loopback(facts: dict[str, Any]) -> None:
    assert facts["interfaces"] == ["lo"]
    assert facts["routes"] == []


def test_namespaces_are_its_own(facts: dict[str, Any]) -> None:
    for name in ("ipc", "mnt", "net", "pid", "uts"):
        assert facts["namespaces"][name] != str(Path("/proc/self/ns", name).readlink()), name
    assert facts["host"] == "sandbox" != os.uname().nodename


def test_the_environment_is_the_supervisors_own(facts: dict[str, Any]) -> None:
    assert {**ENVIRONMENT, **facts["environment"]} == facts["environment"]
    assert set(facts["environment"]) <= {*ENVIRONMENT, "LC_CTYPE", "PYTHONPATH"}
    # What its process was once started with, as /proc remembers it: by the engine, for the supervisor.
    names = {line.partition("=")[0] for line in facts["inherited"] if line.strip("\0")}
    assert names <= {*ENVIRONMENT, "PWD", "HOSTNAME", "SANDBOX_PRELOAD", "SANDBOX_PACKAGES", "LC_CTYPE"}


def test_nothing_of_the_host_is_visible(make_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret of the platform's environment in anything that can be read, no engine, no project."""
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    code = """
        import glob, os
        for folder in ("/proc/1", "/proc/self", "/proc/sys/kernel", "/proc/net"):
            for name in os.listdir(folder) if os.access(folder, os.R_OK) else ():
                if name in ("kmsg", "kcore", "mem", "pagemap", "clear_refs"): continue
                try: found = os.open(f"{folder}/{name}", os.O_RDONLY | os.O_NONBLOCK)
                except OSError: continue
                try:
                    text = os.read(found, 1 << 20)
                    if BEGIN + b"-of-the-host" in text: print("secret in", folder, name)
                except OSError: pass
                os.close(found)
        for path in ("/etc/shadow", "/home", "/root/.ssh", "/etc/ssh", "/var/run/docker.sock",
                "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock", PROJECT):
            try: seen = os.listdir(path) if os.path.isdir(path) else open(path).read(9)
            except OSError: continue
            if seen: print("saw", path, seen)
        try: import django; print("saw django")
        except ImportError: pass
        print("end")
    """
    project = f"BEGIN, PROJECT = b'secret', {str(settings.BASE_DIR)!r}\n"

    assert run(make_pool(), project + textwrap.dedent(code)).stdout == "end\n"
