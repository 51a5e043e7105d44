"""Private instances of the services the site stands on. Each is a context manager: it ends with its block.

Nothing here touches a service that was running before; ports and folders are our own.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.dev.environment import find, tail
from deploy.dev.isolation import docker_engine_answers
from deploy.dev.processes import PYTHON, ROOT, Process, SetupError, running, wait_until

OnLine = Callable[[str, str], None]


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def folder(name: str) -> Iterator[Path]:
    """A folder for a service's data, short enough to hold a Unix socket."""
    with tempfile.TemporaryDirectory(prefix=f"helloagents-{name}-", ignore_cleanup_errors=True) as path:
        yield Path(path)


class Server:
    """A service that can be stopped, killed and started again; it keeps its address and what it stored."""

    def __init__(
        self,
        url: str,
        start: Callable[[], Process],
        *,
        ready: Callable[[], bool],
        grace: float = 5,
    ) -> None:
        """`start` makes its process, in the main thread; `grace` is how long its end may take, in seconds."""
        self.url = url
        self._start = start
        self._ready = ready
        self._grace = grace
        self._process: Process | None = None

    def __enter__(self) -> Server:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        if self._process is None:
            raise SetupError("It was never started.")
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it is of use."""
        self._process = self._start()
        wait_until(self._ready, self._process)

    def stop(self) -> None:
        """End it politely; by force when that takes too long."""
        if self._process:
            self._process.stop(self._grace)

    def kill(self) -> None:
        """End its first process without a word, and nothing that this has started."""
        if self._process:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()


# --- Redis ----------------------------------------------------------------------------------------


@contextmanager
def redis() -> Iterator[str]:
    """A Redis server that keeps nothing on disk. Yields its URL."""
    with redis_server() as server:
        yield server.url


@contextmanager
def redis_server() -> Iterator[Server]:
    """The same to be handled: whenever it ends all it knew is lost."""
    port = free_port()
    with folder("redis") as data:
        command = [find("redis-server") or "redis-server", "--port", str(port), "--bind", "127.0.0.1"]
        keep_nothing = ["--save", "", "--appendonly", "no", "--dir", str(data), "--loglevel", "warning"]
        with Server(
            f"redis://127.0.0.1:{port}/0",
            lambda: Process("redis", [*command, *keep_nothing]),
            ready=lambda: answers(port),
        ) as server:
            yield server


@contextmanager
def embedded_redis() -> Iterator[str]:
    """The stand-in for Redis, for a machine without one. Yields its URL."""
    port = free_port()
    with running(Process("redis", [PYTHON, "-m", "deploy.dev.embedded_redis", str(port)])) as server:
        wait_until(lambda: answers(port), server)
        yield f"redis://127.0.0.1:{port}/0"


# --- PostgreSQL -----------------------------------------------------------------------------------


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server with an empty database. Yields its URL.

    As root it runs as the user `postgres`, because PostgreSQL refuses to be root.
    """
    with postgres_server() as server:
        yield server.url


@contextmanager
def postgres_server() -> Iterator[Server]:
    """The same to be handled."""
    user = "postgres" if os.geteuid() == 0 else None
    port = free_port()
    with folder("postgres") as data:
        if user:
            shutil.chown(data, user)
        initdb = [find("initdb") or "initdb", "-D", str(data / "db"), "-U", "postgres", "-A", "trust"]
        _run_as(user, [*initdb, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
        # The data lives for one run of the tests: nothing needs to survive a crash.
        settings = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings |= {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(data)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [find("postgres") or "postgres", "-D", str(data / "db"), "-p", str(port), *options]
        with Server(
            f"postgres://postgres@127.0.0.1:{port}/site",
            lambda: Process("postgres", command, user=user, stop_signal=signal.SIGINT),
            ready=lambda: answers(port),
            grace=15,
        ) as server:
            _run_as(
                user, [find("createdb") or "createdb", "-h", data, "-p", str(port), "-U", "postgres", "site"]
            )
            yield server


def _run_as(user: str | None, command: list[str | Path]) -> None:
    result = subprocess.run(
        command,
        user=user,
        group=user,
        extra_groups=[] if user else None,
        cwd="/",
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise SetupError(f"{command[0]} failed:\n{result.stderr.strip()}")


# --- Docker engine --------------------------------------------------------------------------------


@contextmanager
def docker_engine(data: Path) -> Iterator[str]:
    """A Docker engine without a network, its images kept in `data`. Needs root. Yields its address."""
    with docker_server(data) as server:
        yield server.url


@contextmanager
def docker_server(data: Path) -> Iterator[Server]:
    """The same to be handled. Killed, it leaves its containers running until it is started again."""
    data.mkdir(parents=True, exist_ok=True)
    with folder("docker") as run:
        address = f"unix://{run}/docker.sock"
        command = [find("dockerd") or "dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none"]
        folders = ["--data-root", f"{data}", "--exec-root", f"{run}/exec", "--pidfile", f"{run}/docker.pid"]
        with Server(
            address,
            lambda: Process("dockerd", [*command, *folders, "-H", address]),
            ready=lambda: (run / "docker.sock").exists() and docker_engine_answers(address),
            grace=30,
        ) as server:
            yield server


@contextmanager
def container(image: str, port: int, *options: str) -> Iterator[int]:
    """A service in a container, for a machine that has only a Docker engine. Yields its port on this side."""
    docker = find("docker") or "docker"
    start = [docker, "run", "--rm", "--detach", "--publish", f"127.0.0.1::{port}", *options, image]
    name = _output_of(start)
    try:
        published = int(_output_of([docker, "port", name, str(port)]).splitlines()[0].rpartition(":")[2])
        yield published
    finally:
        subprocess.run([docker, "rm", "--force", name], capture_output=True)


@contextmanager
def redis_container() -> Iterator[str]:
    with container("redis:7-alpine", 6379) as port:
        _wait_for(lambda: _hears(port, b"PING\r\n", b"+PONG"), "The Redis container")
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def postgres_container() -> Iterator[str]:
    options = ("--env", "POSTGRES_PASSWORD=test", "--env", "POSTGRES_DB=site")
    with container("postgres:16-alpine", 5432, *options) as port:
        url = f"postgres://postgres:test@127.0.0.1:{port}/site"
        trial = [PYTHON, "-c", f"import psycopg; psycopg.connect({url!r}).close()"]
        _wait_for(
            lambda: subprocess.run(trial, capture_output=True).returncode == 0, "The PostgreSQL container"
        )
        yield url


def _output_of(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise SetupError(f"{' '.join(command[:3])} failed:\n{result.stderr.strip()}")
    return result.stdout.strip()


def _hears(port: int, question: bytes, answer: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(question)
            return connection.recv(64).startswith(answer)
    except OSError:
        return False


def _wait_for(ready: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise SetupError(f"{what} was not ready in {seconds:g} s.")
        time.sleep(0.2)


# --- The site -------------------------------------------------------------------------------------


def manage(env: Mapping[str, str], *arguments: str | Path) -> str:
    """Run a management command and return what it printed. Raises SetupError with its complaint."""
    command = [PYTHON, "manage.py", *arguments]
    result = subprocess.run(command, env=dict(env), cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        raise SetupError(f"manage.py {arguments[0]} failed:\n{tail(result.stderr)}")
    return result.stdout


def plain_environment() -> dict[str, str]:
    """Ours, without what would make a site a development's or somebody else's."""
    ours = (
        "DJANGO_SETTINGS_MODULE",
        "DEBUG",
        "SECRET_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "VAR_DIR",
        "RATE_LIMITS",
    )
    return {name: value for name, value in os.environ.items() if name not in ours}


def prepare(env: Mapping[str, str], *options: str) -> str:
    """Bring the database and the shipped course in it up to date; see `manage.py prepare_site`."""
    return manage(env, "prepare_site", *options).strip()


_NAME_STATIC_FILES = """
import json
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
names = [name for finder in get_finders() for name, _ in finder.list([])]
manifest = {"paths": {name: name for name in names}, "version": "1.1", "hash": "none"}
settings.STATIC_ROOT.mkdir(parents=True)
(settings.STATIC_ROOT / "staticfiles.json").write_text(json.dumps(manifest))
"""


def name_static_files(env: Mapping[str, str]) -> None:
    """Let a production start as after `collectstatic`, which takes a minute to compress them."""
    manage(env, "shell", "--no-imports", "-c", _NAME_STATIC_FILES)


@dataclass(frozen=True)
class Site:
    """The running site: its address, its processes by name, and the settings they were started with."""

    url: str
    processes: Mapping[str, Process]
    env: Mapping[str, str]

    def manage(self, *arguments: str | Path) -> str:
        """Run a management command on the site's data and return what it printed."""
        return manage(self.env, *arguments)


def site_commands(port: int, env: Mapping[str, str]) -> dict[str, list[str]]:
    """How web, worker and beat are started."""
    celery = [PYTHON, "-m", "celery", "--quiet", "--app", "helloagents"]
    return {
        "web": [
            *(PYTHON, "-m", "helloagents.serving", "--port", str(port), "--grace", "3"),
            *("--processes", env.get("WEB_PROCESSES", "1")),
        ],
        # Threads, because they share one pool of containers; as many as it may hold.
        "worker": [
            *(*celery, "worker", "--pool", "threads", "--concurrency", env.get("SANDBOX_POOL_MAX", "10")),
            *("--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
        ],
        "beat": [*celery, "beat", "--loglevel", "WARNING", "--pidfile="],
    }


@contextmanager
def site(*, port: int, env: Mapping[str, str], on_line: OnLine | None = None) -> Iterator[Site]:
    """Web, worker and beat, started together. Yields when a page answers."""
    commands = site_commands(port, env)
    # As root, Celery advises against being root, on every start. Here root is a developer's or a test's.
    env = {**env, "PYTHONWARNINGS": "ignore:::celery.platforms"}
    with ExitStack() as stack:
        processes: dict[str, Process] = {}
        for name, command in commands.items():
            processes[name] = stack.enter_context(running(Process(name, command, env=env, on_line=on_line)))
        for process in processes.values():
            stack.callback(process.ask_to_stop)
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: page_answers(address), processes["web"], seconds=60)
        if ended := [process for process in processes.values() if process.exit_code is not None]:
            raise SetupError(f"{ended[0].name} ended with code {ended[0].exit_code}:\n{ended[0].output()}")
        yield Site(url=address, processes=processes, env=env)


def page_answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - our own http address
            status: int = response.status
            return status == http.client.OK
    except urllib.error.HTTPError as error:
        raise SetupError(f"{url} answers with an error: {error}") from error
    except OSError:
        return False
