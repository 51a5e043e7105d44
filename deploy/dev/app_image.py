"""`make image`: build the site's image where no image registry can be reached, and show that it works.

The base is the minimal Debian that the sandbox's images stand on; wheels are fetched on this machine, and
PostgreSQL's tools from Debian's archive. Then web, worker and beat run from the image with a production's
settings on a real PostgreSQL and Redis and this machine's engine; told is how long each took to start. They
are asked to end under load: no run may be lost. `--build` and `--show` do only the one or the other.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy.dev import load, services
from deploy.dev.environment import find, say
from deploy.dev.processes import PYTHON, ROOT, SetupError, Stopped, ending_on_signals

IMAGE = "helloagents:local"
BASE = "helloagents-base:bookworm"  # see sandbox/image/building.py
DEFAULT_ENGINE = "unix:///var/run/docker.sock"  # of the `docker` command
TMP = "/tmp:mode=1777"  # noqa: S108 - the container's own
WHEELS = ROOT / "wheels"
START_SECONDS = 60
LOAD_SECONDS = 8  # of steady load before the signal, and after it


def main() -> None:
    try:
        with ending_on_signals():
            if "--show" not in sys.argv:
                build()
            if "--build" not in sys.argv:
                show_that_it_works()
    except Stopped:
        say("\nStopped.")
    except SetupError as error:
        sys.exit(f"\n{error}")


def docker(*words: str | Path, quiet: bool = True) -> str:
    """Run a docker command and return what it printed. Raises SetupError with its complaint."""
    done = subprocess.run(
        [find("docker") or "docker", *words],
        cwd=ROOT,
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
    )
    if done.returncode:
        raise SetupError(f"docker {words[0]} failed:\n{(done.stdout or '')[-3000:]}")
    return (done.stdout or "").strip()


# --- Building -------------------------------------------------------------------------------------


def build() -> None:
    """Build the image; the sandbox's base and images must have been built on this engine."""
    if not docker("images", "--quiet", BASE):
        raise SetupError(f"There is no {BASE}: run manage.py build_sandbox_image on this engine first.")
    fetch_wheels()
    begun = time.monotonic()
    docker(
        *("build", "--network", "host", "--build-arg", f"BASE_IMAGE={BASE}", "--tag", IMAGE, "."),
    )
    size = int(docker("image", "inspect", "--format", "{{.Size}}", IMAGE))
    base = int(docker("image", "inspect", "--format", "{{.Size}}", BASE))
    seconds = time.monotonic() - begun
    say(f"Built {IMAGE} in {seconds:.0f} s: {(size - base) / 1e6:.0f} MB on a base of {base / 1e6:.0f}.")


def fetch_wheels() -> None:
    """Have the wheels of requirements.txt, and pip's own, for the base's Python, which is this one's."""
    stamp = WHEELS / "requirements.txt"
    wanted = (ROOT / "requirements.txt").read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("Fetching wheels …")
    shutil.rmtree(WHEELS, ignore_errors=True)
    # The base may be another patch release, which some packages are named for; they do no harm.
    of_any_release = re.sub(r" ; python_full_version < '3\.11\.\d+' ", " ", wanted)
    pip = [PYTHON, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", str(WHEELS)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listing:
        listing.write(of_any_release)
        listing.flush()
        for what in (["--require-hashes", "--only-binary", ":all:", "--requirement", listing.name], ["pip"]):
            if subprocess.run([*pip, *what], stderr=subprocess.DEVNULL).returncode:
                raise SetupError("pip could not fetch the wheels. Check the network.")
    stamp.write_text(wanted)


# --- Running --------------------------------------------------------------------------------------


@contextmanager
def container(
    name: str, env: Mapping[str, str], *command: str, options: tuple[str, ...] = ()
) -> Iterator[str]:
    """A container of the image on this machine's own network, as locked down as compose.yaml has it."""
    started = docker(
        *("run", "--detach", "--network", "host", "--read-only", "--cap-drop", "ALL"),
        *("--tmpfs", TMP, "--security-opt", "no-new-privileges", "--name", name),
        *options,
        *_variables(env),
        IMAGE,
        *command,
    )
    try:
        yield started
    finally:
        docker("rm", "--force", "--volumes", name)


def engine_socket() -> Path:
    """Where this machine's engine listens, to be mounted for workers. SetupError when it is elsewhere."""
    scheme, _, path = (os.environ.get("DOCKER_HOST") or DEFAULT_ENGINE).partition("://")
    socket = Path(path)
    if scheme != "unix" or not socket.is_socket():
        raise SetupError(
            "There is no engine on this machine: name its socket, DOCKER_HOST=unix:///run/docker.sock."
        )
    return socket


def show_that_it_works() -> None:
    socket = engine_socket()
    with ExitStack() as stack:
        database = stack.enter_context(services.postgres())
        redis = stack.enter_context(services.redis())
        group = str(socket.stat().st_gid)
        port = services.free_port()
        mark = secrets.token_hex(3)
        env = {
            "SECURE_SSL_REDIRECT": "false",  # asked without a proxy
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "127.0.0.1",
            "GUESTS_MAY_RUN_CODE": "true",
            "RATE_LIMITS": "off",
            "DATABASE_URL": database,
            "REDIS_URL": redis,
            "PORT": str(port),
            "SANDBOX_POOL_MAX": "3",
        }
        volume = ("--volume", f"helloagents-{mark}:/data")
        stack.callback(docker, "volume", "rm", "--force", f"helloagents-{mark}")
        begun = time.monotonic()
        docker(
            *("run", "--rm", "--network", "host", *volume, *_variables(env), IMAGE, "migrate"),
        )
        say(f"migrate: {time.monotonic() - begun:.1f} s")
        docker(
            *("run", "--rm", "--network", "host", "--read-only", "--tmpfs", TMP, *volume, *_variables(env)),
            *(IMAGE, "backup", "/data/site.backup"),
        )
        say("backup: written by pg_dump of the image")
        engine = (*volume, "--volume", f"{socket}:/var/run/docker.sock", "--group-add", group)
        # They share its network: with its port, its answer would pass for theirs.
        env_of_others = {**env, "PORT": "1"}
        worker_env = {
            **env_of_others,
            "SANDBOX_ENGINE": "docker",
            "DOCKER_HOST": "unix:///var/run/docker.sock",
        }
        names = {process: f"helloagents-{process}-{mark}" for process in ("web", "worker", "second", "beat")}
        for process in ("web", "worker", "second", "beat"):
            role = "worker" if process == "second" else process
            options = engine if role == "worker" else volume
            process_env = env if process == "web" else env_of_others
            if role == "worker":
                process_env = {**worker_env, "WORKER_NAME": process}
            begun = time.monotonic()
            stack.enter_context(container(names[process], process_env, role, options=options))
            if process == "web":
                _until(lambda: _web_answers(port), f"{process} did not answer")
            else:
                _until(lambda name=names[process]: _is_alive(name), f"{process} did not start")
            say(f"{process}: of use {time.monotonic() - begun:.1f} s after its start")
        _until(lambda: all(_health(name) == "healthy" for name in names.values()), "not all are healthy", 120)
        say(f"HEALTHCHECK of all: healthy; user: {docker('exec', names['web'], 'id', '-u')}")
        with load.steady_load(f"http://127.0.0.1:{port}", learners=6) as account:
            time.sleep(LOAD_SECONDS)
            for process in ("worker", "beat"):
                say(f"{process}: ended {_stop(names[process])} after SIGTERM under load")
            time.sleep(LOAD_SECONDS)
        wrong = len(account.mixed_up) + len(account.untrue)
        say(
            f"runs: {account.finished} of {account.accepted} finished, {len(account.lost)} lost, "
            f"{account.broken} broken, {wrong} wrong; longest wait {account.longest_wait:.1f} s"
        )
        if not account.faultless or account.broken or account.finished != account.accepted:
            raise SetupError(f"Runs were lost: {account}")


def _variables(env: Mapping[str, str]) -> list[str]:
    return [word for key, value in env.items() for word in ("--env", f"{key}={value}")]


def _stop(name: str) -> str:
    begun = time.monotonic()
    docker("stop", "--time", "35", name)
    code = docker("inspect", "--format", "{{.State.ExitCode}}", name)
    return f"with code {code} {time.monotonic() - begun:.1f} s"


def _web_answers(port: int) -> bool:
    return services.page_answers(f"http://127.0.0.1:{port}/health/live")


def _is_alive(name: str) -> bool:
    tried = subprocess.run(
        [find("docker") or "docker", "exec", name, "deploy/image/is-healthy"], capture_output=True
    )
    return tried.returncode == 0


def _health(name: str) -> str:
    return docker("inspect", "--format", "{{.State.Health.Status}}", name)


def _until(look: Callable[[], bool], complaint: str, seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise SetupError(f"{complaint} within {seconds:g} s.")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
