"""What a machine needs before anything can start: Python packages, and Debian's where we may install them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from deploy.dev.processes import PYTHON, ROOT, SetupError

NEEDED_SPACE = 1024**3  # bytes; the packages take half of it


def say(text: str) -> None:
    print(text, flush=True)


def prepare_python(requirements: str) -> None:
    """Make .venv hold what `requirements` pins; a stamp spares the work when nothing changed.

    Raises SetupError saying what is in the way.
    """
    # Where it is set, each process that starts would compile anew all that it imports: ten seconds.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    stamp = ROOT / ".venv" / ".installed"
    wanted = _stamp_line(requirements)
    if Path(PYTHON).exists() and stamp.exists() and wanted in stamp.read_text().splitlines():
        return
    if shutil.disk_usage(ROOT).free < NEEDED_SPACE:
        raise SetupError(f"Less than 1 GB is free where {ROOT} is. Make room, then try again.")
    if not Path(PYTHON).exists():
        _make_virtual_environment()
    say("Installing Python packages …")
    # Not compiled ahead, which takes longer than all the rest: Python compiles what is imported.
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--no-compile"]
    pip += ["--no-input", "--disable-pip-version-check"]
    installed = subprocess.run(
        [*pip, "--require-hashes", "-r", ROOT / requirements], capture_output=True, text=True
    )
    if installed.returncode:
        raise SetupError(
            f"pip could not install {requirements}:\n{tail(installed.stderr)}\n\n"
            "Check the network (HTTPS_PROXY, PIP_INDEX_URL) and the space on the disk, then try again; "
            "what was fetched is kept."
        )
    lines = [wanted]
    if requirements == "requirements-dev.txt":
        lines.append(_stamp_line("requirements.txt"))  # pinned to the same versions and contained in it
    stamp.write_text("\n".join(lines) + "\n")


def _make_virtual_environment() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        install_missing({}, ["python3-venv"])  # Debian's Python comes without it
    say(f"Making .venv with Python {sys.version.split()[0]} …")
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", ROOT / ".venv"], capture_output=True, text=True
    )
    if made.returncode:
        shutil.rmtree(ROOT / ".venv", ignore_errors=True)
        raise SetupError(
            f"Python's venv module does not work here:\n{tail(made.stdout + made.stderr)}\n\n"
            "On Debian and Ubuntu: apt-get install python3-venv"
        )


def _stamp_line(requirements: str) -> str:
    digest = hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()
    return f"{requirements} {digest} {sys.version_info.major}.{sys.version_info.minor}"


def tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-15:])


# --- Debian's packages ----------------------------------------------------------------------------


def may_install() -> bool:
    """Whether this is Debian (or a child of it) and we are root."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_missing(commands: Mapping[str, str], others: Sequence[str] = ()) -> None:
    """Install the Debian packages of the commands that are missing, {command: package}, and `others`.

    Says nothing when all are there. Raises SetupError when apt fails.
    """
    packages = sorted({package for command, package in commands.items() if find(command) is None} | {*others})
    if not packages or not may_install():
        return
    say(f"Installing Debian packages: {' '.join(packages)} …")
    # RUNLEVEL=1: the packages' own services stay off; we start private ones.
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if subprocess.run(install, env=env, capture_output=True).returncode == 0:
        return
    subprocess.run(["apt-get", "update"], env=env, capture_output=True)  # the lists may be old or absent
    result = subprocess.run(install, env=env, capture_output=True, text=True)
    if result.returncode:
        raise SetupError(f"apt-get could not install {' '.join(packages)}:\n{tail(result.stderr)}")


def find(command: str) -> str | None:
    """Where a command is, also when it is not on PATH: in sbin, or in PostgreSQL's own folder."""
    found = shutil.which(command) or shutil.which(command, path="/usr/sbin:/sbin:/usr/local/sbin")
    if found or command not in ("initdb", "postgres"):
        return found
    return _newest(Path("/usr/lib/postgresql").glob(f"*/bin/{command}"))


def _newest(paths: Iterable[Path]) -> str | None:
    versions = sorted(paths, key=lambda path: float(path.parent.parent.name))
    return str(versions[-1]) if versions else None
