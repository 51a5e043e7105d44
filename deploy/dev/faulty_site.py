"""A whole site whose parts may be killed one by one: services, web, beat and two workers.

All of it is our own, on loopback and in a folder of its own; `faulty_engine`, too, which keeps its data in
memory, on a small file system that can be filled up.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import docker
import psycopg
import redis

from deploy.dev import services
from deploy.dev.environment import find, say
from deploy.dev.processes import PYTHON, ROOT, Process, SetupError, wait_until

ENGINE_DISK = 1024**3  # bytes of memory at most
IMAGES = ROOT / "var" / "test" / "sandbox-images.tar"  # kept: the base takes half a minute to make
WORKERS = ("east", "west")
THREADS = 3  # runs at the same time, and containers, of each worker
_SETTINGS = {
    "SANDBOX_ENGINE": "docker",
    "SANDBOX_POOL_INITIAL": "2",
    "SANDBOX_POOL_MAX": str(THREADS),
    "GUESTS_MAY_RUN_CODE": "true",
    "RATE_LIMITS": "off",  # all learners share an address
}


class Container(NamedTuple):
    id: str
    name: str
    owner: str  # the process id of the worker that made it
    running: bool


class Engine(NamedTuple):
    server: services.Server
    data: Path  # where its disk can be filled up


class FaultySite:
    """The running site and its parts. To be used from the main thread."""

    def __init__(
        self,
        url: str,
        env: Mapping[str, str],
        *,
        database: services.Server,
        redis_server: services.Server,
    ) -> None:
        self.url = url
        self.database = database
        self.redis = redis_server
        self.workers: dict[str, Process] = {}
        self.complaints: list[str] = []  # lines of the log that tell of a fault nobody foresaw
        self._env = env
        self._owners: set[str] = set()  # process ids of all workers there were
        self._seen: set[str] = set()  # ids of all their containers

    # --- Workers -------------------------------------------------------------------------------------

    def start_worker(self, *names: str) -> None:
        """Returns when they have joined the hosts."""
        self.launch_worker(*names)
        self.await_worker(*names)

    def launch_worker(self, *names: str) -> None:
        """Start them, and do not wait."""
        celery: list[str | Path] = [PYTHON, "-m", "celery", "--quiet", "--app", "helloagents", "worker"]
        celery += ["--pool", "threads", "--concurrency", str(THREADS), "--loglevel", "WARNING"]
        celery += ["--without-gossip", "--without-mingle"]
        for name in names:
            env = {**self._env, "WORKER_NAME": name, "PYTHONWARNINGS": "ignore:::celery.platforms"}
            self.workers[name] = Process(name, celery, env=env, on_line=self.note_line)
            self._owners.add(str(self.workers[name].pid))

    def await_worker(self, *names: str) -> None:
        """Returns when these, already started, have joined the hosts."""
        for name in names:
            wait_until(partial(self._has_joined, name), self.workers[name], seconds=60)

    def _has_joined(self, name: str) -> bool:
        return any(f"-{self.workers[name].pid}-" in host for host in self.reports())

    def kill_worker(self, name: str) -> None:
        os.kill(self.workers[name].pid, signal.SIGKILL)
        self.workers[name].wait()

    def stop_worker(self, name: str) -> None:
        self.workers[name].ask_to_stop()
        self.workers[name].wait()

    def close(self) -> None:
        for worker in self.workers.values():
            worker.ask_to_stop()
        for worker in self.workers.values():
            worker.stop(grace=15)

    def note_line(self, name: str, line: str) -> None:
        if "Traceback" in line or "[critical" in line:
            self.complaints.append(f"{name}: {line.strip()}")
        if trace := os.environ.get("FAULTS_LOG"):
            with Path(trace).open("a") as log:
                log.write(f"{time.time():.2f} {name}: {line}")

    # --- Containers ----------------------------------------------------------------------------------

    def containers(self) -> list[Container]:
        """Every container that a worker of this site has made, running or not."""
        with self._client() as client:
            found = client.containers(all=True, filters={"label": "helloagents.sandbox"})
        containers = [
            Container(
                id=each["Id"],
                name=next(iter(each["Names"] or ()), each["Id"]).lstrip("/"),  # nameless while being removed
                owner=each["Labels"]["helloagents.sandbox.owner"].split("_")[-2],  # its process id
                running=each["State"] == "running",
            )
            for each in found
        ]
        ours = [container for container in containers if container.owner in self._owners]
        self._seen |= {container.id for container in ours}
        return ours

    def kill_supervisor(self) -> None:
        """`kill -9` of some container's first process."""
        with suppress(docker.errors.APIError), self._client() as client:
            client.kill(self._some_container(), "SIGKILL")

    def remove_container(self) -> None:
        with suppress(docker.errors.APIError), self._client() as client:
            client.remove_container(self._some_container(), force=True)

    def _some_container(self) -> str:
        running = [container.id for container in self.containers() if container.running]
        return random.choice(running or ["none"])  # noqa: S311 - not a secret

    @contextmanager
    def _client(self) -> Iterator[docker.APIClient]:
        client = docker.APIClient(base_url=self._env["DOCKER_HOST"], timeout=30)
        try:
            yield client
        finally:
            client.close()

    # --- What is left --------------------------------------------------------------------------------

    def reports(self) -> dict[str, dict[str, object]]:
        """What the hosts that are on the list say of themselves, by their ids."""
        with redis.Redis.from_url(self.redis.url, decode_responses=True) as client:
            hosts = client.zrange("sandbox:hosts", 0, -1)
            found = {host: client.get(f"sandbox:host:{host}") for host in hosts}
        return {host: json.loads(report) for host, report in found.items() if report}

    def orphan_containers(self) -> list[str]:
        """Containers that no living worker counts as its own."""
        alive = {str(worker.pid) for worker in self.workers.values() if worker.exit_code is None}
        counted = json.dumps(list(self.reports().values()))
        return [
            container.name
            for container in self.containers()
            if container.owner not in alive or container.name not in counted
        ]

    def orphan_processes(self) -> list[str]:
        """Processes of containers that the engine does not know any more, their keepers included."""
        known = {container.id for container in self.containers()}
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                groups = (folder / "cgroup").read_text()
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                of = next((each for each in self._seen if each in groups or each in command), None)
                if of and of not in known:
                    found.append(f"{folder.name} {command[:80]}")
        return found

    def unfinished_runs(self) -> int:
        """How many runs the database holds as waiting or running."""
        with psycopg.connect(self.database.url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM progress_submission WHERE status IN ('queued', 'running')"
            ).fetchone()
        return int(row[0]) if row else 0


def fill_disk(folder: Path) -> Path:
    """Leave not a byte where `folder` is; returns the file to remove."""
    path = folder / "full"
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (1 << 20, 512):
            with suppress(OSError):
                while True:
                    os.write(file, bytes(size))
    finally:
        os.close(file)
    return path


@contextmanager
def faulty_engine() -> Iterator[Engine]:
    """A Docker engine with the plain image. As root, because it needs to be."""
    if os.geteuid() != 0 or find("dockerd") is None:
        raise SetupError("This needs root, and dockerd to be installed.")
    with ExitStack() as stack:
        folder = stack.enter_context(services.folder("faults"))
        data = stack.enter_context(_small_disk(folder / "engine"))
        engine = stack.enter_context(services.docker_server(data))
        _provide_images(engine)
        yield Engine(engine, data)


@contextmanager
def faulty_site(engine: str, **variables: str) -> Iterator[FaultySite]:
    """Web, beat and two workers that run programs on the engine at an address, all else being their own."""
    if find("initdb") is None or find("redis-server") is None:
        raise SetupError("This needs PostgreSQL and Redis to be installed.")
    with ExitStack() as stack:
        folder = stack.enter_context(services.folder("site"))
        database = stack.enter_context(services.postgres_server())
        redis_server = stack.enter_context(services.redis_server())
        env = {
            **services.plain_environment(),
            "DEBUG": "true",
            "VAR_DIR": str(folder),
            "DATABASE_URL": database.url,
            "REDIS_URL": redis_server.url,
            "DOCKER_HOST": engine,
            **_SETTINGS,
            **variables,
        }
        port = services.free_port()
        site = FaultySite(f"http://127.0.0.1:{port}", env, database=database, redis_server=redis_server)
        processes = {}
        for name, command in _commands(port).items():
            processes[name] = Process(name, command, env=env, on_line=site.note_line)
            stack.callback(processes[name].stop)
        services.manage(env, "migrate", "--verbosity", "0")  # while those start; nobody asks them yet
        stack.callback(site.close)
        site.launch_worker(*WORKERS)
        wait_until(
            lambda: services.page_answers(f"{site.url}/en/accounts/login/"), processes["web"], seconds=60
        )
        site.await_worker(*WORKERS)
        for process in processes.values():
            stack.callback(process.ask_to_stop)
        yield site


def _commands(port: int) -> dict[str, list[str | Path]]:
    return {
        "web": [PYTHON, "-m", "helloagents.serving", "--port", str(port), "--grace", "3"],
        "beat": [
            *(PYTHON, "-m", "celery", "--quiet", "--app", "helloagents", "beat", "--loglevel", "WARNING"),
            "--pidfile=",
        ],
    }


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """A file system in memory of ENGINE_DISK bytes."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ENGINE_DISK},mode=755", "faults", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        raise SetupError("Mounting a small file system for the engine failed; this needs CAP_SYS_ADMIN.")
    try:
        yield folder
    finally:
        _until_true(lambda: subprocess.run(["umount", folder], capture_output=True).returncode == 0)


def _provide_images(engine: services.Server) -> None:
    """Have the plain image on the engine: from the last time's file, brought up to date."""
    command = [find("docker") or "docker", "-H", engine.url]
    if IMAGES.exists():
        subprocess.run([*command, "load", "--quiet", "--input", IMAGES], capture_output=True, check=True)
    env = {**os.environ, "DEBUG": "true", "DOCKER_HOST": engine.url, "SANDBOX_ENGINE": "docker"}
    said = services.manage(env, "build_sandbox_image", "--image", "python")
    if "up to date" in said and IMAGES.exists():
        return
    say("Keeping the images for the next time …")
    IMAGES.parent.mkdir(parents=True, exist_ok=True)
    listed = subprocess.run(
        [*command, "images", "--format", "{{.Repository}}:{{.Tag}}"], capture_output=True, text=True
    )
    names = [name for name in listed.stdout.split() if "<none>" not in name]
    subprocess.run([*command, "save", "--output", f"{IMAGES}.new", *names], capture_output=True, check=True)
    shutil.move(f"{IMAGES}.new", IMAGES)


def _until_true(look: Callable[[], bool], *, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found
