"""`make run`: from a fresh clone to a running site, for development.

Web, worker and beat run on whatever Redis and isolation this machine has; Ctrl+C ends all of it.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.dev import isolation, services
from deploy.dev.environment import find, install_missing, prepare_python, say
from deploy.dev.processes import PYTHON, ROOT, SetupError, Stopped, ending_on_signals

# What manage.py must know to mean the same site; helloagents/configuration.py says when it reads them.
CHOICES = (
    *("DEBUG", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "MEDIA_ROOT", "SITE_URL"),
    *("SANDBOX_ENGINE", "SANDBOX_PACKAGES_DIR"),
)
HIGHEST_PORT = 65535
HOW_TO_ISOLATE = (
    "Running code is off: nothing here can isolate it.\n"
    "  To turn it on, install Docker or bubblewrap (apt-get install bubblewrap), then start again."
)


def main() -> None:
    try:
        prepare_python("requirements.txt")
        if Path(sys.prefix) != ROOT / ".venv":
            os.execv(PYTHON, [PYTHON, "-m", "deploy.dev.run"])
        with ending_on_signals():
            run()
    except Stopped:
        say("\nStopped.")  # as it was asked to: no failure
    except SetupError as error:
        sys.exit(f"\n{error}")


def run() -> None:
    env = development_environment()
    port = port_in(env)
    refuse_wrong_settings(env)
    if services.answers(port):
        raise SetupError(f"Port {port} is busy. Choose another: make run PORT={port + 1}")
    env["SANDBOX_ENGINE"], isolated_by = choose_isolation(env)
    with redis_for(env) as env["REDIS_URL"]:
        remember(env)
        link = services.prepare(env, "--site", env["SITE_URL"])
        with services.site(port=port, env=env, on_line=show) as site:
            say("\n".join(["", *summary(site, isolated_by, link), ""]))
            first_to_end = wait_for_an_end(site)
            raise SetupError(f"{first_to_end} ended by itself; the site was stopped.")


def development_environment() -> dict[str, str]:
    """Our environment and .env, completed with what development needs."""
    import environ  # from .venv, which may not have been there when this file was loaded

    environ.Env.read_env(str(ROOT / ".env"))
    env = dict(os.environ)
    env.setdefault("DEBUG", "true")
    env["PORT"] = env.get("PORT") or "8000"
    env.setdefault("SITE_URL", f"http://127.0.0.1:{env['PORT']}")
    env.setdefault("VAR_DIR", str(ROOT / "var"))
    # Less than a process has to end: what a worker cannot finish, the next start runs again.
    env.setdefault("WORKER_STOP_SECONDS", "2")
    var = Path(env["VAR_DIR"])
    var.mkdir(parents=True, exist_ok=True)
    if not env.get("SECRET_KEY"):
        env["SECRET_KEY"] = _own_secret(var / "secret-key")
    return env


def _own_secret(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text()


def port_in(env: Mapping[str, str]) -> int:
    """The port to serve at. Raises SetupError when PORT is none."""
    said = env["PORT"]
    if not said.isascii() or not said.isdigit() or not 1 <= int(said) <= HIGHEST_PORT:
        raise SetupError(f"PORT is {said!r}. It takes a number from 1 to {HIGHEST_PORT}: make run PORT=8001")
    return int(said)


def refuse_wrong_settings(env: Mapping[str, str]) -> None:
    """Raise SetupError with the list of what is wrong, before anything is built or started."""
    checked = subprocess.run(
        [PYTHON, "manage.py", "check"], env=dict(env), cwd=ROOT, capture_output=True, text=True
    )
    if checked.returncode:
        raise SetupError(checked.stderr.strip())


def remember(env: Mapping[str, str]) -> None:
    """Note the choices for manage.py in another terminal. They stay when the site stops."""
    path = Path(env["VAR_DIR"]) / "development.env"
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)  # it holds the secret key
    lines = ["# Written by `make run` at each start. Your own choices belong in .env.", ""]
    lines += [f"{name}='{env[name]}'" for name in CHOICES if name in env]
    new.write_text("\n".join(lines) + "\n")
    new.replace(path)


@contextmanager
def redis_for(env: Mapping[str, str]) -> Iterator[str]:
    """The Redis named by REDIS_URL, else a private one, else the stand-in. Yields its URL."""
    if "REDIS_URL" in env:
        yield env["REDIS_URL"]
    elif find("redis-server"):
        with services.redis() as url:
            yield url
    else:
        with services.embedded_redis() as url:
            yield url


def choose_isolation(env: Mapping[str, str]) -> tuple[str, str]:
    """What learners' code runs in: the value for SANDBOX_ENGINE, and a sentence about it."""
    wanted = env.get("SANDBOX_ENGINE", "auto")
    if wanted in ("auto", "docker") and isolation.docker_engine_answers():
        if isolation.build_sandbox_images(env, "docker"):
            return "docker", "Docker containers isolate learners' code."
        say("The sandbox image could not be built, so Docker is not used.")
    if wanted == "docker":
        raise SetupError("SANDBOX_ENGINE is docker, but no Docker engine can be used here (see above).")
    if wanted in ("auto", "bubblewrap"):
        install_missing({"bwrap": "bubblewrap"})
        if isolation.bubblewrap_works() and isolation.build_sandbox_images(env, "bubblewrap"):
            return "bubblewrap", "bubblewrap isolates learners' code. With a Docker engine, Docker would."
    return "auto", HOW_TO_ISOLATE


def show(name: str, line: str) -> None:
    """Print a line of a process, but for the worker's farewell, which is no news after Ctrl+C."""
    if line.strip() and "Warm shutdown" not in line:
        say(f"{name:>6} | {line.rstrip()}")


def summary(site: services.Site, isolated_by: str, link: str) -> list[str]:
    lines = [f"  HelloAgents is at {site.url}", f"  {isolated_by}"]
    if link:
        lines += [
            "  To teach and to manage the site, make your account (the link works once, for a day):",
            f"  {link}",
        ]
    else:
        lines.append("  To teach and to manage the site, sign in as an administrator.")
    return [*lines, "  Ctrl+C stops everything."]


def wait_for_an_end(site: services.Site) -> str:
    """Block until one of the site's processes ends; return its name."""
    while True:
        for name, process in site.processes.items():
            if process.exit_code is not None:
                return name
        time.sleep(0.2)


if __name__ == "__main__":
    main()
