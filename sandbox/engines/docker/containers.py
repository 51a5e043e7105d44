"""A container's walls, and its beginning and end on the engine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import docker
import docker.errors
from django.conf import settings
from docker.types import LogConfig, Mount, Ulimit

from sandbox.engines import SUPERVISOR_COMMAND, Limits, owner
from sandbox.engines.docker import images
from sandbox.engines.docker.connection import Client, engine_errors
from sandbox.errors import EngineUnavailable
from sandbox.image import PYTHON, Image

SANDBOX_LABEL = "helloagents.sandbox"
OWNER_LABEL = "helloagents.sandbox.owner"

# For the supervisor alone: to drop a program to a user of its own, and to kill what that user left running.
SUPERVISOR_CAPABILITIES = ["SETUID", "SETGID", "KILL"]
# Microseconds between two hand-outs of CPU time. What a container did not use of its share is lost at the
# end of a period, so a longer one lets a program run at full speed for longer before it has to wait.
CPU_PERIOD = 100_000
_INODES = 4096  # files in /tmp, and in /dev/shm
# System V objects and message queues outlive the process that made them: none, and there is nothing to wipe.
_NO_LASTING_IPC = {
    "kernel.shmmni": "0",
    "kernel.msgmni": "0",
    "kernel.sem": "0 0 0 0",
    "fs.mqueue.queues_max": "0",
}
_REMOVAL_WAIT = 15.0  # seconds
_SETTLED_SECONDS = 120  # after so long a container has been started, or whoever made it gave it up
_STOPPED = {"created", "exited", "dead"}
_KILLED = 128 + 9


@dataclass(frozen=True)
class End:
    """How a container's first process ended; the exit code is None when it is not known."""

    out_of_memory: bool
    exit_code: int | None


def create(
    client: Client,
    name: str,
    limits: Limits,
    image: Image = PYTHON,
    *,
    command: Sequence[str] = SUPERVISOR_COMMAND,
    mounts: Sequence[Mount] = (),
    auto_remove: bool = True,
) -> None:
    """Create a container, not started. Raises EngineUnavailable."""
    with engine_errors(client):
        client.create_container(
            images.reference(image),
            name=name,
            hostname="sandbox",  # not the container's id, which the engine would choose
            entrypoint=list(command),
            stdin_open=True,
            use_config_proxy=False,  # an operator's proxy settings may hold a password
            labels={SANDBOX_LABEL: "1", OWNER_LABEL: owner.own_label()},
            host_config=_host_config(client, limits, mounts=mounts, auto_remove=auto_remove),
        )


def _host_config(
    client: Client, limits: Limits, *, mounts: Sequence[Mount], auto_remove: bool
) -> dict[str, Any]:
    return client.create_host_config(
        mem_limit=limits.memory,
        memswap_limit=limits.memory,  # memory and swap together: no swap
        cpu_period=CPU_PERIOD,
        cpu_quota=int(limits.cpus * CPU_PERIOD),
        pids_limit=limits.processes,
        network_mode="none",
        dns=["127.0.0.1"],  # the host's own would be written into /etc/resolv.conf
        cgroupns="private",
        read_only=True,
        mounts=list(mounts),
        tmpfs={"/tmp": _tmpfs(limits.tmp), "/dev/shm": _tmpfs(limits.shm)},  # noqa: S108 - in the container
        cap_drop=["ALL"],
        cap_add=SUPERVISOR_CAPABILITIES,
        security_opt=["no-new-privileges:true"],  # and the engine's own seccomp profile, by saying nothing
        sysctls=_NO_LASTING_IPC,
        ulimits=[
            Ulimit(name="nofile", soft=limits.open_files, hard=limits.open_files),
            Ulimit(name="core", soft=1, hard=1),  # see `sandbox.supervisor.seccomp.forbid_core_dumps`
            Ulimit(name="msgqueue", soft=0, hard=0),
        ],
        oom_score_adj=500,  # when the host itself runs short, learners' programs go first
        log_config=LogConfig(type=LogConfig.types.NONE),
        restart_policy={"Name": "no"},
        auto_remove=auto_remove,
        init=False,
        runtime=settings.SANDBOX_RUNTIME or None,
    )


def _tmpfs(size: int) -> str:
    return f"rw,nosuid,nodev,noexec,mode=1777,size={size},nr_inodes={_INODES}"


def remove(client: Client, container: str) -> None:
    """Kill and remove; returns when it is gone. Raises EngineUnavailable."""
    deadline = time.monotonic() + _REMOVAL_WAIT
    with engine_errors(client):
        while time.monotonic() < deadline:
            try:
                client.remove_container(container, v=True, force=True)
            except docker.errors.NotFound:
                return
            except docker.errors.APIError as error:
                if error.status_code != HTTPStatus.CONFLICT:  # conflict: it is being removed already
                    raise
                time.sleep(0.02)
            else:
                return
    raise EngineUnavailable(f"The Docker engine has not removed {container} in {_REMOVAL_WAIT:g} s.")


def orphans(client: Client) -> list[str]:
    """The sandbox containers on the engine that are nobody's any more.

    Those whose owner is known to be gone, and all that do not run although they are not new. Of an owner
    elsewhere nothing is known, but a container that has stopped is of no use to it either.
    """
    with engine_errors(client):
        found = client.containers(all=True, filters={"label": SANDBOX_LABEL})
        stopped = [each for each in found if each["State"] in _STOPPED]
        settled = _now(client) - _SETTLED_SECONDS if stopped else 0.0
    return [
        each["Id"]
        for each in found
        if owner.is_gone(each["Labels"].get(OWNER_LABEL, ""))
        or (each in stopped and each["Created"] < settled)
    ]


def _now(client: Client) -> float:
    """By the engine's clock, which may differ from ours."""
    return datetime.fromisoformat(client.info()["SystemTime"]).timestamp()


def end_of(client: Client, container: str) -> End:
    """How a container ended. Asked of the engine's short memory of events: it may be removed by now."""
    out_of_memory, exit_code = False, None
    for event in _past_events(client, {"container": [container], "event": ["oom", "die"]}):
        if event["Action"] == "oom":
            out_of_memory = True
        else:
            exit_code = int(event["Actor"]["Attributes"]["exitCode"])
    # An out-of-memory kill before was of a program, and the supervisor lived on.
    return End(out_of_memory and exit_code == _KILLED, exit_code)


def _past_events(client: Client, filters: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    """The events that the engine remembers, oldest first.

    The SDK's own call has no timeout and takes a refusal for an empty answer.
    """
    with engine_errors(client):
        answer = client.get(
            f"{client.base_url}/v{client.api_version}/events",
            # Since 0 would mean: only what is yet to come.
            params={"since": "1", "until": f"{_now(client):.6f}", "filters": json.dumps(filters)},
            timeout=client.timeout,
        )
        answer.raise_for_status()
    return map(json.loads, answer.text.splitlines())
