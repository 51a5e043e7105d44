"""`make lock`: pin what pyproject.toml and the sandbox name, with digests, for Python 3.11 and newer."""

from __future__ import annotations

import subprocess
import sys

from deploy.dev.environment import find, say
from deploy.dev.processes import ROOT

COMPILE = ["uv", "pip", "compile", "--quiet", "--python-version", "3.11", "--generate-hashes"]
COMPILE += ["--custom-compile-command", "make lock"]
SITE = ["--universal", "pyproject.toml"]
# For Linux alone, so that no line depends on the Python that reads it: pip would judge by its own.
IMAGE = ["--python-platform", "x86_64-manylinux_2_28"]


def main() -> None:
    if find("uv") is None:
        sys.exit("make lock needs uv: pip install uv, or see https://docs.astral.sh/uv/")
    lock("requirements.txt", *SITE, "--extra", "embedded")
    lock("requirements-dev.txt", *SITE, "--all-extras", "--constraint", "requirements.txt")
    for image in ("agent", "javascript"):
        lock(f"sandbox/image/{image}.txt", *IMAGE, f"sandbox/image/{image}.in")
    say("The locked requirements are up to date with pyproject.toml and sandbox/image/*.in.")


def lock(output: str, *options: str) -> None:
    if subprocess.run([*COMPILE, *options, "--output-file", output], cwd=ROOT).returncode:
        sys.exit(f"{output} is as it was.")


if __name__ == "__main__":
    main()
