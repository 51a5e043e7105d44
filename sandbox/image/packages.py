"""Folders of packages for learners' programs: fetched by pip on this machine, kept by what they hold.

A folder is named after its content, so it never changes once it is there. Nothing of a package runs while
it is fetched: wheels only, never a source distribution.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from sandbox.errors import ImageFailed
from sandbox.image import Image

# Which builds of a package a Linux image of ours can load, the newest first: PEP 600, PEP 656 is not served.
_GLIBC = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014", "linux")
_RECIPE = "2"  # part of the name; raised when folders are made in another way
_FETCH_SECONDS = 600


@dataclass(frozen=True)
class Target:
    """The Python that packages are for."""

    version: str  # "3.11"
    machine: str  # as `uname -m` names it

    @classmethod
    def own(cls) -> Target:
        return cls(f"{sys.version_info.major}.{sys.version_info.minor}", platform.machine())


def folder_of(image: Image, target: Target) -> Path:
    """Where the packages of one layer lie, once `fetch` was there."""
    content = "\0".join((_RECIPE, target.version, target.machine, image.requirements))
    name = f"{image.name}-py{target.version}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    return Path(settings.SANDBOX_PACKAGES_DIR) / name


def fetch(image: Image, target: Target, *, tell: Callable[[str], None]) -> Path:
    """The folder with the packages of one layer, fetched if need be. Raises ImageFailed."""
    folder = folder_of(image, target)
    if folder.is_dir():
        return folder
    tell(f"Fetching the packages of {image.name} for Python {target.version}.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that it gets there whole or not at all.
    draft = Path(tempfile.mkdtemp(prefix=".fetching-", dir=folder.parent))
    try:
        _install(image, target, draft / "packages")
        draft.chmod(0o755)
        if target == Target.own():
            _compile(draft / "packages")
        _move(draft / "packages", folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _install(image: Image, target: Target, folder: Path) -> None:
    listing = folder.with_name("requirements.txt")
    listing.write_text(image.requirements)
    # A list with hashes is complete; of a list without, pip finds what it needs besides.
    strictness = ["--require-hashes", "--no-deps"] if "--hash=" in image.requirements else []
    platforms = [f"--platform={name}_{target.machine}" for name in _GLIBC]
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"),
        *("--target", str(folder), "--only-binary=:all:", "--no-compile", *strictness),
        *("--implementation=cp", f"--python-version={target.version}", *platforms),
        *("--requirement", str(listing)),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - pip, on a list of ours or of a course's author
            command, capture_output=True, text=True, check=False, timeout=_FETCH_SECONDS, cwd=folder.parent
        )
    except subprocess.TimeoutExpired as error:
        raise ImageFailed(f"pip did not get the packages of {image.name} in {_FETCH_SECONDS} s.") from error
    if done.returncode:
        said = [line for line in done.stderr.strip().splitlines() if not line.startswith("WARNING")]
        raise ImageFailed(
            f"pip could not fetch the packages of {image.name}:\n" + "\n".join(said[-10:]) + "\n"
            "Check the network (HTTPS_PROXY, PIP_INDEX_URL) and the versions asked for, then build again."
        )
    shutil.rmtree(
        folder / "bin", ignore_errors=True
    )  # commands, whose first line names this machine's Python
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _compile(folder: Path) -> None:
    """Write bytecode that is taken as it is: the folder does not change and cannot be written to later."""
    compiling = [sys.executable, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compiling, str(folder)], capture_output=True, check=False)  # noqa: S603 - a speed-up only


def _move(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError:  # somebody else was quicker, with the same content
        if not folder.is_dir():
            raise
