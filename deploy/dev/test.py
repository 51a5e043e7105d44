"""`make test`: every test, on real services that are started here and stopped again, whatever happens.

On Debian as root what is missing is installed. Elsewhere the services may be named (TEST_DATABASE_URL,
TEST_REDIS_URL, DOCKER_HOST, CHROMIUM); what is still missing is named, and what needs it is skipped.
With CI=true nothing is skipped: what is missing fails.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import SIGINT

from deploy.dev import check, isolation, services
from deploy.dev.environment import find, install_missing, may_install, prepare_python, say
from deploy.dev.processes import PYTHON, ROOT, Process, SetupError, ending_on_signals, running

# By the command that is looked for. What a site and its sandbox stand on:
SERVICES = {
    "initdb": "postgresql",
    "redis-server": "redis-server",
    "bwrap": "bubblewrap",
    "debootstrap": "debootstrap",
}
DEBIAN_PACKAGES = {
    **SERVICES,
    "chromium": "chromium",
    "msgfmt": "gettext",
    "node": "nodejs",
    "npm": "npm",
    "promtool": "prometheus",
}
CHINESE_FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
# Kept between runs: the base of the sandbox image takes half a minute to make.
ENGINE_DATA = ROOT / "var" / "test" / "dockerd"
# The packages of the images, which never change, are shared by all sites that are started here.
PACKAGES = {"SANDBOX_PACKAGES_DIR": str(ROOT / "var" / "sandbox")}

SANDBOX = "(docker or bubblewrap) and not e2e"
UNIT = "not docker and not bubblewrap and not e2e"
SQLITE = f"not postgresql and {UNIT}"
NO_TESTS = 5  # pytest's exit code when nothing was selected


def main() -> None:
    try:
        with ending_on_signals():
            sys.exit(0 if run() else 1)
    except SetupError as error:
        sys.exit(f"\n{error}")


def run() -> bool:
    """Run everything; whether all passed."""
    times: dict[str, float] = {}
    passed: list[bool] = []
    missing: list[str] = []
    with ExitStack() as stack:
        with timed("set-up", times):
            prepare_python("requirements-dev.txt")
            install_debian_packages(DEBIAN_PACKAGES)
            env = stack.enter_context(service_variables(missing))
            image = start_image_build(stack, env)
        with timed("static checks", times):
            passed.append(check.run_checks())
        for name, selection, options, variables in suites(env):
            if image is not None and selection == SANDBOX:
                with timed("waiting for the sandbox images", times):
                    if image.wait() != 0:
                        missing.append(f"the sandbox images: building them failed:\n{image.output()}")
            with timed(name, times):
                passed.append(pytest(name, selection, options, variables))
        print_times(times)
    for what in missing:
        say(f"Missing: {what}")
    return all(passed) and not (missing and check.CI)


def suites(env: Mapping[str, str]) -> Iterator[tuple[str, str, list[str], Mapping[str, str]]]:
    """The runs of pytest: name, marker expression, options, environment."""
    parallel = ["-n", str(min(4, os.cpu_count() or 1))]
    without_database = {name: value for name, value in env.items() if name != "DATABASE_URL"}
    if "DATABASE_URL" in env:
        yield "unit and integration tests, PostgreSQL", UNIT, parallel, env
        yield "the same with a database, SQLite", f"database and {SQLITE}", parallel, without_database
    else:
        yield "unit and integration tests, SQLite", SQLITE, parallel, without_database
    # Two at a time, whatever the machine: these measure limits of time and memory.
    yield "sandbox tests", SANDBOX, ["-n", "2", "--dist", "loadgroup"], env
    # In their order: whether the site stands at all is asked before others make it write to its terminal.
    yield "browser tests", "e2e", ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"], env


def pytest(name: str, selection: str, options: list[str], env: Mapping[str, str]) -> bool:
    say(f"\n{name}")
    arguments = shlex.split(os.environ.get("ARGS", ""))
    command = [PYTHON, "-m", "pytest", "-q", "-m", selection, *options, *arguments]
    # Interrupted, not terminated: pytest then ends its fixtures, and with them the site.
    with running(
        Process("pytest", command, env=env, stop_signal=SIGINT, on_terminal=True), grace=30
    ) as process:
        code = process.wait()
    return code == 0 or (code == NO_TESTS and bool(arguments))


@contextmanager
def timed(name: str, times: dict[str, float]) -> Iterator[None]:
    start = time.monotonic()
    try:
        yield
    finally:
        times[name] = time.monotonic() - start


def print_times(times: Mapping[str, float]) -> None:
    say("")
    for name, seconds in {**times, "in all": sum(times.values())}.items():
        say(f"{seconds:7.1f} s  {name}")


# --- What the tests stand on ----------------------------------------------------------------------


def install_debian_packages(commands: Mapping[str, str]) -> None:
    """Those of `commands`, and an engine where none answers; with a browser goes a Chinese font."""
    needed = dict(commands)
    if not isolation.docker_engine_answers():
        needed["dockerd"] = "docker.io"
    fonts = ["fonts-noto-cjk"] if "chromium" in commands and not CHINESE_FONT.exists() else []
    install_missing(needed, fonts)


@contextmanager
def service_variables(missing: list[str]) -> Iterator[dict[str, str]]:
    """Start what is not named, and yield the environment that names all of it."""
    env = {**PACKAGES, **os.environ, "DEBUG": "true"}
    for name in ("DATABASE_URL", "REDIS_URL", "VAR_DIR", "PORT"):
        env.pop(name, None)  # of a developer's own site; tests never touch it
    with ExitStack() as stack:
        if database := database_url(stack):
            env["DATABASE_URL"] = database
        else:
            missing.append(
                "PostgreSQL; install it, or name one in TEST_DATABASE_URL. Tests ran on SQLite alone."
            )
        if redis := redis_url(stack):
            env["REDIS_URL"] = redis
        else:
            missing.append(
                "Redis; install redis-server, or name one in TEST_REDIS_URL. Tests ran on a stand-in."
            )
            env["REDIS_URL"] = stack.enter_context(services.embedded_redis())
        if not isolation.docker_engine_answers():
            if may_install() and find("dockerd"):
                env["DOCKER_HOST"] = stack.enter_context(services.docker_engine(ENGINE_DATA))
            else:
                missing.append("a Docker engine; start one, or name one in DOCKER_HOST.")
        if not isolation.bubblewrap_works():
            missing.append("bubblewrap, or the kernel's leave to make namespaces with it.")
        yield env


def database_url(stack: ExitStack) -> str | None:
    if named := os.environ.get("TEST_DATABASE_URL"):
        return named
    if find("initdb"):
        return stack.enter_context(services.postgres())
    if isolation.docker_engine_answers():
        return stack.enter_context(services.postgres_container())
    return None


def redis_url(stack: ExitStack) -> str | None:
    if named := os.environ.get("TEST_REDIS_URL"):
        return named
    if find("redis-server"):
        return stack.enter_context(services.redis())
    if isolation.docker_engine_answers():
        return stack.enter_context(services.redis_container())
    return None


def start_image_build(stack: ExitStack, env: Mapping[str, str]) -> Process | None:
    """Build the sandbox images beside what needs none; None when there is no engine to build them on."""
    command = [PYTHON, "manage.py", "build_sandbox_image"]
    # The packages of bubblewrap's are fetched first: Docker's are the same where its Python is.
    if isolation.bubblewrap_works():
        fetched = stack.enter_context(
            running(Process("packages", command, env={**env, "SANDBOX_ENGINE": "bubblewrap"}))
        )
        if fetched.wait() or not isolation.docker_engine_answers(env.get("DOCKER_HOST")):
            return fetched
    elif not isolation.docker_engine_answers(env.get("DOCKER_HOST")):
        return None
    return stack.enter_context(running(Process("image", command, env={**env, "SANDBOX_ENGINE": "docker"})))


def build_images(env: Mapping[str, str]) -> None:
    """Build the sandbox images, where there is an engine to build them on, and wait for them. SetupError."""
    with ExitStack() as stack:
        image = start_image_build(stack, env)
        if image is not None and image.wait() != 0:
            raise SetupError(f"The sandbox images could not be built:\n{image.output()}")


if __name__ == "__main__":
    main()
