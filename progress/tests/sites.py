"""A small site of its own for tests that start and end worker processes: database, Redis, web, workers."""

from __future__ import annotations

import http.cookiejar
import json
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import redis

from deploy.dev import services
from deploy.dev.processes import PYTHON, Process, running, wait_until

T = TypeVar("T")


def eventually(look: Callable[[], T | None], *, seconds: float = 20) -> T:
    """What `look()` finds, asked until it is something true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s; the last answer was {found!r}"
        time.sleep(0.02)
    return found


def children_of(pid: int) -> list[int]:
    """The processes that a process started, theirs included."""
    found, todo = [], [pid]
    while todo:
        for task in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            new = [int(child) for child in task.read_text().split()]
            found += new
            todo += new
    return found


class Visitor:
    """A browser that nobody signed in to; answers are (status, JSON, headers)."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        self._opener.open(f"{site}/en/accounts/login/", timeout=20).close()  # brings the CSRF cookie

    def move_to(self, site: str) -> None:
        """Ask another process from now on, as the same visitor."""
        self._site = site

    def post(self, path: str, body: object) -> tuple[int, Any, Mapping[str, str]]:
        token = next(cookie.value for cookie in self._cookies if cookie.name == "csrftoken")
        headers = {"Content-Type": "application/json", "X-CSRFToken": token or ""}
        return self._send(urllib.request.Request(self._site + path, json.dumps(body).encode(), headers))

    def get(self, path: str) -> Any:
        return self._send(urllib.request.Request(self._site + path))[1]

    def run(self, code: str) -> Any:
        """Start a program; the run as the site answers it."""
        status, run, _ = self.post("/en/runs/", {"code": code})
        assert status == 201, run
        return run

    def end_of(self, run: Mapping[str, Any], *, seconds: float = 20) -> Any:
        def over() -> Any:
            now = self.get(run["url"])
            return now if now["status"] in ("finished", "broken") else None

        return eventually(over, seconds=seconds)

    def follow(self, run: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """The run's events as they come, until the site ends the stream."""
        with self._opener.open(self._site + run["events_url"], timeout=30) as stream:
            kind = ""
            for line in stream:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    yield kind, json.loads(value)

    def _send(self, request: urllib.request.Request) -> tuple[int, Any, Mapping[str, str]]:
        try:
            with self._opener.open(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read()), dict(answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read()), dict(error.headers)


class Site:
    """The web process and what it stands on; workers are started by the tests."""

    def __init__(self, url: str, env: Mapping[str, str]) -> None:
        self.url = url
        self.env = env

    @contextmanager
    def worker(self, name: str, *, threads: int = 2, **variables: str) -> Iterator[Process]:
        """A worker process, ready; killed with its block if it lives then."""
        with self.workers(name, threads=threads, **variables) as (process,):
            yield process

    @contextmanager
    def workers(self, *names: str, threads: int = 2, **variables: str) -> Iterator[list[Process]]:
        """Several, started together."""
        command: list[str | Path] = [PYTHON, "-m", "celery", "--quiet", "--app", "helloagents", "worker"]
        command += ["--pool", "threads", "--concurrency", str(threads), "--loglevel", "WARNING"]
        command += ["--without-gossip", "--without-mingle"]
        env = {**self.env, "PYTHONWARNINGS": "ignore:::celery.platforms", **variables}
        with ExitStack() as stack:
            processes = [
                stack.enter_context(
                    running(Process(name, command, env={**env, "WORKER_NAME": name}), grace=0)
                )
                for name in names
            ]
            for process in processes:
                wait_until(partial(self._has_joined, process), process, seconds=60)
            yield processes

    def _has_joined(self, process: Process) -> bool:
        return any(f"-{process.pid}-" in host for host in self.hosts())

    def column(self, name: str, run_ids: Sequence[str]) -> list[Any]:
        """One column of the runs' rows."""
        with closing(sqlite3.connect(self.env["DATABASE_URL"].removeprefix("sqlite:///"))) as database:
            marks = ", ".join("?" * len(run_ids))
            query = f"SELECT {name} FROM progress_submission WHERE id IN ({marks})"
            return [row[0] for row in database.execute(query, [UUID(each).hex for each in run_ids])]

    def note_wish_to_stop(self, run_id: str) -> None:
        """What the site writes down when *Stop* is pressed, without the order to whoever runs it."""
        with closing(sqlite3.connect(self.env["DATABASE_URL"].removeprefix("sqlite:///"))) as database:
            database.execute(
                "UPDATE progress_submission SET cancel_requested = 1 WHERE id = ?", [UUID(run_id).hex]
            )
            database.commit()

    def hosts(self) -> list[str]:
        """The ids of the hosts that are on the list."""
        with redis.Redis.from_url(self.env["REDIS_URL"], decode_responses=True) as client:
            return list(client.zrange("sandbox:hosts", 0, -1))


@contextmanager
def small_site(folder: Path, **variables: str) -> Iterator[Site]:
    with ExitStack() as stack:
        env = {
            **services.plain_environment(),
            "DEBUG": "true",
            "RATE_LIMITS": "off",
            "VAR_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "REDIS_URL": stack.enter_context(services.redis()),
            "SANDBOX_ENGINE": "bubblewrap",
            "SANDBOX_POOL_INITIAL": "1",
            "SANDBOX_POOL_MAX": "2",
            **variables,
        }
        port = services.free_port()
        command: list[str | Path] = [
            PYTHON,
            "-m",
            "uvicorn",
            "helloagents.asgi:application",
            "--port",
            str(port),
        ]
        web = Process(
            "web", [*command, "--log-level", "warning", "--no-access-log", "--no-proxy-headers"], env=env
        )
        stack.enter_context(running(web, grace=3))
        services.manage(env, "migrate", "--verbosity", "0")  # while it starts; nobody asks it yet
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: services.page_answers(f"{url}/en/accounts/login/"), web, seconds=60)
        yield Site(url, env)
