"""A Docker engine ends, dies or hangs while a worker lives: that is told, and nothing has to be restarted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from deploy.dev import services
from deploy.dev.environment import find
from deploy.dev.processes import Process, running
from progress.tests.sites import Visitor, children_of, eventually
from sandbox.engines.docker import images
from sandbox.image import AGENT, PYTHON

# An engine and a site have to start.
pytestmark = [pytest.mark.docker(own_engine=True), pytest.mark.timeout(400)]

# It takes 5 s at most on a machine that does nothing else; tests have it busy.
NOTICED = 20
BACK = 60


@dataclass
class Sandboxed:
    site: services.Site
    engine: services.Server

    def pool(self) -> Any:
        """What `/health` says of the containers, beside the code and status of the whole."""
        status, told = self.health()
        return status, told["status"], told["checks"]["container_pool"]["status"]

    def has_a_worker(self) -> bool:
        return bool(self.health()[1]["checks"]["workers"]["status"] == "healthy")

    def health(self) -> tuple[int, Any]:
        with urllib.request.urlopen(f"{self.site.url}/health", timeout=20) as answer:
            return answer.status, json.loads(answer.read())

    def is_ready(self) -> bool:
        return services.page_answers(f"{self.site.url}/health/ready")


@pytest.fixture(scope="module")
def sandboxed(
    tmp_path_factory: pytest.TempPathFactory, missing: Callable[[str], NoReturn]
) -> Iterator[Sandboxed]:
    if os.geteuid() != 0 or find("dockerd") is None or find("redis-server") is None:
        missing("an engine and a Redis of its own need root, dockerd and redis-server")
    var = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        data = stack.enter_context(services.folder("engine"))
        # Once killed, it leaves mounts there, and the folder could not be removed.
        unmount = ["umount", "--recursive", "--lazy", str(data)]
        stack.callback(lambda: subprocess.run(unmount, capture_output=True))
        engine = stack.enter_context(services.docker_server(data))
        _copy_images(engine.url)
        env = {
            **services.plain_environment(),
            "DEBUG": "true",
            "GUESTS_MAY_RUN_CODE": "true",
            "RATE_LIMITS": "off",
            "VAR_DIR": str(var),
            "DATABASE_URL": f"sqlite:///{var / 'db.sqlite3'}",
            "REDIS_URL": stack.enter_context(services.redis()),
            "DOCKER_HOST": engine.url,
            "SANDBOX_ENGINE": "docker",
            "SANDBOX_POOL_INITIAL": "1",
            "SANDBOX_POOL_MAX": "2",
        }
        services.manage(env, "migrate", "--verbosity", "0")
        site = stack.enter_context(services.site(port=services.free_port(), env=env))
        yield Sandboxed(site, engine)


def _copy_images(engine: str) -> None:
    """Bring what every site wants from the tests' engine to another one."""
    docker = find("docker") or "docker"
    wanted = [images.reference(image) for image in (PYTHON, AGENT)]
    with subprocess.Popen([docker, "save", *wanted], stdout=subprocess.PIPE) as saving:
        subprocess.run([docker, "-H", engine, "load", "--quiet"], stdin=saving.stdout, check=True)


HEALTHY, DEGRADED = (200, "healthy", "healthy"), (200, "degraded", "degraded")


def _ends(engine: services.Server) -> Callable[[], None]:
    engine.stop()
    return engine.start


def _dies(engine: services.Server) -> Callable[[], None]:
    children = children_of(engine.pid)
    engine.kill()
    # The next one takes them for its own while anything is left of them.
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))
    return engine.start


def _hangs(engine: services.Server) -> Callable[[], None]:
    os.kill(engine.pid, signal.SIGSTOP)
    return partial(os.kill, engine.pid, signal.SIGCONT)


@pytest.mark.parametrize("goes", [_ends, _dies, _hangs])
def test_the_engine_goes_and_is_back(
    sandboxed: Sandboxed, goes: Callable[[services.Server], Callable[[], None]]
) -> None:
    eventually(lambda: sandboxed.pool() == HEALTHY, seconds=BACK)

    come_back = goes(sandboxed.engine)
    try:
        eventually(lambda: sandboxed.pool() == DEGRADED, seconds=NOTICED)
        assert sandboxed.is_ready()  # lessons can be read
    finally:
        come_back()

    eventually(lambda: sandboxed.pool() == HEALTHY, seconds=BACK)
    visitor = Visitor(sandboxed.site.url)
    assert visitor.end_of(visitor.run("print(1 + 1)"), seconds=BACK)["output"] == [["stdout", "2\n"]]
    assert all(process.exit_code is None for process in sandboxed.site.processes.values())


def test_a_worker_that_found_no_engine_has_containers_when_there_is_one(sandboxed: Sandboxed) -> None:
    sandboxed.engine.stop()
    worker = sandboxed.site.processes["worker"]
    worker.stop(grace=20)
    eventually(lambda: not sandboxed.has_a_worker())
    command = services.site_commands(0, sandboxed.site.env)["worker"]
    with running(Process("worker", command, env=sandboxed.site.env)):
        eventually(lambda: sandboxed.has_a_worker() and sandboxed.pool() == DEGRADED, seconds=BACK)
        sandboxed.engine.start()
        eventually(lambda: sandboxed.pool() == HEALTHY, seconds=BACK)
