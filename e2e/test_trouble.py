"""When the platform fails, the page says so, keeps the learner's work, and lets them try again.

A site of its own, whose Docker engine and Redis stand behind doors that the tests shut.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from deploy.dev import services
from deploy.dev.environment import find
from deploy.dev.processes import PYTHON, Process, running
from e2e.doors import Door, door
from e2e.learn_page import LearnPage

pytestmark = pytest.mark.docker

FOREVER = "print('started')\nwhile True:\n    pass\n"


@dataclass
class Fragile:
    """A site that may be damaged."""

    site: services.Site
    engine: Door
    redis: Door
    _stack: ExitStack

    def kill_worker(self) -> None:
        """At once, and everything it started."""
        worker = self.site.processes["worker"]
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()

    def start_worker(self) -> None:
        command = [PYTHON, "-m", "celery", "--quiet", "--app", "helloagents", "worker", "--pool", "threads"]
        command += ["--concurrency", "2", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
        self._stack.enter_context(running(Process("worker", command, env=self.site.env)))


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fragile]:
    var = tmp_path_factory.mktemp("fragile")
    with ExitStack() as stack:
        redis = services.redis if find("redis-server") else services.embedded_redis
        before_redis = stack.enter_context(door(stack.enter_context(redis())))
        before_engine = stack.enter_context(
            door(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
        )
        env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "helloagents.settings",
            "VAR_DIR": str(var),
            "DATABASE_URL": f"sqlite:///{var / 'db.sqlite3'}",
            "REDIS_URL": f"redis://127.0.0.1:{before_redis.port}/0",
            "DOCKER_HOST": f"tcp://127.0.0.1:{before_engine.port}",
            "SANDBOX_ENGINE": "docker",
            "SANDBOX_POOL_INITIAL": "1",
        }
        services.prepare(env)
        site = stack.enter_context(services.site(port=services.free_port(), env=env))
        yield Fragile(site, before_engine, before_redis, stack)


@pytest.fixture
def learn(fragile: Fragile, page: Page) -> LearnPage:
    """A lesson on the fragile site, on which programs run."""
    learn = LearnPage(page, site=fragile.site.url)
    # What has waited for the page's patience to end must not make the test wait for it.
    page.clock.install()
    learn.open()
    learn.run("print('well')")
    learn.expect_output("well\n")
    return learn


def test_a_stopped_engine_is_not_the_learners_fault(fragile: Fragile, learn: LearnPage) -> None:
    learn.write("print('kept')")
    fragile.engine.shut()
    try:
        learn.run_button.click()
        learn.expect_outcome("Something broke on our side")
        expect(learn.advice).to_contain_text("not your program’s fault")
        assert learn.code() == "print('kept')"
    finally:
        fragile.engine.open()
    try_again_until(learn, "kept\n")


def test_an_engine_that_stops_during_a_run_is_told(fragile: Fragile, learn: LearnPage) -> None:
    learn.run(FOREVER)
    learn.expect_output("started\n")
    fragile.engine.shut()
    try:
        learn.expect_outcome("Something broke on our side")
        assert learn.code() == FOREVER
    finally:
        fragile.engine.open()
    learn.write("print('kept')")
    learn.run_button.click()
    try_again_until(learn, "kept\n")


def test_without_redis_a_run_is_refused_honestly(fragile: Fragile, learn: LearnPage) -> None:
    learn.write("print('kept')")
    fragile.redis.shut()
    try:
        learn.run_button.click()
        learn.expect_outcome("Something broke on our side")
        learn.page.reload()
        expect(learn.editor).to_contain_text("print('kept')")
        learn.run_button.click()
        learn.expect_outcome("Something broke on our side")
    finally:
        fragile.redis.open()
    try_again_until(learn, "kept\n")


def test_redis_lost_during_a_run_loses_neither_the_result_nor_the_worker(
    fragile: Fragile, learn: LearnPage
) -> None:
    learn.run("import time\nprint('started', flush=True)\ntime.sleep(3)\nprint('ended')")
    learn.expect_output("started\n")
    fragile.redis.shut()
    try:
        learn.expect_outcome("Finished")
        learn.expect_output("started\nended\n")
    finally:
        fragile.redis.open()
    learn.run("print('and on')")
    learn.expect_output("and on\n")


def test_a_dead_worker_leaves_nobody_waiting_for_ever(fragile: Fragile, learn: LearnPage) -> None:
    learn.run(FOREVER)
    learn.expect_output("started\n")
    fragile.kill_worker()
    learn.page.clock.fast_forward("02:00")
    learn.expect_outcome("No answer any more")
    learn.expect_output("started\n")
    assert learn.code() == FOREVER

    learn.write("print('served at last')")
    learn.run_button.click()
    expect(learn.outcome).to_have_text(re.compile(r"Waiting, place \d+ in the queue"))
    fragile.start_worker()
    learn.expect_outcome("Finished")
    learn.expect_output("served at last\n")


def try_again_until(learn: LearnPage, output: str) -> None:
    """That a service is back is not noticed at once; a learner presses again, and so does this."""
    for _ in range(20):
        expect(learn.output).not_to_have_attribute("data-look", re.compile("waiting|running"))
        if not learn.retry_button.is_visible():
            break
        learn.retry_button.click()
    learn.expect_outcome("Finished")
    learn.expect_output(output)
