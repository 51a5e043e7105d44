"""`make bench`: what a run costs, measured on a site and services started for it alone."""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from deploy.dev import services, test
from deploy.dev.environment import prepare_python, say
from deploy.dev.processes import PYTHON, ROOT, SetupError, ending_on_signals

# Requests are counted as ever, which takes its time, but there may be any number of them.
BOUNDLESS = "runs=1000000/s,runs_guest=1000000/s,address=1000000/s"

# What operators run, but for TLS: a development site checks its files and notes its queries at each request.
PRODUCTION = {"DEBUG": "false", "SECURE_SSL_REDIRECT": "false", "GUESTS_MAY_RUN_CODE": "true"}


def main() -> None:
    try:
        prepare_python("requirements-dev.txt")
        test.install_debian_packages(test.SERVICES)
        with ending_on_signals():
            sys.exit(run())
    except SetupError as error:
        sys.exit(f"\n{error}")


def run() -> int:
    missing: list[str] = []
    with ExitStack() as stack:
        env = stack.enter_context(test.service_variables(missing))
        env["VAR_DIR"] = stack.enter_context(tempfile.TemporaryDirectory(prefix="helloagents-bench-"))
        env["RATE_LIMITS"] = BOUNDLESS
        env |= PRODUCTION | {"SECRET_KEY": secrets.token_urlsafe(50)}
        for what in missing:
            say(f"Missing: {what}")
        test.build_images(env)
        bench: list[str | Path] = [PYTHON, "manage.py", "sandbox_bench", *sys.argv[1:]]
        say("The pool alone:")
        code = subprocess.run(bench, cwd=ROOT, env=env).returncode
        services.manage(env, "collectstatic", "--no-input")
        services.prepare(env)
        site = stack.enter_context(services.site(port=services.free_port(), env=env))
        say("\nThe same beside a site, and through it:")
        beside = [*bench, "--door-only", "--site", site.url]
        return subprocess.run(beside, cwd=ROOT, env=dict(site.env)).returncode or code


if __name__ == "__main__":
    main()
