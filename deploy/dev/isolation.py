"""What this machine has to isolate learners' code with."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from deploy.dev.environment import find, say
from deploy.dev.processes import PYTHON, ROOT

DEFAULT_IMAGE = "helloagents-sandbox:python"
WITHOUT_PACKAGES = (
    "Programs run in plain Python until that is mended: `import openai` and the like will fail in them."
)


def docker_engine_answers(address: str | None = None) -> bool:
    """Whether a Docker engine answers at the address, or where the `docker` command would look for one."""
    return _ask_docker("ping()", {"DOCKER_HOST": address} if address else {})


def sandbox_image_exists() -> bool:
    image = os.environ.get("SANDBOX_IMAGE", DEFAULT_IMAGE)
    return _ask_docker(f"images.get({image!r})", {})


def _ask_docker(question: str, env: Mapping[str, str]) -> bool:
    command = [PYTHON, "-c", f"import docker; docker.from_env(timeout=5).{question}"]
    return subprocess.run(command, env=os.environ | env, capture_output=True).returncode == 0


def build_sandbox_images(env: Mapping[str, str], engine: str) -> bool:
    """Bring what learners' code runs in up to date. Whether there is anything to run it in.

    The first time, which takes a minute, its progress is shown; later only what went wrong.
    """
    command = [PYTHON, "manage.py", "build_sandbox_image", "--verbosity", "0"]
    env = {**env, "SANDBOX_ENGINE": engine}
    if subprocess.run([*command, "--image", "python"], cwd=ROOT, env=env).returncode:
        return False
    if subprocess.run(command, cwd=ROOT, env=env).returncode:
        say(WITHOUT_PACKAGES)
    return True


def bubblewrap_works() -> bool:
    """Whether bubblewrap is there and this kernel lets it make namespaces."""
    if find("bwrap") is None:
        return False
    trial = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"]
    return subprocess.run(trial, capture_output=True).returncode == 0
