"""What goes into the images besides their base: Dockerfiles, the supervisor, packages."""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from pathlib import Path
from typing import IO

from sandbox.image import FOLDER, PYTHON, Image

_SUPERVISOR = FOLDER.parent / "supervisor"


def digest(image: Image = PYTHON) -> str:
    """Hex digest of what goes into an image besides its base."""
    total = hashlib.sha256()
    for name, path in _inputs(image, None):
        total.update(f"{name}\0{path.stat().st_size}\0".encode())
        total.update(path.read_bytes())
    if image.base:
        total.update("\0".join((digest(image.base), image.requirements, *image.preload)).encode())
    return total.hexdigest()


def as_tar(image: Image = PYTHON, packages: Path | None = None) -> IO[bytes]:
    """The build context as a tar: the same bytes for the same files, so the engine's cache holds.

    `packages` is the folder of an image that has some. To be closed.
    """
    stream = tempfile.SpooledTemporaryFile(max_size=8 * 1024 * 1024)  # noqa: SIM115 - the caller's
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, path in _inputs(image, packages):
            member = tarfile.TarInfo(name)
            member.size = path.stat().st_size
            member.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            with path.open("rb") as file:
                tar.addfile(member, file)
    stream.seek(0)
    return stream


def _inputs(image: Image, packages: Path | None) -> list[tuple[str, Path]]:
    """Name in the context and path of every file that goes in."""
    if image.base is None:
        modules = [path for path in sorted(_SUPERVISOR.rglob("*.py")) if "tests" not in path.parts]
        return [("Dockerfile", FOLDER / "Dockerfile"), *_named("supervisor", _SUPERVISOR, modules)]
    # Bytecode is left out: it may be another Python's.
    files = [path for path in sorted(packages.rglob("*")) if path.is_file()] if packages else []
    sources = [path for path in files if path.suffix != ".pyc"]
    return [("Dockerfile", FOLDER / "Dockerfile.packages"), *_named("packages", packages or FOLDER, sources)]


def _named(prefix: str, folder: Path, files: list[Path]) -> list[tuple[str, Path]]:
    return [(f"{prefix}/{path.relative_to(folder).as_posix()}", path) for path in files]
