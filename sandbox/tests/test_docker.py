"""The Docker engine on a real engine: walls, limits, and what happens when things die."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient
from pytest_django import Settings

from sandbox.control import RunControl
from sandbox.engines import Limits, owner
from sandbox.engines.docker import DockerBox, DockerEngine, containers, images
from sandbox.engines.docker.stream import attach
from sandbox.errors import ContainerLost, EngineUnavailable
from sandbox.execution import Outcome, RunEvent, RunRequest, RunResult, Started, Stream
from sandbox.image import PYTHON, Image
from sandbox.pool import Pool

pytestmark = pytest.mark.docker


class NotingEngine(DockerEngine):
    """Remembers what it made: other tests of this process have containers, too."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[str] = []

    def create(self, limits: Limits, image: Image = PYTHON) -> DockerBox:
        box = super().create(limits, image)
        self.made.append(box.id)
        return box

    def living(self) -> list[str]:
        return [name for name in self.made if name in names(self)]


@pytest.fixture
def engine() -> NotingEngine:
    return NotingEngine()


@pytest.fixture
def pool(engine: NotingEngine) -> Iterator[Pool]:
    pool = Pool(engine, limits=Limits.from_settings(), initial=1, minimum=1, maximum=2)
    yield pool
    pool.close()


def run(pool: Pool, code: str) -> RunResult:
    request = RunRequest(code=code, stdin="", timeout=10)
    return pool.run(request, on_event=lambda event: None, control=RunControl())


def names(engine: DockerEngine) -> set[str]:
    found = engine.client.containers(all=True, filters={"label": containers.SANDBOX_LABEL})
    return {container["Names"][0].removeprefix("/") for container in found}


def inspect(client: APIClient, container: str) -> Any:
    return client.inspect_container(container)


def wait_until(condition: Callable[[], bool], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.01)


# --- Limits ---------------------------------------------------------------------------------------


def test_limits_read_back_from_a_live_container(pool: Pool, engine: NotingEngine) -> None:
    assert run(pool, "print(1)").outcome is Outcome.OK
    (container,) = engine.living()
    record = inspect(engine.client, container)
    host = record["HostConfig"]

    assert host["Memory"] == host["MemorySwap"] == 128 * 1024 * 1024
    assert host["CpuQuota"] / host["CpuPeriod"] == 0.5
    assert host["PidsLimit"] == 64
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert set(host["Tmpfs"]) == {"/tmp", "/dev/shm"}
    assert "size=10485760" in host["Tmpfs"]["/tmp"]
    assert host["CapDrop"] == ["ALL"]
    assert sorted(host["CapAdd"]) == ["KILL", "SETGID", "SETUID"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Privileged"] is False
    assert not host["Binds"]
    (mount,) = record["Mounts"]  # where its supervisor met the platform: gone since
    assert (mount["Type"], mount["Destination"], mount["RW"]) == ("bind", "/run/platform", False)
    assert not Path(mount["Source"]).exists()
    assert not host["Devices"]
    assert host["PidMode"] == host["UTSMode"] == host["UsernsMode"] == ""
    assert host["IpcMode"] == "private"
    assert host["LogConfig"]["Type"] == "none"
    assert host["RestartPolicy"]["Name"] == "no"
    assert host["AutoRemove"] is True
    assert host["OomScoreAdj"] > 0


def test_limits_follow_the_settings(engine: NotingEngine, settings: Settings) -> None:
    settings.SANDBOX_MEMORY_MB, settings.SANDBOX_CPUS = 64, 0.25
    settings.SANDBOX_PROCESSES, settings.SANDBOX_TMP_MB = 32, 5
    box = engine.create(Limits.from_settings())
    try:
        host = inspect(engine.client, box.id)["HostConfig"]
    finally:
        box.destroy()
    assert host["Memory"] == host["MemorySwap"] == 64 * 1024 * 1024
    assert host["CpuQuota"] / host["CpuPeriod"] == 0.25
    assert host["PidsLimit"] == 32
    assert "size=5242880" in host["Tmpfs"]["/tmp"]


def test_a_runtime_is_taken_from_the_settings(engine: NotingEngine, settings: Settings) -> None:
    settings.SANDBOX_RUNTIME = "no-such-runtime"
    with pytest.raises(EngineUnavailable, match="no-such-runtime"):
        engine.create(Limits.from_settings())


def test_nothing_of_the_platform_or_its_host_is_in_the_container(
    engine: NotingEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxies = {"default": {"httpProxy": "http://user:password@proxy"}}
    (tmp_path / "config.json").write_text(json.dumps({"proxies": proxies}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    box = engine.create(Limits.from_settings())
    try:
        config = inspect(engine.client, box.id)["Config"]
    finally:
        box.destroy()
    assert "proxy" not in json.dumps(config["Env"]).lower()
    assert config["Hostname"] == "sandbox"


def test_walls_seen_from_inside(pool: Pool) -> None:
    result = run(
        pool,
        """
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print([int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")])
print(status["NoNewPrivs"].strip(), status["Seccomp"].strip())
for name in ("kernel/shmmni", "kernel/msgmni", "kernel/sem", "fs/mqueue/queues_max"):
    print(open("/proc/sys/" + name).read().split())
print([line.split()[1] for line in open("/etc/resolv.conf") if line.startswith("nameserver")])
mounts = [line.split() for line in open("/proc/mounts")]
safe = {"rw", "noexec", "nosuid", "nodev"}
print([m[1] for m in mounts if m[1] in ("/tmp", "/dev/shm") and safe <= set(m[3].split(","))])
print([m[3].split(",")[0] for m in mounts if m[1] == "/"])
""",
    )
    assert result.text(Stream.STDOUT).splitlines() == [
        "[0, 0, 0, 0]",
        "1 2",
        "['0']",
        "['0']",
        "['0', '0', '0', '0']",
        "['0']",
        "['127.0.0.1']",
        "['/tmp', '/dev/shm']",
        "['ro']",
    ]


# --- Image ----------------------------------------------------------------------------------------


def test_a_missing_image_is_told_with_the_way_to_build_it(engine: NotingEngine, settings: Settings) -> None:
    settings.SANDBOX_IMAGE = "helloagents-sandbox:never-built"
    for action in (engine.check, lambda: engine.create(Limits.from_settings())):
        with pytest.raises(EngineUnavailable, match=r"never-built.*manage\.py build_sandbox_image"):
            action()


def test_a_stale_image_is_detected(engine: NotingEngine, settings: Settings) -> None:
    engine.check()
    fresh, stale = settings.SANDBOX_IMAGE, f"helloagents-sandbox:stale-{os.getpid()}"
    dockerfile = make_tar("Dockerfile", b"ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\n")
    images.build(
        engine.client, dockerfile, stale, arguments={"BASE_IMAGE": fresh}, digest="older", tell=print
    )
    settings.SANDBOX_IMAGE = stale
    try:
        with pytest.raises(EngineUnavailable, match=r"another version.*manage\.py build_sandbox_image"):
            engine.check()
    finally:
        engine.client.remove_image(stale, force=True)


def make_tar(name: str, content: bytes) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    stream.seek(0)
    return stream


# --- Ends -----------------------------------------------------------------------------------------


def test_destroy_leaves_nothing_and_may_be_repeated(engine: NotingEngine) -> None:
    box = engine.create(Limits.from_settings())
    assert len(engine.living()) == 1
    box.destroy()
    box.destroy()
    assert engine.living() == []


def test_death_tells_a_kill_from_an_exhausted_memory(engine: NotingEngine) -> None:
    box = engine.create(Limits.from_settings())
    engine.client.kill(box.id)
    wait_until(lambda: engine.living() == [])
    death = box.death()
    box.destroy()
    assert (death.out_of_memory, death.words) == (False, "exit code 137")


def test_death_of_a_supervisor_out_of_memory(engine: NotingEngine) -> None:
    greedy = ["python3", "-I", "-c", "import sys; sys.stdin.read(1); bytearray(512 << 20)"]
    name = f"helloagents-test-{os.getpid()}"
    containers.create(engine.client, name, Limits.from_settings(), command=greedy)
    channel = attach(engine.client, name)
    engine.client.start(name)
    channel.send(b"!")
    wait_until(lambda: name not in names(engine))
    death = DockerBox(engine, name, channel).death()
    channel.close()
    assert death.out_of_memory


def test_the_pool_heals_when_a_container_is_removed_by_hand(pool: Pool, engine: NotingEngine) -> None:
    assert run(pool, "print(1)").outcome is Outcome.OK
    for container in engine.living():
        containers.remove(engine.client, container)
    assert run(pool, "print(2)").text(Stream.STDOUT) == "2\n"


def test_a_container_removed_during_a_run_is_the_platforms_fault(pool: Pool, engine: NotingEngine) -> None:
    def remove_all(event: RunEvent) -> None:
        if isinstance(event, Started):
            for container in engine.living():
                containers.remove(engine.client, container)

    request = RunRequest(code="import time; time.sleep(30)", stdin="", timeout=30)
    with pytest.raises(ContainerLost):
        pool.run(request, on_event=remove_all, control=RunControl())
    assert run(pool, "print(2)").text(Stream.STDOUT) == "2\n"


OWNER = """
import django; django.setup()
import signal
from sandbox.engines import Limits
from sandbox.engines.docker import DockerEngine, containers
engine = DockerEngine()
containers.create(engine.client, "{created}", Limits.from_settings())
print(engine.create(Limits.from_settings()).id, flush=True)
signal.pause()
"""


def test_containers_of_a_killed_owner_go(engine: NotingEngine) -> None:
    created = f"helloagents-test-orphan-{os.getpid()}"
    mine = engine.create(Limits.from_settings())
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER.format(created=created)],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"]},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        started = process.stdout.readline().strip()
        assert {started, created} <= names(engine)
        assert engine.reap_orphans() == 0  # its owner lives
    finally:
        process.kill()
        process.communicate()
    # One that runs ends by itself, since nobody holds its input any more; one that never ran is reaped.
    wait_until(lambda: started not in names(engine))
    assert engine.reap_orphans() == 1
    assert created not in names(engine)
    assert mine.id in names(engine)
    mine.destroy()


def test_a_stopped_container_of_an_owner_elsewhere_goes_when_it_is_not_new(
    engine: NotingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers in containers of their own do not see each other's processes."""
    monkeypatch.setattr(owner, "own_label", lambda: "elsewhere_boot_1_1_1")
    stopped = f"helloagents-test-stopped-{os.getpid()}"
    containers.create(engine.client, stopped, Limits.from_settings())
    alive = engine.create(Limits.from_settings())
    try:
        engine.reap_orphans()
        assert {stopped, alive.id} <= names(engine)
        monkeypatch.setattr(containers, "_SETTLED_SECONDS", -60)
        engine.reap_orphans()
        assert stopped not in names(engine)
        assert alive.id in names(engine)
    finally:
        alive.destroy()
        containers.remove(engine.client, stopped)
